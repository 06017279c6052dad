"""One message outside any campaign, through the same ways out: a trial, a confirmation, a notice to a user."""

from campaigns.channels.base import Outcome, Outgoing, Result
from campaigns.channels.email import open_carrier
from campaigns.sending.routes import Route

_WAIT_SECONDS = 20.0


class _NoJournal:
    """Such a message that is lost is sent again by hand or by its job: nothing to settle after a crash."""

    def begun(self, delivery_id: int, fence: int, *, accepted: tuple[int, int, int] | None = None) -> None: ...

    def accepted(self, delivery_id: int, fence: int, code: int = 250) -> None: ...

    def refused(self, delivery_id: int, fence: int, code: int) -> None: ...


def hand_over_alone(message: Outgoing, route: Route) -> Outcome | None:
    """Send it and wait for the answer; None when there was none in time. Never inside a transaction."""
    carrier = open_carrier(_NoJournal(), lambda _message: True, route=route)
    try:
        carrier.hand_over([message])
        found = carrier.outcomes(_WAIT_SECONDS)
    finally:
        carrier.close(0.5)
    return found[0] if found else None


def is_accepted(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.result is Result.SENT
