"""How much of the accounts' budgets of touches is left before a launch."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns import caps
from campaigns.caps import Ledger
from campaigns.definition_values import SILENT
from campaigns.models import Campaign
from campaigns.outside import outside
from campaigns.survey import facts_of, select_people


@dataclass(frozen=True, slots=True)
class Headroom:
    """Accounts by the points they have left. `left_7_days`, `left_30_days`: the median account's, None without limit.

    `needed`: points of one person's way through all the steps; `full`: accounts without room for the first step now.
    """

    accounts: int
    full: int
    first_step: int
    needed: int
    left_7_days: float | None
    left_30_days: float | None


def measure_headroom(session: Session, campaign: Campaign, *, at: datetime) -> Headroom | None:
    """None where nothing limits the campaign: it is exempt, or there are no limits, or it means nobody."""
    definition, policy = facts_of(campaign).definition, outside().company.policy(session)
    if definition.is_cap_exempt or not caps.are_accounts_limited(policy):
        return None
    members = select_people(session, definition).subquery()
    accounts = list(session.scalars(select(members.c.account_id).distinct()))
    if not accounts:
        return None
    ledger = caps.open_ledger(session, accounts=accounts, people=(), policy=policy, at=at)
    points = [caps.points_of(policy, step.channel) for step in definition.steps if step.channel not in SILENT]
    left = list(_left(ledger, accounts))
    first = points[0] if points else 0
    return Headroom(len(accounts), sum(any(one is not None and one < first for one in both) for both in left), first,
                    sum(points), _median(both[0] for both in left), _median(both[1] for both in left))


def _left(ledger: Ledger, accounts: list[int]) -> Iterator[tuple[int | None, int | None]]:
    for account_id in accounts:
        limits, (used, _person) = ledger.limits_of(account_id), ledger.used_by(account_id, None)
        yield (max(limits.short - used.short, 0) if limits.short else None,
               max(limits.long - used.long, 0) if limits.long else None)


def _median(values: Iterator[int | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None
