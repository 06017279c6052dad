"""`abm engagement`."""

from typing import Any

import click
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_external_id
from abm.engagement.actions import cool_down, end_cooling
from abm.engagement.queries import find_engagement, list_changes, list_entries, present_rules
from abm.engagement.refreshing import refresh_engagement_apart
from abm.engagement.rules import faded
from abm.web.terminal import answer
from core import clock
from core.db import reading, transaction
from core.errors import NotFound


@click.group()
def engagement() -> None:
    """Points per event, qualified accounts, relations that fade."""


@engagement.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def refresh(as_json: bool) -> None:
    """Bring the ledger and every account's engagement up to date."""
    found = refresh_engagement_apart()
    answer(found, as_json=as_json, text="{accounts:,} accounts, {qualified:,} qualified, {changed:,} changed, "
                                        "{fading:,} show signs of fading.".format(**found))


def _get_account(session: Session, external_id: str) -> Account:
    found = find_account_by_external_id(session, external_id)
    if found is None:
        raise NotFound(f"There is no account {external_id}")
    return found


@engagement.command(name="cool-down")
@click.argument("account")
@click.option("--days", type=click.IntRange(1, 3650), default=90, show_default=True)
@click.option("--reason", required=True, help="Why it goes back to nurture.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def cool_down_(account: str, days: int, reason: str, as_json: bool) -> None:
    """Hand an account back to nurture: it is not qualified before so many days are over."""
    with transaction() as session:
        found = _get_account(session, account)
        until = cool_down(session, account_id=found.id, days=days, reason=reason)
        told = {"account_id": account, "until": until.isoformat(), "reason": reason}
    answer(told, as_json=as_json, text=f"{account} is not qualified before {until:%Y-%m-%d}.")


@engagement.command(name="end-cool-down")
@click.argument("account")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def end_cool_down(account: str, as_json: bool) -> None:
    """Let an account be qualified again from now on."""
    with transaction() as session:
        was_cooling = end_cooling(session, account_id=_get_account(session, account).id)
    answer({"account_id": account, "was_cooling": was_cooling}, as_json=as_json,
           text=f"{account} may be qualified again." if was_cooling else f"{account} was not cooling down.")


@engagement.command()
@click.argument("account")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def why(account: str, as_json: bool) -> None:
    """The rows that an account's points are made of (its id as the source system has it)."""
    now = clock.now()
    with reading() as session:
        account_id = _get_account(session, account).id
        (rules, version), found = present_rules(session), find_engagement(session, account_id)
        rows: list[dict[str, Any]] = []
        for entry in list_entries(session, account_id, now=now):
            left = faded(entry.points, (now - entry.at).total_seconds() / 86_400, rules["decay_days"])
            rows.append({"at": entry.at.isoformat(), "kind": entry.kind, "points": entry.points, "points_now": left,
                         "rules": entry.rules_id})
        changes = [{"at": one.at.isoformat(), "is_qualified": one.is_qualified, "expression": one.expression}
                   for one in list_changes(session, account_id)]
        told = {"account_id": account, "points": found.points if found else 0.0, "people": found.people if found else 0,
                "is_qualified": bool(found and found.is_qualified), "decay": found.decay if found else "",
                "rules": version, "rows": rows, "changes": changes}
    lines = [f"{row['at'][:10]} {row['kind']}: {row['points']:g} points, {row['points_now']:.2f} left" for row in rows]
    answer(told, as_json=as_json, text="\n".join([f"{told['points']:.2f} points, {told['people']} people.", *lines]))
