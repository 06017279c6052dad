"""The call channel: a call that has come due becomes a task of a seller, in the hand-over commit itself."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from campaigns.outside import CallRequest, outside


def place(session: Session, requests: Sequence[CallRequest]) -> None:
    """Make the tasks; a repeat for the same delivery makes none."""
    if requests:
        outside().desk.place_calls(session, requests)
