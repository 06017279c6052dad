"""Reading lists: overview, members, why somebody is in."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountAlias
from abm.accounts.queries import find_account_by_external_id
from abm.company.queries import get_company
from abm.targets.agreement_queries import find_active_veto, find_sign_offs
from abm.targets.capacity import Capacity, reckon
from abm.targets.explain import Explanation, explain_rules
from abm.targets.files import ListDefinition
from abm.targets.models import ListMember, ListSignOff, TargetList
from abm.targets.ranking import find_place
from abm.targets.rule_tree import lists_in
from abm.targets.scopes import make_scope, see_cut_lists_as_kept, stored_rules
from abm.targets.sentence import say_list
from abm.targets.sources import make_vocabulary
from abm.users.models import User
from campaigns.models import Campaign
from campaigns.raw_fields import nearest
from core.errors import NotFound
from core.words import has_words

MEMBER_COLUMNS = ("account_id", "name", "industry", "country", "city", "tier", "owner_email", "added_at", "how")
_AT_ONCE = 500
_MOST_FOUND = 500


@dataclass(frozen=True, slots=True)
class ListSummary:
    """A row of the overview. `sentence` says the rules in plain words; `agreement` is signed, voided or empty, with
    who signed off how many accounts and when."""

    name: str
    title: str
    kind: str
    member_count: int
    sentence: str
    changed_at: Any
    refreshed_at: Any
    agreement: str = ""
    signed: ListSignOff | None = None


def find_list(session: Session, name: str) -> TargetList | None:
    return session.scalars(select(TargetList).where(TargetList.name == name)).first()


def get_list(session: Session, name: str) -> TargetList:
    """The list called `name`. Raises NotFound with the nearest name there is."""
    found = find_list(session, name)
    if found is None:
        names = session.scalars(select(TargetList.name)).all()
        raise NotFound(f'There is no list called "{name}"{nearest(name, names)}')
    return found


def list_lists(session: Session) -> list[ListSummary]:
    """Every list by title."""
    rows = session.scalars(select(TargetList).order_by(func.lower(TargetList.title), TargetList.name))
    signed = find_sign_offs(session)
    return [ListSummary(row.name, row.title, row.kind, row.member_count, say_stored(row), row.updated_at,
                        row.refreshed_at, _say_agreement(signed.get(row.id)), signed.get(row.id))
            for row in rows]


def _say_agreement(signed: ListSignOff | None) -> str:
    """signed, voided, or nothing where nobody has said anything."""
    return "" if signed is None else "voided" if signed.voided_at else "signed"


def list_names(session: Session) -> Sequence[tuple[str, str]]:
    """(name, title) of every list, for choices."""
    return [(name, title) for name, title in
            session.execute(select(TargetList.name, TargetList.title).order_by(TargetList.title))]


def say_stored(row: TargetList) -> str:
    """The list in plain words."""
    if row.kind == "static":
        return "Chosen by hand."
    rule, top = stored_rules(row)
    return say_list(rule, top, make_vocabulary())


def get_definition(session: Session, row: TargetList) -> ListDefinition:
    """The list as a file would say it."""
    if row.kind == "dynamic":
        rule, top = stored_rules(row)
        return ListDefinition(row.name, row.title, rule, top)
    ids = session.scalars(select(Account.external_id).join(ListMember, ListMember.account_id == Account.id)
                          .where(ListMember.list_id == row.id).order_by(Account.external_id))
    return ListDefinition(row.name, row.title, accounts=tuple(ids))


def find_account_ids(session: Session, external_ids: Sequence[str]) -> dict[str, int]:
    """Internal ids by the source system's, those by which an account is known besides included; unknown ones are
    missing."""
    found: dict[str, int] = {}
    for start in range(0, len(external_ids), _AT_ONCE):
        part = external_ids[start:start + _AT_ONCE]
        known_as = select(AccountAlias.value_key, AccountAlias.account_id).where(
            AccountAlias.kind == "id", AccountAlias.value_key.in_(part))
        own = select(Account.external_id, Account.id).where(Account.external_id.in_(part))
        for query in (known_as, own):
            found.update((external, internal) for external, internal in session.execute(query))
    return found


def get_account_by_external_id(session: Session, external_id: str) -> Account:
    """Raises NotFound."""
    account = find_account_by_external_id(session, external_id)
    if account is None:
        raise NotFound(f'There is no account with the id "{external_id}"; ids are those of the source system')
    return account


def _select_members(list_id: int) -> Select[*tuple[Any, ...]]:
    owner = func.coalesce(User.email, Account.owner_email)
    return (
        select(Account.external_id.label("account_id"), Account.name, Account.industry, Account.country, Account.city,
               Account.tier, owner.label("owner_email"), ListMember.added_at, ListMember.how, Account.id)
        .join(ListMember, ListMember.account_id == Account.id).outerjoin(User, User.id == Account.owner_id)
        .where(ListMember.list_id == list_id)
    )


def _search_members(rows: Select[*tuple[Any, ...]], search: str) -> Select[*tuple[Any, ...]]:
    words = search.strip()
    if not words:
        return rows
    return rows.where(has_words("account", Account.id, words))


def iterate_members(session: Session, *, list_id: int, search: str = "") -> Iterator[Sequence[Any]]:
    """Every member that fits in the columns of MEMBER_COLUMNS, by account id; memory stays flat."""
    rows = _search_members(_select_members(list_id), search).order_by(Account.external_id)
    for part in session.connection().execution_options(yield_per=5_000).execute(rows).partitions():
        for row in part:
            yield row[:len(MEMBER_COLUMNS)]


def is_member(session: Session, *, list_id: int, account_id: int) -> bool:
    return session.get(ListMember, (list_id, account_id)) is not None


def explain_member(session: Session, *, row: TargetList, account_id: int) -> Explanation:
    """Why the account (its internal id) is in the list, by the data of this moment, or is not; a veto keeps it out."""
    if row.kind == "static":
        return Explanation(is_member(session, list_id=row.id, account_id=account_id), ())
    rule, top = stored_rules(row)
    scope = see_cut_lists_as_kept(session, make_scope(session, within=(row.name,), only=(account_id,)))
    found = explain_rules(session, rule=rule, account_id=account_id, scope=scope)
    if found.is_in and find_active_veto(session, list_id=row.id, account_id=account_id) is not None:
        return replace(found, is_in=False)
    if top is None or not found.is_in:
        return found
    place = find_place(session, list_id=row.id, top=top, account_id=account_id, scope=scope)
    return replace(found, is_in=place.rank is not None, rank=place.rank, candidates=place.candidates, cut=place.cut)


def list_users_of(session: Session, name: str) -> list[str]:
    """What would break without the list: lists whose rules name it, and campaigns written for it."""
    lists = [f"the list {row.name}" for row in session.scalars(select(TargetList).where(TargetList.kind == "dynamic"))
             if name in lists_in(stored_rules(row)[0])]
    campaigns = session.scalars(select(Campaign.name).where(Campaign.definition["list"].as_string() == name))
    return lists + [f"the campaign {each}" for each in campaigns]


def list_lists_of_account(session: Session, account_id: int) -> Sequence[tuple[str, str]]:
    """(name, title) of the lists that hold the account, for its page."""
    rows = select(TargetList.name, TargetList.title).join(ListMember, ListMember.list_id == TargetList.id)
    return [(name, title) for name, title in session.execute(
        rows.where(ListMember.account_id == account_id).order_by(TargetList.title))]


def suggest_accounts(session: Session, typed: str, *, limit: int = 10) -> Sequence[Row[*tuple[Any, ...]]]:
    """(external_id, name, city, country) of accounts with the words typed in name, id, domain or city."""
    rows = select(Account.external_id, Account.name, Account.city, Account.country)
    found = has_words("account", Account.id, typed, most=_MOST_FOUND)
    return session.execute(rows.where(found).order_by(Account.name_key).limit(limit)).all()


def free_name(session: Session, wanted: str) -> str:
    """`wanted`, or the first of wanted-2, wanted-3, … that no list has."""
    taken = set(session.scalars(select(TargetList.name).where(TargetList.name.startswith(wanted, autoescape=True))))
    numbered = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (wanted, *numbered) if name not in taken)


def get_capacity(session: Session, *, list_id: int) -> Capacity:
    """Hours that the members take in a month, by tier, against those there are."""
    tier = func.coalesce(Account.tier, "")
    rows = select(tier, func.count()).join(ListMember, ListMember.account_id == Account.id)
    counts = session.execute(rows.where(ListMember.list_id == list_id).group_by(tier))
    company = get_company(session)
    return reckon({name: count for name, count in counts}, company.hours_per_account, company.available_hours)
