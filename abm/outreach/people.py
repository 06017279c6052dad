"""Who is to be written to and what is known of them: the engine's questions about people, for whole batches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.queries import company_today, get_company
from abm.contacts.consent import basis_day
from abm.contacts.models import Contact
from abm.contacts.zones import zone_of_account, zone_of_person
from abm.orders.models import AccountDay, Order
from abm.outreach.moment_days import day_of_moment
from abm.plans.queries import is_stopped
from abm.targets.models import ListMember, TargetList
from abm.users.models import User
from campaigns.outside import Recipient
from core.id_lists import is_among, is_among_given

# Who speaks for the account, most weighty first; `per_account` takes from the top.
ROLE_ORDER = ("decision_maker", "champion", "economic_buyer", "influencer", "technical_buyer", "user", "gatekeeper",
              "blocker")


def select_list_people(*, list_name: str, roles: Sequence[str], per_account: int | None,
                       accounts: Collection[int] | None = None) -> Select[*tuple[Any, ...]]:
    """People of the list's accounts: contact_id, account_id, family_id (parent and sites together), stratum (tier),
    role, member_since, and with `per_account` their place among the account's people.

    `roles` empty: everybody; else in the given order of weight. `per_account` keeps the first so many of each account
    by role, then influence; without it nothing is ranked, so that a condition on contact_id is a look-up and not a walk
    through the whole list. `accounts`: of these alone. People who have left are not there, nor those of prospects that
    fail a question before the chase (need, solvency, authority).
    """
    rows = (
        select(Contact.id.label("contact_id"), Contact.account_id.label("account_id"),
               func.coalesce(Account.parent_id, Account.id).label("family_id"),
               func.coalesce(Account.tier, "").label("stratum"),
               func.coalesce(Contact.buying_role, "").label("role"), ListMember.added_at.label("member_since"))
        .join(Account, Account.id == Contact.account_id)
        .join(ListMember, ListMember.account_id == Contact.account_id)
        .join(TargetList, TargetList.id == ListMember.list_id)
        .where(TargetList.name == list_name, Contact.is_active.is_(True), ~is_stopped(Contact.account_id))
    )
    if roles:
        rows = rows.where(Contact.buying_role.in_(list(roles)))
    if accounts is not None:
        rows = rows.where(is_among(ListMember.account_id, set(accounts)))
    if per_account is None:
        return rows
    order = (_role_rank(roles), func.coalesce(Contact.influence, -1).desc(), Contact.id)
    place = func.row_number().over(partition_by=Contact.account_id, order_by=order)
    found = rows.add_columns(place.label("place")).subquery("list_people")
    return select(*found.c).where(found.c.place <= per_account)


def _role_rank(roles: Sequence[str]) -> ColumnElement[int]:
    ranked = {role: rank for rank, role in enumerate(roles or ROLE_ORDER)}
    return case(ranked, value=Contact.buying_role, else_=len(ranked))


def select_current_people() -> Select[Any]:
    """Everybody as of now: contact_id, account_id, email, is_active, lawful_basis, country."""
    columns: list[ColumnElement[Any]] = [
        Contact.id.label("contact_id"), Contact.account_id.label("account_id"), Contact.email.label("email"),
        Contact.is_active.label("is_active"), Contact.lawful_basis.label("lawful_basis"),
        func.coalesce(Account.country, "").label("country"),
    ]
    return select(*columns).join(Account, Account.id == Contact.account_id)


def get_recipients(session: Session, contact_ids: Sequence[int]) -> dict[int, Recipient]:
    """The present facts by contact id; somebody erased is missing."""
    company = get_company(session)
    rows = session.connection().execute(_RECIPIENT_ROWS, {"ids": contact_ids})
    return {row[0]: _recipient(company.timezone, row) for row in rows.all()}


_RECIPIENT_ROWS = (
    select(Contact.id, Contact.account_id, Contact.email, Contact.phone, Account.country, Contact.timezone,
           Account.timezone, Contact.language, Contact.lawful_basis, Account.tier, Contact.is_active,
           Contact.buying_role, Contact.consent_kind, Contact.basis_at)
    .join(Account, Account.id == Contact.account_id)
    .where(is_among_given(Contact.id, "ids"))
)


def get_tiers(session: Session, account_ids: Sequence[int]) -> dict[int, str]:
    """The tier of each account; empty where it has none."""
    rows = session.execute(select(Account.id, Account.tier).where(is_among(Account.id, account_ids)))
    return {account_id: tier or "" for account_id, tier in rows}


def get_owners(session: Session, account_ids: Sequence[int]) -> dict[int, int]:
    """The user who looks after each account, where there is one who may still sign in."""
    rows = session.execute(select(Account.id, User.id).join(User, User.id == Account.owner_id)
                           .where(is_among(Account.id, account_ids), User.is_active.is_(True)))
    return {account_id: owner_id for account_id, owner_id in rows}


def _recipient(company_zone: str, row: Sequence[Any]) -> Recipient:
    """From a row of `get_recipients`; by place, since names cost more than the query."""
    (contact_id, account_id, email, phone, country, own_zone, account_zone, language, basis, tier, is_active, role,
     consent_kind, basis_at) = row
    return Recipient(
        contact_id, account_id, email, phone, country or "",
        zone_of_person(own=own_zone, country=country, account=account_zone, company=company_zone),
        zone_of_account(own=account_zone, country=country, company=company_zone),
        language or "", basis, tier or "", is_active, role or "", consent_kind or "", basis_day(basis_at))


def get_content_values(session: Session, contact_ids: Sequence[int]) -> dict[int, Mapping[str, Mapping[str, Any]]]:
    """Per contact the dicts contact, account, owner and last_order; what is not known is None or missing."""
    rows = session.connection().execute(_VALUE_ROWS, {"ids": contact_ids}).all()
    orders = _last_orders(session, {row[_ACCOUNT_ID] for row in rows})
    accounts: dict[int, dict[str, Any]] = {}
    owners: dict[int, dict[str, Any]] = {}
    found: dict[int, Mapping[str, Mapping[str, Any]]] = {}
    for row in rows:
        account_id = row[_ACCOUNT_ID]
        if account_id not in accounts:
            accounts[account_id] = _named(_ACCOUNT_FIELDS, row[_ACCOUNT_ID + 1:_OWNER])
            owners[account_id] = _owner_values(*row[_OWNER:])
        found[row[0]] = {"contact": _named(_CONTACT_FIELDS, row[1:_ACCOUNT_ID]), "account": accounts[account_id],
                         "owner": owners[account_id], "last_order": orders.get(account_id, {})}
    return found


_CONTACT_FIELDS = ("first_name", "last_name", "email", "phone", "title", "department", "buying_role", "language",
                   "source", "custom")
_ACCOUNT_FIELDS = ("name", "domain", "industry", "employees", "country", "region", "city", "tier", "custom")
# What content calls the source of somebody's address (GDPR Art. 14).
_KEPT_AS = {"source": "basis_source"}
_ACCOUNT_ID = 1 + len(_CONTACT_FIELDS)
_OWNER = _ACCOUNT_ID + 1 + len(_ACCOUNT_FIELDS)
# contact's id and fields, account's id and fields, then what `_owner_values` takes
_VALUE_ROWS = (
    select(Contact.id, *(getattr(Contact, _KEPT_AS.get(name, name)) for name in _CONTACT_FIELDS),
           Account.id, *(getattr(Account, name) for name in _ACCOUNT_FIELDS),
           User.id, User.name, User.email, User.phone, User.signature, Account.owner_email)
    .join(Account, Account.id == Contact.account_id)
    .outerjoin(User, and_(User.id == Account.owner_id, User.is_active.is_(True)))
    .where(is_among_given(Contact.id, "ids"))
)


def _named(names: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    named = dict(zip(names, row, strict=True))
    named["custom"] = dict(named["custom"] or {})
    return named


def _owner_values(owner_id: int | None, name: str | None, email: str | None, phone: str | None,
                  signature: str | None, known_email: str | None) -> dict[str, Any]:
    """The owner's; where the owner is no user of ours, the address that came with the account."""
    if owner_id is None:
        return {"name": None, "email": known_email, "phone": None, "signature": None}
    return {"name": name, "email": email, "phone": phone or None, "signature": signature or None}


def _last_orders(session: Session, account_ids: set[int]) -> dict[int, dict[str, Any]]:
    """The latest counted order of each account: on, amount, currency."""
    rows = session.connection().execute(_last_order_rows(), {"ids": account_ids})
    return {row.account_id: {"on": row.ordered_on, "amount": row.amount, "currency": row.currency} for row in rows}


@cache
def _last_order_rows() -> Select[Any]:
    newest = func.row_number().over(partition_by=Order.account_id, order_by=(Order.ordered_on.desc(), Order.id.desc()))
    ranked = (
        select(Order.account_id, Order.ordered_on, Order.amount, Order.currency, newest.label("place"))
        .where(is_among_given(Order.account_id, "ids"), Order.is_cancelled.is_(False), Order.amount > 0)
        .subquery()
    )
    return select(ranked).where(ranked.c.place == 1)


def find_accounts_that_ordered(session: Session, since: Mapping[int, datetime]) -> set[int]:
    """Of these accounts those with a counted order on or after their moment's (UTC) day."""
    rows = session.execute(select(AccountDay.account_id, func.max(AccountDay.day))
                           .where(is_among(AccountDay.account_id, since)).group_by(AccountDay.account_id))
    return {account_id for account_id, day in rows if day >= since[account_id].date()}


def get_family_values(session: Session, family_ids: Sequence[int]) -> dict[int, float]:
    """What each family (the account with this id and its sites) ordered in the last 365 days; 0 for nothing."""
    family = func.coalesce(Account.parent_id, Account.id)
    rows = session.execute(
        select(family, func.sum(AccountDay.amount)).join(AccountDay, AccountDay.account_id == Account.id)
        .where(AccountDay.day > company_today(session) - timedelta(days=365)).group_by(family))
    known = {family_id: float(value) for family_id, value in rows}
    return {family_id: known.get(family_id, 0.0) for family_id in family_ids}


def count_orders_since(session: Session, since: Select[int, datetime]) -> int:
    """Counted orders of the accounts in a SELECT (account_id, since), each from its moment's (UTC) day on."""
    account = since.subquery()
    return int(session.scalar(
        select(func.sum(AccountDay.orders)).join(account, account.c.account_id == AccountDay.account_id)
        .where(AccountDay.day >= day_of_moment(session, account.c.since))) or 0)


def get_account_names(session: Session, account_ids: Iterable[int]) -> dict[int, tuple[str, str]]:
    """By account: the source system's id and the name."""
    rows = session.execute(select(Account.id, Account.external_id, Account.name).where(
        is_among(Account.id, account_ids)))
    return {account_id: (external_id, name) for account_id, external_id, name in rows}


def get_external_ids(session: Session, contact_ids: Sequence[int]) -> dict[int, tuple[str, str, str]]:
    """By contact id: the source system's contact id and account id, and the present address (or empty)."""
    rows = session.execute(select(Contact.id, Contact.external_id, Account.external_id, Contact.email)
                           .join(Account, Account.id == Contact.account_id).where(is_among(Contact.id, contact_ids)))
    return {contact_id: (own, account, email or "") for contact_id, own, account, email in rows}


def find_contacts_by_address(session: Session, address: str) -> list[tuple[int, int]]:
    """(contact_id, account_id) of everybody with this address, case-insensitively."""
    rows = session.execute(select(Contact.id, Contact.account_id).where(Contact.email_key == address.strip().lower())
                           .order_by(Contact.id))
    return [(contact_id, account_id) for contact_id, account_id in rows]
