"""What win-back brought: accounts that campaigns wrote to against those held out on purpose.

Rates are compared as everywhere (`campaigns.experiments`); with few accounts the interval is wide, and that is what is
shown.
"""

from dataclasses import dataclass

from sqlalchemy import and_, case, exists, func, select
from sqlalchemy.orm import Session

from abm.winback.models import Case
from campaigns.experiments import Rate, compare_rates
from campaigns.models import Campaign, HoldoutAccount


@dataclass(frozen=True, slots=True)
class Arm:
    accounts: int
    won: int

    @property
    def rate(self) -> float | None:
        return self.won / self.accounts if self.accounts else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One campaign: the lapsed accounts it wrote to, and those it left alone."""

    campaign: str
    title: str
    treated: Arm
    held_out: Arm

    @property
    def interval(self) -> tuple[float, float, float] | None:
        """Difference of the rates with the ends of its interval; None unless both arms have accounts."""
        return difference_interval(self.treated, self.held_out)


def difference_interval(treated: Arm, held_out: Arm) -> tuple[float, float, float] | None:
    """(difference, low, high) of two rates at 95 %; None unless both arms have accounts."""
    found = compare_rates(Rate(treated.accounts, treated.won), Rate(held_out.accounts, held_out.won))
    return (found.value, found.low, found.high) if found else None


def list_comparisons(session: Session) -> list[Comparison]:
    """Per campaign with accounts held out: cases open at the draw that have ordered since, in both arms."""
    was_open = exists().where(
        Case.account_id == HoldoutAccount.account_id, Case.detected_at <= HoldoutAccount.drawn_at,
        (Case.closed_at.is_(None)) | (Case.closed_at >= HoldoutAccount.drawn_at))
    is_won = exists().where(
        Case.account_id == HoldoutAccount.account_id, Case.detected_at <= HoldoutAccount.drawn_at,
        Case.state == "won_back", Case.closed_at >= HoldoutAccount.drawn_at)
    rows = session.execute(
        select(Campaign.name, Campaign.title, HoldoutAccount.is_held_out, func.count(),
               func.sum(case((is_won, 1), else_=0)))
        .join(HoldoutAccount, and_(HoldoutAccount.campaign_id == Campaign.id, was_open))
        .group_by(Campaign.id, Campaign.name, Campaign.title, HoldoutAccount.is_held_out)
        .order_by(Campaign.id.desc())
    ).all()
    arms = {(name, is_held_out): Arm(accounts, won) for name, _, is_held_out, accounts, won in rows}
    titles = {name: title for name, title, *_ in rows}
    return [Comparison(name, title, treated=arms.get((name, False), Arm(0, 0)), held_out=arms[name, True])
            for name, title in titles.items() if (name, True) in arms]


@dataclass(frozen=True, slots=True)
class Outcome:
    state: str
    cases: int
    yearly_value: float


def count_outcomes(session: Session) -> dict[str, Outcome]:
    """Cases and the value of their accounts' last year, by state."""
    rows = session.execute(select(Case.state, func.count(), func.coalesce(func.sum(Case.yearly_value), 0.0))
                           .group_by(Case.state))
    return {state: Outcome(state, cases, value) for state, cases, value in rows}


def count_by_cause(session: Session) -> list[tuple[str, int, int, int]]:
    """(cause or empty, cases, won back, let go), the most frequent first."""
    cause = func.coalesce(Case.cause, "").label("cause")
    number = func.count()
    won, let_go = (func.count().filter(Case.state == state) for state in ("won_back", "let_go"))
    rows = session.execute(select(cause, number, won, let_go).group_by(cause).order_by(number.desc(), cause))
    return [(row[0], row[1], row[2], row[3]) for row in rows]
