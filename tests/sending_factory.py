"""Sending identities as tests need them."""

from typing import Any

from sqlalchemy.orm import Session

from campaigns.models import SendingIdentity
from core import clock


def make_identity(session: Session, email: str = "sales@example.com", **values: Any) -> SendingIdentity:
    """An active identity that goes through the operator's relay unless told otherwise."""
    now = clock.now()
    given = {"name": "Sales desk", "domain": email.rpartition("@")[2], "created_at": now, "updated_at": now, **values}
    identity = SendingIdentity(email=email, **given)
    session.add(identity)
    session.flush()
    return identity
