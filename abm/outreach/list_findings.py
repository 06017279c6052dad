"""What the launch check says of the target list: whether sales agreed to it, and whether there are hours for it."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.targets.agreement_queries import find_sign_off
from abm.targets.models import TargetList
from abm.targets.queries import get_capacity


def find_list_findings(session: Session, list_name: str) -> Iterator[tuple[str, str, str]]:
    """(level, what, sentence) of each finding; none for a list that is not there, which is refused elsewhere."""
    row = session.scalars(select(TargetList).where(TargetList.name == list_name)).first()
    if row is None:
        return
    yield from _agreement(session, row)
    capacity = get_capacity(session, list_id=row.id)
    for crew, hours in capacity.short.items():
        yield "warn", "capacity", (f"The list {row.title} takes {capacity.needed[crew]:,.0f} hours of {crew} a month, "
                                   f"{hours:,.0f} more than there are.")
    yield "note", "capacity", f"The list {row.title}: {capacity.sentence}"


def _agreement(session: Session, row: TargetList) -> Iterator[tuple[str, str, str]]:
    signed = find_sign_off(session, list_id=row.id)
    if signed is None:
        yield "warn", "sign_off", f"Sales has not signed off the list {row.title}; that is done on its page."
    elif signed.voided_at is not None:
        yield "warn", "sign_off", (f"{signed.by_name} signed off the list {row.title} before {signed.void_reason}; "
                                   "ask for it anew.")
