"""What merging keeps of people, when they are erased: the record that was taken in, names, and pairs of records."""

from collections.abc import Collection, Iterator

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from abm.identity.models import DuplicatePair, Merge, MergeStep
from abm.outreach.erasure_traces import register_forgetting
from core.id_lists import is_among


def forget_merges(session: Session, contact_ids: Collection[int]) -> Iterator[str]:
    """Merges of these people cannot be undone from here on. Yields the addresses of the records that were taken in."""
    steps = session.scalars(select(MergeStep.before).where(
        is_among(MergeStep.contact_id, contact_ids), MergeStep.table_name == "contact")).all()
    addresses = {str(before["email"]) for before in steps if before and before.get("email")}
    session.execute(delete(MergeStep).where(is_among(MergeStep.contact_id, contact_ids)))
    session.execute(delete(Merge).where(is_among(Merge.contact_id, contact_ids)))
    session.execute(delete(DuplicatePair).where(
        DuplicatePair.subject == "contact",
        is_among(DuplicatePair.first_id, contact_ids) | is_among(DuplicatePair.second_id, contact_ids)))
    yield from sorted(addresses)


register_forgetting(forget_merges)
