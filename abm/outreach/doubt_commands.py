"""`abm campaigns doubt | resend | confirm`: messages nobody knows the end of."""

import click
from sqlalchemy.orm import Session

from abm.outreach.queries import get_campaign_by_name
from abm.web.terminal import answer
from campaigns.models import Delivery, Run
from campaigns.resending import list_in_doubt
from core import db
from core.errors import NotFound

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_ALL = 100_000


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
@click.argument("message", type=int)
@JSON
def resend(name: str, message: int, as_json: bool) -> None:
    """Send MESSAGE (a number from `doubt`) once more. It may reach the person twice."""
    from abm.outreach.doubt import resend_message

    with db.transaction() as session:
        _must_belong(session, name, message)
        again = resend_message(session, delivery_id=message)
        result = {"message": message, "again": again.id, "state": again.state}
    answer(result, as_json=as_json, text=f"{message} is sent again as {result['again']}")


@click.command()
@click.argument("name")
@click.argument("message", type=int)
@JSON
def confirm(name: str, message: int, as_json: bool) -> None:
    """MESSAGE arrived after all, you know it: it counts as sent."""
    from abm.outreach.doubt import confirm_message

    with db.transaction() as session:
        _must_belong(session, name, message)
        found = confirm_message(session, delivery_id=message)
        result = {"message": message, "state": found.state}
    answer(result, as_json=as_json, text=f"{message} counts as sent")


def _must_belong(session: Session, name: str, message: int) -> None:
    campaign, found = get_campaign_by_name(session, name), session.get(Delivery, message)
    if found is None or session.get_one(Run, found.run_id).campaign_id != campaign.id:
        raise NotFound(f"{name} has no message {message}; see `abm campaigns doubt {name}`")
