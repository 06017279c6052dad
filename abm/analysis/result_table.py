"""The table of all accounts of a run: what it shows, sorts and filters by, from an allow-list."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import QueryableAttribute, Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.analysis.results import EXPORT_COLUMNS
from abm.web.keyset import Order
from core.errors import NotFound

Expression = ColumnElement[Any] | QueryableAttribute[Any]
_SCORES = tuple((str(score), str(score)) for score in range(5, 0, -1))


@dataclass(frozen=True)
class Column:
    """`kind` says how a value is shown; `drawer` which endpoint opens its arithmetic."""

    label: str
    expression: Expression
    kind: str = "number"
    drawer: str = ""
    is_main: bool = False


COLUMNS: dict[str, Column] = {
    "name": Column("Account", Account.name_key, "text"),
    "value": Column("Value", AccountResult.value, "number", "analysis.why_class", is_main=True),
    "share": Column("Share", AccountResult.share, "percent", "analysis.why_class"),
    "cell": Column("Class", AccountResult.cell, "text", "analysis.why_class", is_main=True),
    "cv": Column("CV", AccountResult.cv, "decimal", "analysis.why_steadiness"),
    "orders": Column("Orders", AccountResult.orders),
    "rfm": Column("RFM", AccountResult.r * 100 + AccountResult.f * 10 + AccountResult.m, "text", "analysis.why_scores"),
    "last_on": Column("Last order", AccountResult.last_on, "day"),
    "median_gap_days": Column("Usual gap, days", AccountResult.median_gap_days, "short", "analysis.why_rhythm"),
    "overdue_ratio": Column("Overdue", AccountResult.overdue_ratio, "decimal", "analysis.why_rhythm"),
    "rhythm": Column("Rhythm", AccountResult.rhythm, "state", "analysis.why_rhythm", is_main=True),
    "p_alive": Column("P(alive)", AccountResult.p_alive, "percent", "analysis.why_alive"),
    "expected_orders_12m": Column("Next 12 months", AccountResult.expected_orders_12m, "short", "analysis.why_alive"),
}
FILTERS: dict[str, tuple[str, Expression, tuple[tuple[str, str], ...]]] = {
    "abc": ("ABC", AccountResult.abc, (("A", "A"), ("B", "B"), ("C", "C"))),
    "xyz": ("XYZ", AccountResult.xyz, (("X", "X"), ("Y", "Y"), ("Z", "Z"))),
    "rhythm": ("Rhythm", AccountResult.rhythm,
               (("active", "Active"), ("slowing", "Slowing"), ("lapsed", "Lapsed"), ("unknown", "Unknown"))),
    "new": ("New", AccountResult.is_new, (("yes", "New"), ("no", "Not new"))),
    "r": ("R", AccountResult.r, _SCORES), "f": ("F", AccountResult.f, _SCORES), "m": ("M", AccountResult.m, _SCORES),
}


@dataclass(frozen=True)
class Listing:
    """What somebody looks for in a run."""

    run_id: int
    text: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = "value"
    is_descending: bool = True

    @property
    def arguments(self) -> dict[str, str]:
        kept = {"run": str(self.run_id), "q": self.text, "sort": ("-" if self.is_descending else "") + self.sort}
        return {name: value for name, value in {**kept, **self.filters}.items() if value}


def read_listing(arguments: Mapping[str, str], run: AnalysisRun) -> Listing:
    """From an address; names and values that are not known are ignored."""
    wanted = arguments.get("sort", "")
    name = wanted.removeprefix("-")
    filters = {name: arguments[name] for name, (_label, _column, choices) in FILTERS.items()
               if arguments.get(name) in dict(choices)}
    text = arguments.get("q", "").replace("\x00", "").strip()[:200]
    if name not in COLUMNS:
        return Listing(run.id, text, filters)
    return Listing(run.id, text, filters, name, wanted.startswith("-"))


def select_results(listing: Listing) -> Select[*tuple[Any, ...]]:
    """AccountResult and Account of everybody who fits; unsorted."""
    both: Select[*tuple[Any, ...]] = select(AccountResult, Account)
    query = both.join(Account, Account.id == AccountResult.account_id).where(AccountResult.run_id == listing.run_id)
    if listing.text:
        query = query.where(or_(*(part.icontains(listing.text, autoescape=True)
                                  for part in (Account.name, Account.external_id))))
    for name, value in listing.filters.items():
        column = FILTERS[name][1]
        typed = value == "yes" if name == "new" else int(value) if name in ("r", "f", "m") else value
        query = query.where(column == typed)
    return query


def result_order(listing: Listing) -> Order:
    return Order(COLUMNS[listing.sort].expression, AccountResult.account_id, listing.is_descending)


def export_filtered(session: Session, listing: Listing) -> Iterator[Sequence[Any]]:
    """The rows that fit, with the columns of the export contract."""
    columns = [Account.external_id, *(getattr(AccountResult, name) for name in EXPORT_COLUMNS[1:])]
    query = select_results(listing).with_only_columns(*columns)
    ordered = query.order_by(AccountResult.value.desc(), Account.external_id)
    yield from session.execute(ordered, execution_options={"yield_per": 5_000})


def get_result(session: Session, *, run_id: int, account_id: int) -> tuple[AccountResult, Account]:
    """An account's row in a run. Raises NotFound where it had no orders then."""
    query = select(AccountResult, Account).join(Account, Account.id == AccountResult.account_id)
    found = session.execute(query.where(AccountResult.run_id == run_id, AccountResult.account_id == account_id)).first()
    if found is None:
        raise NotFound("This account has no orders in that analysis")
    return found[0], found[1]
