"""What the analysis adds to the pages of accounts: columns of the list, and the panel with rhythm and classes."""

from typing import Any

from flask import render_template
from sqlalchemy import Select, and_
from sqlalchemy.orm import Session

from abm.accounts.columns import Contribution, ListColumn, contribute
from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.analysis.arithmetic import Rhythm, guessed_gap, rhythm_of
from abm.analysis.models import AccountResult
from abm.analysis.queries import find_result, latest_run, latest_run_id

_SHOWN_DAYS = 150
_AHEAD = 1.04


def add_to_account_pages() -> None:
    """Register the columns and the panel; a repeat changes nothing."""
    contribute(Contribution(COLUMNS, _join_latest))
    register_panel("Rhythm and classes", 10, rhythm_panel)


COLUMNS = (
    ListColumn("class", "Class", AccountResult.abc, choices=(("A", "A"), ("B", "B"), ("C", "C")), is_main=True,
               drawer="analysis.why_class"),
    ListColumn("value", "Value", AccountResult.value, "number", drawer="analysis.why_class"),
    ListColumn("last_order", "Last order", AccountResult.last_on, "day"),
    ListColumn("rhythm", "Rhythm", AccountResult.rhythm, "state", is_main=True, drawer="analysis.why_rhythm",
               choices=(("active", "Active"), ("slowing", "Slowing"), ("lapsed", "Lapsed"), ("unknown", "Unknown"))),
)


def _join_latest(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    own = and_(AccountResult.account_id == Account.id, AccountResult.run_id == latest_run_id())
    return query.outerjoin(AccountResult, own)


def rhythm_panel(session: Session, account: Account) -> str:
    """Classes and rhythm of the latest run; says so where there is none."""
    run = latest_run(session)
    result = find_result(session, run_id=run.id, account_id=account.id) if run else None
    if run is None or result is None:
        return render_template("analysis/_account_panel.html", account=account, run=run, result=None)
    rhythm = rhythm_of(session, run, account.id)
    guess = guessed_gap(session, run, account) if result.order_days < 3 else None
    return render_template("analysis/_account_panel.html", account=account, run=run, result=result, rhythm=rhythm,
                           guess=guess, strip=strip_positions(rhythm))


def strip_positions(rhythm: Rhythm) -> dict[str, Any] | None:
    """Where order days, the expected next one and the day of the analysis lie between 0 and 1; None without orders."""
    if not rhythm.days:
        return None
    days = list(rhythm.days)[-_SHOWN_DAYS:]
    first, expected = days[0], rhythm.expected_on
    span = max((max(rhythm.as_of, expected or rhythm.as_of) - first).days * _AHEAD, 1.0)
    return {"days": [(day - first).days / span for day in days], "today": (rhythm.as_of - first).days / span,
            "expected": (expected - first).days / span if expected else None, "first": first}
