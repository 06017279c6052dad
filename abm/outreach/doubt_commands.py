"""`abm campaigns doubt | resend | confirm`: messages nobody knows the end of."""

import sys
from collections.abc import Callable

import click
from sqlalchemy.orm import Session

from abm.outreach.queries import get_campaign_by_name
from abm.web.terminal import answer
from campaigns.models import Delivery, Run
from campaigns.resending import list_in_doubt
from campaigns.states import Reason
from core import db
from core.errors import NotFound

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_ALL, _AT_ONCE = 1_000_000, 200


@click.command()
@click.argument("name")
@JSON
def doubt(name: str, as_json: bool) -> None:
    """List the messages in doubt: handed over, and nobody knows whether they were accepted."""
    with db.reading() as session:
        campaign = get_campaign_by_name(session, name)
        rows = [{"message": row.id, "email": row.address, "step": row.step, "tried_at": row.first_tried_at,
                 "message_id": row.message_id, "known": row.detail or ""}
                for row in list_in_doubt(session, campaign.id, limit=_ALL)]
    lines = [f"{row['message']}\t{row['step']}\t{row['email']}\t{row['tried_at']:%Y-%m-%d %H:%M}\t{row['known']}"
             for row in rows]
    answer({"campaign": name, "in_doubt": rows}, as_json=as_json, text="\n".join(lines) or "No message is in doubt")


@click.command()
@click.argument("name")
@click.argument("message", type=int, required=False)
@click.option("--all", "is_all", is_flag=True, help="Every message of the campaign that is in doubt.")
@JSON
def resend(name: str, message: int | None, is_all: bool, as_json: bool) -> None:
    """Send MESSAGE (a number from `doubt`) once more. It may reach the person twice."""
    from abm.outreach.doubt import resend_message

    if message is None:
        count = _settle_all(name, is_all=is_all, decide=resend_message, question="Send all of them once more?")
        answer({"messages": count}, as_json=as_json, text=f"{count:,} messages are sent again")
        return
    with db.transaction() as session:
        _must_belong(session, name, message)
        again = resend_message(session, delivery_id=message)
        result = {"message": message, "again": again.id, "state": again.state}
    answer(result, as_json=as_json, text=f"{message} is sent again as {result['again']}")


@click.command()
@click.argument("name")
@click.argument("message", type=int, required=False)
@click.option("--all", "is_all", is_flag=True, help="Every message of the campaign that is in doubt.")
@JSON
def confirm(name: str, message: int | None, is_all: bool, as_json: bool) -> None:
    """MESSAGE arrived after all, you know it: it counts as sent."""
    from abm.outreach.doubt import confirm_message

    if message is None:
        count = _settle_all(name, is_all=is_all, decide=confirm_message, question="Count all of them as sent?")
        answer({"messages": count}, as_json=as_json, text=f"{count:,} messages count as sent")
        return
    with db.transaction() as session:
        _must_belong(session, name, message)
        found = confirm_message(session, delivery_id=message)
        result = {"message": message, "state": found.state}
    answer(result, as_json=as_json, text=f"{message} counts as sent")


def _settle_all(name: str, *, is_all: bool, decide: Callable[..., Delivery], question: str) -> int:
    """Decide alike about everything in doubt, a few hundred at a time, each on record; how many."""
    if not is_all:
        raise click.UsageError("Name a message (see `abm campaigns doubt`), or say --all")
    with db.reading() as session:
        campaign = get_campaign_by_name(session, name)
        ids = [row.id for row in list_in_doubt(session, campaign.id, limit=_ALL) if row.reason != Reason.RESENT]
    if ids and sys.stdin.isatty() and not click.confirm(f"{len(ids):,} messages are in doubt. {question}", err=True):
        return 0
    for start in range(0, len(ids), _AT_ONCE):
        with db.transaction() as session:
            for delivery_id in ids[start:start + _AT_ONCE]:
                decide(session, delivery_id=delivery_id)
    return len(ids)


def _must_belong(session: Session, name: str, message: int) -> None:
    campaign, found = get_campaign_by_name(session, name), session.get(Delivery, message)
    if found is None or session.get_one(Run, found.run_id).campaign_id != campaign.id:
        raise NotFound(f"{name} has no message {message}; see `abm campaigns doubt {name}`")
