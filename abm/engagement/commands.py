"""`abm engagement`."""

from typing import Any

import click
from sqlalchemy import select

from abm.accounts.models import Account
from abm.engagement.actions import refresh_engagement
from abm.engagement.queries import find_engagement, list_changes, list_entries, present_rules
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
    with transaction() as session:
        found = refresh_engagement(session)
    answer(found, as_json=as_json, text="{accounts:,} accounts, {qualified:,} qualified, {changed:,} changed, "
                                        "{fading:,} show signs of fading.".format(**found))


@engagement.command()
@click.argument("account")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def why(account: str, as_json: bool) -> None:
    """The rows that an account's points are made of (its id as the source system has it)."""
    now = clock.now()
    with reading() as session:
        account_id = session.scalar(select(Account.id).where(Account.external_id == account))
        if account_id is None:
            raise NotFound(f"There is no account {account}")
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
