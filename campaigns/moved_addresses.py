"""Whose address changed since the plan takes the new mailbox, unless somebody else of the step has it already.

The unique intent per mailbox was made from the address of the plan; without this, two people whose addresses became the
same would both be written to there.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns.facts import DueDelivery
from campaigns.keys import address_key
from campaigns.outside import Recipient

_TAKE = text(
    "UPDATE delivery SET address_key = :key WHERE id = :id AND fence = :fence AND NOT EXISTS (SELECT 1 FROM delivery "
    "AS other WHERE other.run_id = delivery.run_id AND other.position = delivery.position AND other.generation = "
    "delivery.generation AND other.address_key = :key AND other.id <> delivery.id) RETURNING id")


def find_moved(dues: Sequence[DueDelivery], recipients: Mapping[int, Recipient]) -> dict[int, str]:
    """By delivery id the key of the mailbox that the person has now, where it is another one than planned."""
    return {due.id: address_key(email) for due in dues
            if (email := recipients[due.contact_id].email) and due.address and email != due.address
            and address_key(email) != address_key(due.address)}


def take_mailboxes(session: Session, moved: Mapping[int, str], *, fence: int) -> set[int]:
    """Note the new mailboxes with these deliveries of a claim; the ids of those whose mailbox somebody else has."""
    return {delivery_id for delivery_id, key in sorted(moved.items()) if not _take(session, delivery_id, key, fence)}


def _take(session: Session, delivery_id: int, key: str, fence: int) -> bool:
    try:
        with session.begin_nested():
            return session.execute(_TAKE, {"id": delivery_id, "key": key, "fence": fence}).first() is not None
    except IntegrityError:  # another process has just taken it for somebody else
        return False
