"""Stops that people of ours set and lift, on the record."""

from sqlalchemy.orm import Session

from abm.audit.actions import record
from campaigns import consent
from campaigns.keys import address_key
from core.errors import InvalidInput


def suppress(session: Session, *, address: str, reason: str, purpose: str = "*") -> bool:
    """Write to an address no more; True when that is new. Raises InvalidInput."""
    _check_reason(reason)
    is_new = consent.suppress_address(session, address=address, reason=reason, purpose=purpose, source="hand")
    if is_new:
        consent.record_consent(
            session, contact_id=None, address=address, purpose=purpose, kind="objected", source=reason[:200]
        )
        record(session, action="suppress", subject="address", subject_id=address_key(address), after={"reason": reason})
    return is_new


def unsuppress(session: Session, *, address: str, reason: str) -> int:
    """Lift the stops on an address; how many. Raises NotFound or InvalidInput."""
    _check_reason(reason)
    lifted = consent.lift_address(session, address=address, reason=reason)
    record(session, action="unsuppress", subject="address", subject_id=address_key(address), after={"reason": reason})
    return lifted


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput("Say why: the reason is kept in the log", {"reason": "Write a few words"})
