"""The members of a list as a table: the columns, filters and sorting of the account list, and since when and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, func
from sqlalchemy.orm import Session

from abm.accounts.columns import list_columns
from abm.accounts.forms import TIERS
from abm.accounts.models import Account
from abm.accounts.queries import Listing, list_order, read_listing, select_accounts
from abm.targets.models import ListMember, TargetList
from abm.users.models import User
from abm.web.keyset import Order
from core.join_order import from_outside

SINCE = "since"
_LARGE = 2_000
EXPORTED = ("account_id", "name", "industry", "country", "city", "tier", "owner_email", "added_at", "how")


def read_members_listing(arguments: Mapping[str, str]) -> Listing:
    """What is looked for among the members; they can also be sorted by the day of entering."""
    listing = read_listing(arguments)
    wanted = arguments.get("sort", "")
    is_by_day = wanted.removeprefix("-") == SINCE
    return replace(listing, sort=SINCE, is_descending=wanted.startswith("-")) if is_by_day else listing


def select_members(row: TargetList, listing: Listing) -> Select[*tuple[Any, ...]]:
    """The account, the values of every list column, then since when and how; unsorted. A large list is read in the
    order of the accounts, so that a page of it does not sort all of them."""
    is_large = row.member_count > _LARGE and listing.sort != SINCE
    own = and_(ListMember.account_id == (from_outside(Account.id) if is_large else Account.id),
               ListMember.list_id == row.id)
    return select_accounts(listing).join(ListMember, own).add_columns(ListMember.added_at, ListMember.how)


def members_order(listing: Listing) -> Order:
    if listing.sort == SINCE:
        return Order(ListMember.added_at, Account.id, listing.is_descending, is_nullable=False)
    return list_order(listing)


def member_choices() -> dict[str, Sequence[tuple[str, str]]]:
    """Filters with a fixed set of values: classes, rhythm, tier; nothing that would scan a large table."""
    fixed = {name: column.choices for name, column in list_columns().items() if column.choices}
    return {"tier": TIERS, **fixed}


def iterate_exported(session: Session, row: TargetList, listing: Listing) -> Iterator[Sequence[Any]]:
    """The members that are looked for, in the columns of EXPORTED, by account id."""
    rows = select_members(row, listing).add_columns(func.coalesce(User.email, Account.owner_email))
    found = session.execute(rows.order_by(Account.external_id), execution_options={"yield_per": 5_000})
    for account, *_, added_at, how, owner in found:
        yield (account.external_id, account.name, account.industry, account.country, account.city, account.tier, owner,
               added_at, how)
