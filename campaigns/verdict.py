"""The gate's answer about one touch: allow, defer until, or block, with the rule, its numbers and who can lift it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from campaigns.states import DeliveryState, Reason


class Answer(StrEnum):
    ALLOW = "allow"
    DEFER = "defer"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`detail` is a sentence for people: the rule, its numbers, who can lift it. `until` is set when deferred."""

    answer: Answer
    reason: Reason | None = None
    detail: str = ""
    until: datetime | None = None

    @property
    def is_allowed(self) -> bool:
        return self.answer is Answer.ALLOW

    @property
    def state(self) -> DeliveryState | None:
        """The delivery's state after a block or a deferral; None when it may go on."""
        if self.answer is Answer.ALLOW:
            return None
        if self.answer is Answer.DEFER:
            return DeliveryState.QUEUED
        return _STATE_OF_BLOCK.get(self.reason, DeliveryState.SUPPRESSED)


_STATE_OF_BLOCK: dict[Reason | None, DeliveryState] = {
    Reason.WAITED_TOO_LONG: DeliveryState.EXPIRED,
    Reason.CAMPAIGN_CANCELLED: DeliveryState.CANCELLED,
    Reason.ERASED: DeliveryState.CANCELLED,
}

ALLOWED = Verdict(Answer.ALLOW)


def block(reason: Reason, detail: str) -> Verdict:
    return Verdict(Answer.BLOCK, reason, detail)


def defer(reason: Reason, until: datetime, detail: str) -> Verdict:
    return Verdict(Answer.DEFER, reason, detail, until)
