"""Looking for duplicates: accounts by name and domain, people by address and name.

Equal names and domains are joined in SQL. Alike names are compared only within a block (first letters and numbers
of a name), block after block, so that neither time nor memory grows with the square of the accounts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session, aliased

from abm.accounts.keys import refresh_keys, refresh_next_keys
from abm.accounts.models import Account, AccountKey
from abm.contacts.models import Contact
from abm.identity.models import DuplicatePair
from abm.identity.scoring import CLOSE, LEAST, Card, score_pair
from core import clock, db
from core.db import is_postgres
from core.id_lists import is_among

_LARGEST_BLOCK = 400
_ALL_PAIRS_UP_TO = 12
_LARGEST_DOMAIN = 50
_AT_ONCE = 2_000
Found = tuple[int, int, float]
Proposal = tuple[int, int, int, list[str]]  # ids, the lower one first, score, reasons
T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """As itertools.batched, which Python 3.11 does not have."""
    rest = iter(items)
    while part := tuple(islice(rest, size)):
        yield part


@dataclass(frozen=True)
class Search:
    """What a search came to."""

    accounts: int
    contacts: int


def find_duplicates(session: Session) -> Search:
    """Propose pairs anew: what was dismissed stays so, what no longer holds is no longer proposed."""
    moment = clock.now()
    refresh_keys(session)
    for subject, found in _proposals(session):
        _propose(session, subject, found, moment)
    return _settle(session, moment)


def find_duplicates_apart() -> Search:
    """As above in transactions of its own, each short: whoever saves or sends waits for none of the comparing."""
    moment = clock.now()
    last: int | None = 0
    while last is not None:
        with db.transaction() as session:
            last = refresh_next_keys(session, after=last)
    with db.reading() as reading:
        for subject, found in _proposals(reading):
            with db.transaction() as session:
                _propose(session, subject, found, moment)
    with db.transaction() as session:
        return _settle(session, moment)


def _proposals(session: Session) -> Iterator[tuple[str, list[Proposal]]]:
    for pairs in batched(_account_pairs(session), _AT_ONCE):
        yield "account", list(_score_accounts(session, pairs))
    for statement, score, reason in _contact_searches():
        for people in batched(session.execute(statement).all(), _AT_ONCE):
            yield "contact", [(one, other, score, [reason]) for one, other in people]


def _settle(session: Session, moment: datetime) -> Search:
    """Forget what was not found again; how many pairs are open now."""
    session.execute(delete(DuplicatePair).where(DuplicatePair.state == "open", DuplicatePair.seen_at < moment))
    return Search(*(session.scalar(select(func.count()).where(
        DuplicatePair.subject == subject, DuplicatePair.state == "open")) or 0 for subject in ("account", "contact")))


def _account_pairs(session: Session) -> Iterator[Found]:
    """Pairs of account ids with the likeness of their names (0: found by domain alone), the lower id first."""
    for kind, likeness in (("name", 100.0), ("domain", 0.0)):
        for one, other in session.execute(_equal(kind)).all():
            yield one, other, likeness
    yield from _alike(session)


def _equal(kind: str) -> Select[int, int]:
    """Pairs with an equal key. Of a large group each is paired with its first one only; a domain that very many share
    says nothing."""
    group = (select(AccountKey.value, func.min(AccountKey.account_id).label("first"),
                    func.count(AccountKey.account_id.distinct()).label("size"))
             .where(AccountKey.kind == kind, AccountKey.value != "").group_by(AccountKey.value)
             .having(func.count(AccountKey.account_id.distinct()) > 1).subquery())
    one, other = aliased(AccountKey), aliased(AccountKey)
    query = (select(one.account_id, other.account_id)
             .join(group, and_(one.kind == kind, one.value == group.c.value))
             .join(other, and_(other.kind == kind, other.value == one.value, other.account_id > one.account_id))
             .where(or_(group.c.size <= _ALL_PAIRS_UP_TO, one.account_id == group.c.first)).distinct())
    return query.where(group.c.size <= _LARGEST_DOMAIN) if kind == "domain" else query


def _alike(session: Session) -> Iterator[Found]:
    from rapidfuzz import fuzz, process

    # A connection's own cursor would be closed by the writes in between: the keys of a block are read as one.
    rows = session.execute(select(AccountKey.block, AccountKey.value, AccountKey.account_id)
                           .where(AccountKey.kind == "name", func.length(AccountKey.value) > 4)
                           .order_by(AccountKey.block, AccountKey.value)).all()
    for _block, members in groupby(rows, key=lambda row: row[0]):
        for part in batched(members, _LARGEST_BLOCK):
            names = [row[1] for row in part]
            if len(names) < 2:
                continue
            likeness = process.cdist(names, names, scorer=fuzz.token_sort_ratio, score_cutoff=CLOSE)
            for at, beside in zip(*likeness.nonzero(), strict=True):
                one, other = part[at][2], part[beside][2]
                if at < beside and names[at] != names[beside] and one != other:
                    yield min(one, other), max(one, other), float(likeness[at, beside])


def _score_accounts(session: Session, pairs: Iterable[Found]) -> Iterator[Proposal]:
    from rapidfuzz import fuzz

    best: dict[tuple[int, int], float] = {}
    for one, other, likeness in pairs:
        best[one, other] = max(likeness, best.get((one, other), 0.0))
    cards, families = _read_cards(session, {account for pair in best for account in pair})
    for (one, other), likeness in best.items():
        if families[one] & families[other]:
            continue
        alike = likeness or min(fuzz.token_sort_ratio(cards[one].core, cards[other].core), CLOSE - 1)
        score, reasons = score_pair(cards[one], cards[other], same_name=likeness >= 100, likeness=alike)
        if score >= LEAST:
            yield one, other, score, reasons


def _read_cards(session: Session, ids: set[int]) -> tuple[dict[int, Card], dict[int, set[int]]]:
    """What is compared, and the heads of each account's family: sites of one parent are not duplicates."""
    domains: dict[int, set[str]] = {}
    cores: dict[int, str] = {}
    keys = select(AccountKey.account_id, AccountKey.kind, AccountKey.value, AccountKey.is_alias)
    for account_id, kind, value, is_alias in session.execute(keys.where(is_among(AccountKey.account_id, ids))):
        if kind == "domain":
            domains.setdefault(account_id, set()).add(value)
        elif not is_alias:
            cores[account_id] = value
    cards, families = {}, {}
    upper = aliased(Account)
    rows = session.execute(
        select(Account.id, Account.name, Account.country, Account.city, Account.parent_id, upper.parent_id)
        .outerjoin(upper, upper.id == Account.parent_id).where(is_among(Account.id, ids)))
    for account_id, name, country, city, parent, grandparent in rows:
        cards[account_id] = Card(name, cores.get(account_id, ""), country or "", city or "",
                                 frozenset(domains.get(account_id, ())))
        families[account_id] = {one for one in (account_id, parent, grandparent) if one is not None}
    return cards, families


def _contact_searches() -> Iterator[tuple[Select[int, int], int, str]]:
    one, other = aliased(Contact), aliased(Contact)
    is_later = and_(other.account_id == one.account_id, other.id > one.id)
    both: Select[int, int] = select(one.id, other.id).join(other, is_later)
    yield both.where(other.email_key == one.email_key), 97, "Same address at the same account"
    same_name = [func.lower(own) == func.lower(theirs) for own, theirs in
                 ((one.first_name, other.first_name), (one.last_name, other.last_name))]
    differs: ColumnElement[bool] = or_(one.email_key.is_(None), other.email_key.is_(None),
                                       other.email_key != one.email_key)
    yield both.where(*same_name, differs), 80, "Same name at the same account"


def _propose(session: Session, subject: str, found: list[Proposal], moment: datetime) -> None:
    if not found:
        return
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    rows: list[dict[str, Any]] = [
        {"subject": subject, "first_id": one, "second_id": other, "score": score, "reasons": reasons, "state": "open",
         "found_at": moment, "seen_at": moment, "decided_by": ""} for one, other, score, reasons in found]
    statement = insert(DuplicatePair)
    fresh = {name: statement.excluded[name] for name in ("score", "reasons", "seen_at")}
    better = or_(DuplicatePair.seen_at < moment, statement.excluded.score > DuplicatePair.score)
    session.connection().execute(statement.on_conflict_do_update(
        index_elements=["subject", "first_id", "second_id"], set_=fresh,
        where=and_(DuplicatePair.state == "open", better)), rows)

