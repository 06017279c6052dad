"""What the dispatcher asks of a channel, and what a channel answers.

Two kinds. A *carrier* talks to the outside after the hand-over commit: it takes messages, sends them in its own time
and tells one outcome for each. A *placer* only writes rows here, so it works inside the hand-over commit and
needs neither journal nor doubt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy.orm import Session

from campaigns.definition_values import Definition, Step
from campaigns.facts import DueDelivery
from campaigns.outside import CallRequest
from campaigns.personalisation import Values
from campaigns.sending.circuit import Opening


class Result(StrEnum):
    """What became of a message that was handed to a carrier."""

    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    RETURNED = "returned"


@dataclass(slots=True)
class Outgoing:
    """A rendered message. `wire` has CRLF ends and no dot-stuffing; `epoch`: the stop epoch of its judgement."""

    delivery_id: int
    fence: int
    run_id: int
    epoch: int
    envelope_from: str
    envelope_to: str
    wire: bytes = field(repr=False)


@dataclass(slots=True)
class Outcome:
    """One answer for one message: the phase it reached, the server's code and text, and when."""

    delivery_id: int
    fence: int
    result: Result
    phase: str
    code: int | None
    text: str
    at: datetime


class HandOverJournal(Protocol):
    """Written at once: *begun* before the final dot leaves, *accepted* or *refused* as soon as it is known.

    `accepted` of `begun`: delivery, fence and code of the message before, written first; one write serves both.
    """

    def begun(self, delivery_id: int, fence: int, *, accepted: tuple[int, int, int] | None = None) -> None: ...

    def accepted(self, delivery_id: int, fence: int, code: int = 250) -> None: ...

    def refused(self, delivery_id: int, fence: int, code: int) -> None: ...


MayBegin = Callable[[Outgoing], bool]


class Carrier(Protocol):
    """Sends messages. Asks `may_begin` right before each one and returns it unsent (RETURNED) on a no.

    Every message given to `hand_over` comes back exactly once from `outcomes`. No method raises for what a server does.
    """

    def hand_over(self, messages: Sequence[Outgoing]) -> None:
        """Accept messages for sending; returns before they are sent."""

    def outcomes(self, wait: float) -> list[Outcome]:
        """What became known since the last call, waiting up to `wait` seconds for the first."""

    def in_hand(self) -> int:
        """Messages given and not yet answered for, those in the slow lane left out."""

    def in_slow_lane(self) -> int:
        """Messages that are fully sent and whose answer is long in coming."""

    def openings(self) -> list[Opening]:
        """How tries to reach the other side fared since the last call, in order."""

    def withdraw(self) -> None:
        """Begin nothing more: what was not begun comes back as RETURNED."""

    def close(self, grace: float) -> None:
        """Withdraw, wait `grace` seconds for answers, then drop the connections; what had no answer is UNKNOWN."""


@dataclass(frozen=True, slots=True)
class Making:
    """What a channel makes a delivery of. `values` hold offer and sender too; `postal`: the lines of the address."""

    due: DueDelivery
    step: Step
    definition: Definition
    values: Values
    postal: tuple[str, ...]
    external: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class LetterRequest:
    """A letter that has come due, with its words filled in."""

    delivery_id: int
    account_id: int
    contact_id: int
    campaign_title: str
    step: str
    address: tuple[str, ...]
    sender: tuple[str, ...]
    subject: str
    body: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """A message for another program: where it goes, its own stable id, and its words."""

    url: str
    id: str
    body: bytes = field(repr=False)


Request = CallRequest | LetterRequest
OpenCarrier = Callable[[HandOverJournal, MayBegin], Carrier]


@dataclass(frozen=True)
class PlacedChannel:
    """Makes a request of a delivery, and places requests by writing rows inside the hand-over commit; a repeat for the
    same delivery changes nothing. ContentFailure from `make` fails that one row."""

    make: Callable[[Making], Request]
    place: Callable[[Session, Sequence[Any]], None]


@dataclass(frozen=True)
class CarriedChannel:
    """Makes a message of a delivery; a carrier of its own takes it outside. Nobody is touched by it."""

    make: Callable[[Making], Posting]
    open_carrier: OpenCarrier
