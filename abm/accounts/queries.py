"""Reading accounts, their timeline and the list of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from abm.accounts.columns import ListColumn, join_contributions, list_columns
from abm.accounts.models import Account, AccountAlias, AccountEvent
from abm.users.models import User
from abm.web.keyset import Order
from core.errors import NotFound

_MOST_CHOICES = 100
EMPTY = "-"


@dataclass(frozen=True)
class Listing:
    """What somebody looks for: `filters` by column name (`-` means without a value), `sort` a column name."""

    text: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = "name"
    is_descending: bool = False


def read_listing(arguments: Mapping[str, str]) -> Listing:
    """From an address; names that are no columns are ignored."""
    columns = list_columns()
    wanted = arguments.get("sort", "")
    name = wanted.removeprefix("-")
    filters = {name: value.replace("\x00", "") for name, column in columns.items()
               if column.filters and (value := arguments.get(name))}
    is_known = name in columns
    return Listing(arguments.get("q", "").replace("\x00", "").strip()[:200], filters, name if is_known else "name",
                   is_known and wanted.startswith("-"))


def arguments_of(listing: Listing) -> dict[str, str]:
    """The address's arguments of a listing; nothing else of a request is ever carried on."""
    kept = {"q": listing.text, "sort": ("-" if listing.is_descending else "") + listing.sort, **listing.filters}
    return {name: value for name, value in kept.items() if value}


def select_accounts(listing: Listing) -> Select[*tuple[Any, ...]]:
    """The account and the value of every list column, in the order of `list_columns`; unsorted."""
    columns = list_columns()
    values = [column.expression.label(name) for name, column in columns.items()]
    shown: Select[*tuple[Any, ...]] = select(Account, *values)
    query = join_contributions(shown.select_from(Account).outerjoin(User, User.id == Account.owner_id))
    if listing.text:
        query = query.where(or_(*(
            part.icontains(listing.text, autoescape=True)
            for part in (Account.name, Account.name_key, Account.domain, Account.external_id, Account.city))))
    for name, value in listing.filters.items():
        expression = columns[name].expression
        query = query.where(expression.is_(None) if value == EMPTY else expression == value)
    return query


def list_order(listing: Listing) -> Order:
    """How the list is sorted."""
    column = list_columns()[listing.sort]
    return Order(column.expression, Account.id, listing.is_descending, column.is_nullable)


def list_choices(session: Session) -> dict[str, Sequence[tuple[str, str]]]:
    """Per filter column its values with their words: given ones, else those that occur most."""
    columns = list_columns().items()
    return {name: column.choices or _occurring(session, column) for name, column in columns if column.filters}


def _occurring(session: Session, column: ListColumn) -> list[tuple[str, str]]:
    query = select(column.expression, func.count()).select_from(Account).outerjoin(User, User.id == Account.owner_id)
    query = query.where(column.expression.is_not(None)).group_by(column.expression)
    rows = session.execute(query.order_by(func.count().desc(), column.expression).limit(_MOST_CHOICES)).all()
    return sorted((str(value), str(value)) for value, _count in rows)


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


def find_namesakes(session: Session, *, name_key: str, domain: str | None, but: int | None = None) -> Sequence[Account]:
    """Other accounts of the same name or domain, at most five."""
    same = Account.name_key == name_key
    query = select(Account).where(or_(same, Account.domain == domain) if domain else same)
    if but is not None:
        query = query.where(Account.id != but)
    return session.scalars(query.order_by(Account.id).limit(5)).all()


def list_events(session: Session, account_id: int, *, kind: str = "", before: int | None = None,
                limit: int = 30) -> Sequence[AccountEvent]:
    """The account's timeline, newest first; `before` is the id of the last line seen."""
    query = select(AccountEvent).where(AccountEvent.account_id == account_id)
    if kind:
        query = query.where(AccountEvent.kind == kind)
    if before is not None:
        seen = session.get(AccountEvent, before)
        if seen is not None:
            same_moment = (AccountEvent.at == seen.at) & (AccountEvent.id < before)
            query = query.where(or_(AccountEvent.at < seen.at, same_moment))
    return session.scalars(query.order_by(AccountEvent.at.desc(), AccountEvent.id.desc()).limit(limit)).all()


def list_event_kinds(session: Session, account_id: int) -> Sequence[str]:
    """The kinds of lines that this account's timeline has."""
    query = select(AccountEvent.kind).where(AccountEvent.account_id == account_id).distinct()
    return session.scalars(query.order_by(AccountEvent.kind)).all()
