"""Reading proposed duplicates and merges."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account
from abm.audit.models import AuditEntry
from abm.contacts.models import Contact
from abm.identity.models import DuplicatePair, Merge
from abm.web.keyset import Order
from core.errors import NotFound

SUBJECTS = ("account", "contact")
STATES = ("open", "dismissed", "merged")
_FIRST, _SECOND = aliased(Account), aliased(Account)
_ONE, _OTHER = aliased(Contact), aliased(Contact)


@dataclass(frozen=True)
class Listing:
    """Which pairs are looked at."""

    subject: str = "account"
    state: str = "open"
    text: str = ""

    @property
    def arguments(self) -> dict[str, str]:
        kept = {"subject": self.subject, "state": self.state, "q": self.text}
        return {name: value for name, value in kept.items() if value}


def read_listing(arguments: Any) -> Listing:
    """From an address; words that are not known are ignored."""
    subject, state = arguments.get("subject", ""), arguments.get("state", "")
    return Listing(subject if subject in SUBJECTS else "account", state if state in STATES else "open",
                   arguments.get("q", "").strip()[:200])


def select_pairs(listing: Listing) -> Select[*tuple[Any, ...]]:
    """The pair and both accounts (or people); unsorted. Pairs of which one is gone are left out."""
    first: Any = _FIRST if listing.subject == "account" else _ONE
    second: Any = _SECOND if listing.subject == "account" else _OTHER
    query: Select[*tuple[Any, ...]] = (
        select(DuplicatePair, first, second)
        .join(first, first.id == DuplicatePair.first_id).join(second, second.id == DuplicatePair.second_id)
        .where(DuplicatePair.subject == listing.subject, DuplicatePair.state == listing.state))
    if listing.text:
        names = ((first.name, second.name) if listing.subject == "account" else
                 (first.last_name, second.last_name, first.email, second.email))
        query = query.where(or_(*(name.icontains(listing.text, autoescape=True) for name in names)))
    return query


def pair_order() -> Order:
    return Order(DuplicatePair.score, DuplicatePair.id, is_descending=True, is_nullable=False)


EXPORT_COLUMNS = ("subject", "score", "reasons", "state", "first_id", "first", "second_id", "second", "found_at",
                  "decided_by", "decided_at")


def export_pairs(session: Session, listing: Listing) -> Iterator[Sequence[Any]]:
    """Every pair that fits as a row of EXPORT_COLUMNS, the likeliest first."""
    query = select_pairs(listing).order_by(DuplicatePair.score.desc(), DuplicatePair.id)
    for pair, first, second in session.execute(query, execution_options={"yield_per": 2_000}):
        yield (pair.subject, pair.score, "; ".join(pair.reasons), pair.state, first.external_id, name_of(first),
               second.external_id, name_of(second), pair.found_at, pair.decided_by, pair.decided_at)


def name_of(one: Account | Contact) -> str:
    """An account's or a person's name."""
    if isinstance(one, Account):
        return one.name
    return " ".join(part for part in (one.first_name, one.last_name) if part) or one.email or "Somebody"


def get_pair(session: Session, pair_id: int) -> DuplicatePair:
    """Raises NotFound."""
    pair = session.get(DuplicatePair, pair_id)
    if pair is None:
        raise NotFound("There is no such pair; it may have been settled")
    return pair


def find_pair(session: Session, *, subject: str, one: int, other: int) -> DuplicatePair | None:
    first, second = sorted((one, other))
    return session.scalars(select(DuplicatePair).where(
        DuplicatePair.subject == subject, DuplicatePair.first_id == first, DuplicatePair.second_id == second)).first()


def count_open(session: Session, subject: str) -> int:
    return session.scalar(select(func.count()).where(
        DuplicatePair.subject == subject, DuplicatePair.state == "open")) or 0


def get_merge(session: Session, merge_id: int, *, for_update: bool = False) -> Merge:
    """Raises NotFound."""
    merge = session.get(Merge, merge_id, with_for_update=for_update)
    if merge is None:
        raise NotFound(f"There is no merge {merge_id}")
    return merge


_MOST_MERGES = 20


def find_kept_account(session: Session, account_id: int) -> int | None:
    """The account that a gone one is part of by now; None for one that is there, or that no merge took."""
    return _find_kept(session, "account", Account, account_id)


def find_kept_contact(session: Session, contact_id: int) -> int | None:
    """The same for a record of a person."""
    return _find_kept(session, "contact", Contact, contact_id)


def _find_kept(session: Session, subject: str, kind: type[Account] | type[Contact], gone_id: int) -> int | None:
    """Along merges that stand, since what was kept may have been merged in its turn."""
    kept: int | None = gone_id
    for _step in range(_MOST_MERGES):
        if kept is None or session.scalar(select(kind.id).where(kind.id == kept)) is not None:
            break
        kept = session.scalar(select(Merge.kept_id).where(
            Merge.subject == subject, Merge.dropped_id == kept, Merge.undone_at.is_(None))
            .order_by(Merge.id.desc()).limit(1))
    return None if kept == gone_id else kept


def select_merges() -> Select[*tuple[Any, ...]]:
    found: Select[*tuple[Any, ...]] = select(Merge)
    return found


def merge_order() -> Order:
    return Order(Merge.id, Merge.id, is_descending=True, is_nullable=False)


MERGE_COLUMNS = ("merge", "subject", "kept", "dropped", "merged_at", "merged_by", "undone_at", "undone_by")


def export_merges(session: Session) -> Iterator[Sequence[Any]]:
    """Every merge as a row of MERGE_COLUMNS, the latest first."""
    for merge in session.scalars(select(Merge).order_by(Merge.id.desc()), execution_options={"yield_per": 2_000}):
        yield (merge.id, merge.subject, merge.kept_name, merge.dropped_name, merge.merged_at, merge.merged_by,
               merge.undone_at, merge.undone_by)


def last_search(session: Session) -> datetime | None:
    """When duplicates were last looked for; None where nobody has."""
    return session.scalar(select(func.max(AuditEntry.at)).where(AuditEntry.action == "duplicates.search"))
