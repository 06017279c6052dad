"""Finding the account of a person whose row in a file names none that is known: by domain, then by the company's name.

A match needs exactly one account. What a person has decided (`person`) is stored and never changed by a file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from abm.accounts.company_names import core_name, matching_domain
from abm.accounts.keys import refresh_keys
from abm.accounts.models import Account, AccountKey
from abm.contacts.models import Contact
from abm.imports.staging import Stage
from core import db

BY_PERSON = "person"
_CONTACT = cast(Table, Contact.__table__)
_SCORES = {("domain", False): 95, ("domain", True): 90, ("name", False): 85, ("name", True): 80}
_AT_ONCE = 5_000


@dataclass(frozen=True)
class Match:
    """The account found, by which rule, and how sure that is in points of 100."""

    account_id: int
    rule: str
    score: int


def prepare_matching() -> None:
    """Bring what accounts are compared by up to date; once per import, in a transaction of its own."""
    with db.transaction() as session:
        refresh_keys(session)


def find_accounts_of(session: Session, people: Sequence[tuple[str | None, str | None]]) -> list[Match | None]:
    """For (address, company's name) of each person the account, where the two lead to exactly one."""
    asked = [(_domain_of(email), core_name(company) if company else None) for email, company in people]
    by_domain = _only_ones(session, "domain", (domain for domain, _name in asked))
    by_name = _only_ones(session, "name", (name for _domain, name in asked))
    return [by_domain.get(domain or "") or by_name.get(name or "") for domain, name in asked]


def _domain_of(email: str | None) -> str | None:
    return matching_domain(email.rpartition("@")[2]) if email else None


def _only_ones(session: Session, kind: str, wanted: Iterable[str | None]) -> Mapping[str, Match]:
    """The account of each key; where a parent and its sites share one it is the parent, else several are nobody."""
    values = sorted({value for value in wanted if value})
    found: dict[str, list[tuple[int, int | None, bool]]] = {}
    for start in range(0, len(values), _AT_ONCE):
        rows = session.execute(
            select(AccountKey.value, AccountKey.account_id, Account.parent_id, AccountKey.is_alias)
            .join(Account, Account.id == AccountKey.account_id)
            .where(AccountKey.kind == kind, AccountKey.value.in_(values[start:start + _AT_ONCE])).distinct())
        for value, account_id, parent_id, is_alias in rows:
            found.setdefault(value, []).append((account_id, parent_id, is_alias))
    return {value: match for value, ones in found.items() if (match := _only(kind, ones))}


def _only(kind: str, ones: Sequence[tuple[int, int | None, bool]]) -> Match | None:
    accounts = {account_id for account_id, _parent, _alias in ones}
    heads = {account_id for account_id, parent_id, _alias in ones if parent_id not in accounts}
    if len(heads) != 1:
        return None
    head = heads.pop()
    is_alias = all(alias for account_id, _parent, alias in ones if account_id == head)
    return Match(head, kind, _SCORES[kind, is_alias])


def find_decided(session: Session, external_ids: Sequence[str]) -> dict[str, int]:
    """The accounts of those people whose account a person has decided."""
    rows = session.execute(select(Contact.external_id, Contact.account_id).where(
        Contact.match_rule == BY_PERSON, Contact.external_id.in_(external_ids)))
    return {external_id: account_id for external_id, account_id in rows}


def keep_decided_accounts(session: Session, stage: Stage) -> None:
    """Staged rows of people whose account a person has decided keep it, whatever the file says."""
    rows, kept = stage.rows, _CONTACT.alias("kept")
    decided = select(kept.c.external_id).where(kept.c.match_rule == BY_PERSON)
    if session.scalar(select(decided.exists())):
        stored = {name: select(kept.c[name]).where(kept.c.external_id == rows.c.external_id).correlate(rows)
                  .scalar_subquery() for name in ("account_id", "match_rule", "match_score")}
        session.execute(update(rows).where(rows.c.external_id.in_(decided)).values(stored))
