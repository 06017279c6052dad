"""What a person decides about a message in doubt, on record."""

from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from campaigns import resending
from campaigns.models import Delivery


def resend_message(session: Session, *, delivery_id: int) -> Delivery:
    """Send it once more, as an intent of its own. Raises Refused when it is not in doubt (any more)."""
    again = resending.resend(session, delivery_id=delivery_id, by=actor().name)
    record(session, action="message.resend", subject="message", subject_id=delivery_id,
           after={"again": again.id, "generation": again.generation, "step": again.step})
    return again


def confirm_message(session: Session, *, delivery_id: int) -> Delivery:
    """It arrived, a person knows: it counts as sent. Raises Refused when it is not in doubt (any more)."""
    found = resending.confirm_arrival(session, delivery_id=delivery_id, by=actor().name)
    record(session, action="message.confirm", subject="message", subject_id=delivery_id, after={"state": found.state})
    return found
