"""What the API tells: rows by key, with the field names of files."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_external_id
from abm.contacts.models import Contact, ContactAlias
from abm.targets.models import ListMember, TargetList
from abm.targets.queries import get_list
from abm.users.models import User
from campaigns.models import Campaign
from campaigns.reports import get_campaign_named, list_export_rows
from core.errors import InvalidInput, NotFound

USUAL_SIZE, LARGEST_SIZE = 100, 1_000
_ACCOUNT_TEXTS = ("name", "domain", "industry", "employees", "annual_revenue", "country", "region", "city", "tier",
                  "source")
_CONTACT_TEXTS = ("first_name", "last_name", "email", "phone", "title", "department", "buying_role", "language",
                  "timezone", "lawful_basis", "basis_source", "basis_at", "consent_kind", "is_active")


@dataclass(frozen=True)
class Window:
    """Which rows: those behind the key `after`, at most `limit`."""

    after: int = 0
    limit: int = USUAL_SIZE


def read_window(arguments: Mapping[str, str], *more: str) -> Window:
    """From an address; anything but `after`, `limit` and the names in `more` is refused. Raises InvalidInput."""
    errors = {name: "is not a parameter here" for name in arguments if name not in ("after", "limit", *more)}
    for name, least, most in (("after", 0, 2**62), ("limit", 1, LARGEST_SIZE)):
        text = arguments.get(name, str(least))
        if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
            errors[name] = f"must be a whole number from {least} to {most}"
    if errors:
        raise InvalidInput("The address cannot be read", errors)
    return Window(int(arguments.get("after", 0)), int(arguments.get("limit", USUAL_SIZE)))


Told = tuple[list[dict[str, Any]], int | None]


def list_accounts(session: Session, window: Window) -> Told:
    """Accounts, and the key of the last one where there are more."""
    return _page(session, _accounts(), Account.id, window, _tell_account)


def get_account_told(session: Session, external_id: str) -> dict[str, Any]:
    """Raises NotFound. The id of a record that was merged leads to the one that was kept."""
    found = find_account_by_external_id(session, external_id)
    if found is None:
        raise NotFound("There is no such account")
    return _tell_account(session.execute(_accounts().where(Account.id == found.id)).one())


def list_contacts(session: Session, window: Window, *, account_id: str | None) -> Told:
    """People, of one account where it is named. Raises NotFound for an account that is not there."""
    query = _contacts()
    if account_id is not None:
        account = find_account_by_external_id(session, account_id)
        if account is None:
            raise NotFound("There is no such account")
        query = query.where(Contact.account_id == account.id)
    return _page(session, query, Contact.id, window, _tell_contact)


def find_contact_id(session: Session, external_id: str) -> int | None:
    """Our id of a source id, that of a person who was merged included."""
    found = session.scalar(select(Contact.id).where(Contact.external_id == external_id))
    return found or session.scalar(select(ContactAlias.contact_id).where(ContactAlias.value_key == external_id))


def get_contact_told(session: Session, external_id: str) -> dict[str, Any]:
    """Raises NotFound."""
    found = find_contact_id(session, external_id)
    if found is None:
        raise NotFound("There is no such person")
    return _tell_contact(session.execute(_contacts().where(Contact.id == found)).one())


def list_lists(session: Session, window: Window) -> Told:
    query = select(TargetList.id.label("key"), TargetList.name, TargetList.title, TargetList.kind,
                   TargetList.member_count, TargetList.refreshed_at)
    return _page(session, query, TargetList.id, window, lambda row: {
        "list": row.name, "title": row.title, "kind": row.kind, "members": row.member_count,
        "refreshed_at": row.refreshed_at})


def list_members(session: Session, name: str, window: Window) -> Told:
    """Accounts of a list. Raises NotFound."""
    query = (select(Account.id.label("key"), Account.external_id, Account.name, ListMember.added_at, ListMember.how)
             .join(ListMember, ListMember.account_id == Account.id)
             .where(ListMember.list_id == get_list(session, name).id))
    return _page(session, query, ListMember.account_id, window, lambda row: {
        "account_id": row.external_id, "name": row.name, "added_at": row.added_at, "how": row.how})


def list_campaigns(session: Session, window: Window) -> Told:
    query = select(Campaign.id.label("key"), Campaign.name, Campaign.title, Campaign.state, Campaign.updated_at)
    return _page(session, query, Campaign.id, window, lambda row: {
        "campaign": row.name, "title": row.title, "state": row.state, "updated_at": row.updated_at})


def list_messages(session: Session, name: str, window: Window) -> Told:
    """The export of a campaign, by pages. Raises NotFound."""
    campaign = get_campaign_named(session, name)
    rows = list_export_rows(session, campaign.id, after=window.after, size=window.limit + 1)
    more = len(rows) > window.limit
    shown = rows[:window.limit]
    return [row for _key, row in shown], shown[-1][0] if more else None


def _page(session: Session, query: Select[*tuple[Any, ...]], key: Any, window: Window,
          tell: Callable[[Any], dict[str, Any]]) -> Told:
    rows: Sequence[Any] = session.execute(
        query.where(key > window.after).order_by(key).limit(window.limit + 1)).all()
    shown = rows[:window.limit]
    return [tell(row) for row in shown], shown[-1].key if len(rows) > window.limit else None


def _accounts() -> Select[*tuple[Any, ...]]:
    parent = aliased(Account)
    owner = func.coalesce(User.email, Account.owner_email).label("owner_email")
    return (select(Account.id.label("key"), Account, parent.external_id.label("parent_id"), owner)
            .outerjoin(parent, parent.id == Account.parent_id).outerjoin(User, User.id == Account.owner_id))


def _tell_account(row: Any) -> dict[str, Any]:
    account: Account = row.Account
    return {"account_id": account.external_id, **{name: getattr(account, name) for name in _ACCOUNT_TEXTS},
            "parent_id": row.parent_id, "owner_email": row.owner_email, "custom": account.custom or {},
            "created_at": account.created_at, "updated_at": account.updated_at}


def _contacts() -> Select[*tuple[Any, ...]]:
    return (select(Contact.id.label("key"), Contact, Account.external_id.label("account"))
            .join(Account, Account.id == Contact.account_id))


def _tell_contact(row: Any) -> dict[str, Any]:
    contact: Contact = row.Contact
    return {"contact_id": contact.external_id, "account_id": row.account,
            **{name: getattr(contact, name) for name in _CONTACT_TEXTS}, "custom": contact.custom or {},
            "created_at": contact.created_at, "updated_at": contact.updated_at}
