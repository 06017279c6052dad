"""The table of everything in a run: what it shows, sorts and filters by, from an allow-list."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import QueryableAttribute, Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun, FactorResult
from abm.analysis.results import EXPORT_COLUMNS, FURTHER_COLUMNS, KEY_COLUMNS
from abm.analysis.segments import SEGMENTS
from abm.analysis.share_growth import QUADRANTS
from abm.web.keyset import Order
from core.errors import NotFound

Expression = ColumnElement[Any] | QueryableAttribute[Any]
Result = type[AccountResult] | type[FactorResult]
_SCORES = tuple((str(score), str(score)) for score in range(5, 0, -1))
_NUMBERS = frozenset({"r", "f", "m"})
WITHOUT = "none"


@dataclass(frozen=True)
class Column:
    """`kind` says how a value is shown; `drawer` which endpoint opens its arithmetic."""

    label: str
    kind: str = "number"
    drawer: str = ""
    is_main: bool = False
    is_wide: bool = False


COLUMNS: dict[str, Column] = {
    "name": Column("Account", "text"),
    "value": Column("Value", "number", "analysis.why_class", is_main=True),
    "share": Column("Share", "percent", "analysis.why_class"),
    "cell": Column("Class", "text", "analysis.why_class", is_main=True),
    "key_membership": Column("Key", "decimal", "analysis.why_class"),
    "cv": Column("CV", "decimal", "analysis.why_steadiness"),
    "orders": Column("Orders"),
    "rfm": Column("RFM", "text", "analysis.why_scores"),
    "segment": Column("Segment", "segment", "analysis.why_scores"),
    "last_on": Column("Last order", "day"),
    "median_gap_days": Column("Usual gap, days", "short", "analysis.why_rhythm"),
    "overdue_ratio": Column("Overdue", "decimal", "analysis.why_rhythm"),
    "rhythm": Column("Rhythm", "state", "analysis.why_rhythm", is_main=True),
    "p_alive": Column("P(alive)", "percent", "analysis.why_alive"),
    "expected_orders_12m": Column("Next 12 months", "short", "analysis.why_alive"),
    "expected_value_12m": Column("Value next 12 months", "number", "analysis.why_alive"),
    "quadrant": Column("Share/growth", "quadrant", "analysis.why_share_growth"),
}
FILTERS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "abc": ("ABC", (("A", "A"), ("B", "B"), ("C", "C"), (WITHOUT, "No class"))),
    "xyz": ("XYZ", (("X", "X"), ("Y", "Y"), ("Z", "Z"))),
    "rhythm": ("Rhythm", (("active", "Active"), ("slowing", "Slowing"), ("lapsed", "Lapsed"), ("unknown", "Unknown"))),
    "segment": ("Segment", tuple((name, words[0]) for name, words in SEGMENTS.items())),
    "quadrant": ("Share/growth", tuple((name, words[0]) for name, words in QUADRANTS.items())),
    "season": ("Season", (("yes", "Pauses every year"),)),
    "new": ("New", (("yes", "New"), ("no", "Not new"))),
    "r": ("R", _SCORES), "f": ("F", _SCORES), "m": ("M", _SCORES),
}


@dataclass(frozen=True)
class Listing:
    """What somebody looks for in a run."""

    run_id: int
    factor: str = "account"
    text: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = "value"
    is_descending: bool = True
    season_years: int = 2

    @property
    def arguments(self) -> dict[str, str]:
        kept = {"run": str(self.run_id), "q": self.text, "sort": ("-" if self.is_descending else "") + self.sort}
        return {name: value for name, value in {**kept, **self.filters}.items() if value}

    @property
    def table(self) -> Any:
        return AccountResult if self.factor == "account" else FactorResult


def read_listing(arguments: Mapping[str, str], run: AnalysisRun) -> Listing:
    """From an address; names and values that are not known are ignored."""
    wanted = arguments.get("sort", "")
    name = wanted.removeprefix("-")
    filters = {name: arguments[name] for name, (_label, choices) in FILTERS.items()
               if arguments.get(name) in dict(choices)}
    text = arguments.get("q", "").replace("\x00", "").strip()[:200]
    years = int((run.thresholds or {}).get("season_years", 2))
    if name not in COLUMNS:
        return Listing(run.id, run.factor, text, filters, season_years=years)
    return Listing(run.id, run.factor, text, filters, name, wanted.startswith("-"), years)


def expression_of(listing: Listing, name: str) -> Expression:
    table = listing.table
    if name == "rfm":
        return table.r * 100 + table.f * 10 + table.m  # type: ignore[no-any-return]
    if name == "name":
        return Account.name_key if listing.factor == "account" else FactorResult.label
    return getattr(table, name)  # type: ignore[no-any-return]


def select_results(listing: Listing) -> Select[*tuple[Any, ...]]:
    """The result and, by account, its Account, of everything that fits; unsorted."""
    query: Select[*tuple[Any, ...]]
    if listing.factor == "account":
        query = select(AccountResult, Account).join(Account, Account.id == AccountResult.account_id)
        names: tuple[Any, ...] = (Account.name, Account.external_id)
    else:
        query, names = select(FactorResult), (FactorResult.label, FactorResult.key)
    query = query.where(listing.table.run_id == listing.run_id)
    if listing.text:
        query = query.where(or_(*(part.icontains(listing.text, autoescape=True) for part in names)))
    for name, value in listing.filters.items():
        query = query.where(_fits(listing, name, value))
    return query


def _fits(listing: Listing, name: str, value: str) -> ColumnElement[bool]:
    table = listing.table
    if name == "season":
        return table.seasonal_years >= listing.season_years  # type: ignore[no-any-return]
    if name == "new":
        return table.is_new.is_(value == "yes")  # type: ignore[no-any-return]
    if value == WITHOUT:
        return getattr(table, name).is_(None)  # type: ignore[no-any-return]
    return getattr(table, name) == (int(value) if name in _NUMBERS else value)  # type: ignore[no-any-return]


def result_order(listing: Listing) -> Order:
    key = AccountResult.account_id if listing.factor == "account" else FactorResult.thing_id
    return Order(expression_of(listing, listing.sort), key, listing.is_descending,
                 is_nullable=listing.sort not in ("value", "orders", "name", "rhythm"))


def export_columns(listing: Listing, *, everything: bool) -> tuple[str, ...]:
    """The heads of an export: the contract's, and behind them, when everything is asked for, what we know beside."""
    contract = (KEY_COLUMNS[listing.factor], *EXPORT_COLUMNS[1:])
    return (*contract, "name", "first_on", "last_on", *FURTHER_COLUMNS) if everything else contract


def export_filtered(session: Session, listing: Listing, *, everything: bool = False) -> Iterator[Sequence[Any]]:
    """The rows that fit, with the columns of `export_columns`."""
    is_account = listing.factor == "account"
    key, name = (Account.external_id, Account.name) if is_account else (FactorResult.key, FactorResult.label)
    chosen = [key, *(getattr(listing.table, one) for one in EXPORT_COLUMNS[1:])]
    if everything:
        chosen += [name, *(getattr(listing.table, one) for one in ("first_on", "last_on", *FURTHER_COLUMNS))]
    query = select_results(listing).with_only_columns(*chosen).order_by(listing.table.value.desc(), key)
    yield from session.execute(query, execution_options={"yield_per": 5_000})


def get_result(session: Session, *, run_id: int, account_id: int) -> tuple[AccountResult, Account]:
    """An account's row in a run. Raises NotFound where it had no orders then."""
    query = select(AccountResult, Account).join(Account, Account.id == AccountResult.account_id)
    found = session.execute(query.where(AccountResult.run_id == run_id, AccountResult.account_id == account_id)).first()
    if found is None:
        raise NotFound("This account has no orders in that analysis")
    return found[0], found[1]


def get_thing(session: Session, *, run_id: int, thing_id: int) -> FactorResult:
    """A row of a run by another factor. Raises NotFound."""
    found = session.get(FactorResult, (run_id, thing_id))
    if found is None:
        raise NotFound("There is no such row in that analysis")
    return found
