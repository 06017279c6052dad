"""Reading accounts and the list of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import QueryableAttribute, Session

from abm.accounts.columns import OWN_COLUMNS, ListColumn, join_contributions, list_columns, shown_columns
from abm.accounts.models import Account, AccountAlias
from abm.accounts.names import name_key
from abm.users.models import User
from abm.web.keyset import Order
from core.errors import NotFound
from core.join_order import from_outside
from core.words import has_words

_MOST_CHOICES = 100
_MOST_LEAPS = 300
_INDEXED = (Account.tier, Account.country, Account.industry)
_BY_INDEX = frozenset({"tier", "country", "industry"})
_OWN_NAMES = frozenset(column.name for column in OWN_COLUMNS)
EMPTY = "-"


@dataclass(frozen=True)
class Listing:
    """What somebody looks for: `filters` by column name (`-` means without a value), `sort` a column name."""

    text: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = "name"
    is_descending: bool = False
    columns: tuple[str, ...] = ()


def read_listing(arguments: Mapping[str, str]) -> Listing:
    """From an address; names that are no columns are ignored."""
    columns = list_columns()
    wanted = arguments.get("sort", "")
    name = wanted.removeprefix("-")
    filters = {name: value.replace("\x00", "") for name, column in columns.items()
               if column.filters and (value := arguments.get(name))}
    is_known = name in columns
    return Listing(arguments.get("q", "").replace("\x00", "").strip()[:200], filters, name if is_known else "name",
                   is_known and wanted.startswith("-"),
                   tuple(one for one in arguments.get("columns", "").split(",") if one in columns))


def arguments_of(listing: Listing) -> dict[str, str]:
    """The address's arguments of a listing; nothing else of a request is ever carried on."""
    kept = {"q": listing.text, "sort": ("-" if listing.is_descending else "") + listing.sort, **listing.filters,
            "columns": ",".join(listing.columns)}
    return {name: value for name, value in kept.items() if value}


def _is_value(expression: ColumnElement[Any] | QueryableAttribute[Any], value: str) -> ColumnElement[bool]:
    return expression.is_(None) if value == EMPTY else expression == value


def select_accounts(listing: Listing, *, are_many: bool = False) -> Select[*tuple[Any, ...]]:
    """The account and the value of every list column, in the order of `list_columns`; unsorted. `are_many`: so many fit
    that a page in another table's order is found sooner along that order than by the accounts' own indexes."""
    columns = list_columns()
    along_order = _BY_INDEX if are_many and listing.sort not in _OWN_NAMES else frozenset()
    values = [column.expression.label(name) for name, column in columns.items()]
    shown: Select[*tuple[Any, ...]] = select(Account, *values)
    query = join_contributions(shown.select_from(Account).outerjoin(User, User.id == Account.owner_id))
    if listing.text:
        query = query.where(has_words("account", Account.id, listing.text))
    for name, value in listing.filters.items():
        expression = columns[name].expression
        query = query.where(_is_value(from_outside(expression) if name in along_order else expression, value))
    return query


def list_order(listing: Listing) -> Order:
    """How the list is sorted."""
    column = list_columns()[listing.sort]
    return Order(column.expression, Account.id, listing.is_descending, column.is_nullable)


def list_choices(session: Session, listing: Listing = Listing()) -> dict[str, Sequence[tuple[str, str]]]:
    """Per filter column its values with their words: given ones, else those that occur most. Columns that are neither
    shown nor filtered by are left out, so that nothing is counted that nobody looks at."""
    wanted = {**shown_columns(listing.columns), **{name: list_columns()[name] for name in listing.filters}}
    usual = {name: column for name, column in list_columns().items() if column.filters and column.is_usual}
    return {name: column.choices or _occurring(session, column)
            for name, column in {**usual, **wanted}.items() if column.filters}


def _occurring(session: Session, column: ListColumn) -> list[tuple[str, str]]:
    if column.expression is User.name:
        owns = select(Account.id).where(Account.owner_id == User.id).correlate(User).exists()
        return [(name, name) for name in session.scalars(
            select(User.name).where(owns).distinct().order_by(User.name).limit(_MOST_CHOICES))]
    if column.occurring is not None:
        return [(name, name) for name in session.scalars(column.occurring.limit(_MOST_LEAPS))]
    if any(column.expression is indexed for indexed in _INDEXED):
        return [(value, value) for value in session.scalars(_by_leaps(column.expression))]
    query = select(column.expression, func.count()).select_from(Account).group_by(column.expression)
    query = query.where(column.expression.is_not(None))
    rows = session.execute(query.order_by(func.count().desc(), column.expression).limit(_MOST_CHOICES)).all()
    return sorted((str(value), str(value)) for value, _count in rows)


def _by_leaps(column: Any) -> Select[*tuple[Any, ...]]:
    """The values of an indexed column, leaping from one to the next over its index, however many accounts there are."""
    values = select(func.min(column).label("value")).cte("occurring", recursive=True)
    following = select(func.min(column)).where(column > values.c.value).correlate(values).scalar_subquery()
    values = values.union_all(select(following).where(values.c.value.is_not(None)))
    return select(values.c.value).where(values.c.value.is_not(None)).limit(_MOST_LEAPS)


def get_account(session: Session, account_id: int) -> Account:
    """An account by its id. Raises NotFound."""
    account = session.get(Account, account_id)
    if account is None:
        raise NotFound("There is no such account")
    return account


def find_account_by_external_id(session: Session, external_id: str) -> Account | None:
    """The account with this source id, or the one that it was merged into or is an alias of."""
    found = session.scalars(select(Account).where(Account.external_id == external_id)).first()
    if found is not None:
        return found
    return session.scalars(select(Account).join(AccountAlias, AccountAlias.account_id == Account.id).where(
        AccountAlias.kind == "id", AccountAlias.value_key == external_id)).first()


def find_account_by_name(session: Session, text: str) -> int | None:
    """The one account of this name in any case or of this source id, by aliases too; None when not exactly one."""
    key = name_key(text)
    own = select(Account.id).where(or_(Account.name_key == key, Account.external_id == text)).limit(2)
    found = session.scalars(own).all()
    if not found:
        known_as = or_((AccountAlias.kind == "name") & (AccountAlias.value_key == key),
                       (AccountAlias.kind == "id") & (AccountAlias.value_key == text))
        found = session.scalars(select(AccountAlias.account_id).where(known_as).distinct().limit(2)).all()
    return found[0] if len(found) == 1 else None


def find_namesakes(session: Session, *, name_key: str, domain: str | None, but: int | None = None) -> Sequence[Account]:
    """Other accounts of the same name or domain, at most five."""
    same = Account.name_key == name_key
    query = select(Account).where(or_(same, Account.domain == domain) if domain else same)
    if but is not None:
        query = query.where(Account.id != but)
    return session.scalars(query.order_by(Account.id).limit(5)).all()
