"""Before a launch: how large an effect the holdout could show at all, from what these accounts have ordered before."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, Float, and_, case, cast, func, select, type_coerce
from sqlalchemy.orm import Session

from abm.company.queries import company_today
from abm.orders.models import AccountDay
from abm.outreach.effect_rules import points
from campaigns.experiments import Amounts, smallest_amount_effect, smallest_rate_effect
from campaigns.holdout import Preview
from campaigns.models import Campaign
from campaigns.survey import draw_preview, facts_of, select_people
from core.db import MONEY_SCALE

PAST_DAYS = 90


@dataclass(frozen=True, slots=True)
class Power:
    """Accounts (with their sites as one) in both groups and what they did in the PAST_DAYS before.

    `rate_effect`, `value_effect`: the smallest differences that are found in four of five such experiments; None where
    none is sure to be found.
    """

    holdout_percent: int
    treated: int
    held_out: int
    past_days: int
    past_rate: float
    past_value: float
    past_deviation: float
    rate_effect: float | None
    value_effect: float | None

    @property
    def sentence(self) -> str:
        if not self.holdout_percent:
            return ("Nobody is left alone, so the effect cannot be measured; a holdout of some percent of the accounts "
                    "would allow it.")
        if not self.held_out or not self.treated:
            return "There are too few accounts for a holdout: one of the two groups is empty."
        groups = (f"With {self.treated:,} accounts written to and {self.held_out:,} left alone, of which "
                  f"{self.past_rate:.1%} ordered in the {self.past_days} days before,")
        if self.rate_effect is None:
            return f"{groups} not even a rise to 100 % would be sure to show: the holdout is too small."
        return (f"{groups} the smallest effect that would show in as long a time is {points(self.rate_effect)} "
                f"(to {self.past_rate + self.rate_effect:.1%}; in four of five such trials, two-sided 5 %). A smaller "
                "one may well be there and not be seen.")

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "sentence": self.sentence}


def find_power(session: Session, campaign: Campaign, drawn: Preview | None = None) -> Power:
    """For a launch now; `drawn`: the lot over the list's families, where it is known already. Changes nothing."""
    definition = facts_of(campaign).definition
    drawn = drawn or draw_preview(session, campaign)
    past = _past_values(session, campaign)
    rate, ordered = (past[0] / drawn.families if drawn.families else 0.0), past[1]
    treated = drawn.families - drawn.held_out
    values = Amounts(drawn.families, ordered.total, ordered.squares)
    return Power(definition.holdout_percent, treated, drawn.held_out, PAST_DAYS, rate, values.mean or 0.0,
                 values.deviation, smallest_rate_effect(treated, drawn.held_out, rate),
                 smallest_amount_effect(treated, drawn.held_out, values.deviation))


def _past_values(session: Session, campaign: Campaign) -> tuple[int, Amounts]:
    """Families that ordered in the days before, and the amounts of those."""
    people = select_people(session, facts_of(campaign).definition).subquery()
    accounts = select(people.c.account_id, people.c.family_id).distinct().subquery()
    amount = cast(type_coerce(AccountDay.amount, BigInteger), Float) / MONEY_SCALE
    since = company_today(session) - timedelta(days=PAST_DAYS)
    families = (
        select(accounts.c.family_id, func.sum(amount).label("value")).select_from(accounts)
        .join(AccountDay, and_(AccountDay.account_id == accounts.c.account_id, AccountDay.day >= since))
        .group_by(accounts.c.family_id).subquery())
    row = session.execute(select(
        func.count(case((families.c.value > 0, 1))), func.coalesce(func.sum(families.c.value), 0.0),
        func.coalesce(func.sum(families.c.value * families.c.value), 0.0))).one()
    return row[0], Amounts(row[0], float(row[1]), float(row[2]))
