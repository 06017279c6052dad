"""States of campaigns, runs, enrolments and deliveries, and the groups that the books are kept in."""

from enum import StrEnum


class CampaignState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class RunState(StrEnum):
    PLANNING = "planning"
    ACTIVE = "active"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class RunKind(StrEnum):
    """What began a run: people, a re-entry rule, or the move of running people to a new version."""

    LAUNCH = "launch"
    REENTRY = "reentry"
    MOVE = "move"


class EnrolmentOrigin(StrEnum):
    """How somebody came into a run."""

    LAUNCH = "launch"
    NEWCOMER = "newcomer"
    REPLACEMENT = "replacement"
    REENTRY = "reentry"
    MOVE = "move"


class EnrolmentState(StrEnum):
    ACTIVE = "active"
    FINISHED = "finished"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    EMAIL = "email"
    CALL = "call"
    LETTER = "letter"
    VISIT = "visit"
    WEBHOOK = "webhook"


# Channels whose step is over when a person says so (called, visited, posted), and after how many of the company's
# working days it counts as skipped when nobody does.
AWAITED: dict[Channel, int] = {Channel.CALL: 5, Channel.LETTER: 5, Channel.VISIT: 20}


class DeliveryState(StrEnum):
    """See docs/life-of-a-message.md for who moves a delivery from which state to which."""

    PLANNED = "planned"
    QUEUED = "queued"
    CLAIMED = "claimed"
    RENDERED = "rendered"
    HANDING = "handing"
    DEFERRED = "deferred"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED_SOFT = "bounced_soft"
    BOUNCED_HARD = "bounced_hard"
    COMPLAINED = "complained"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED_RENDER = "failed_render"
    FAILED_PERMANENT = "failed_permanent"
    FAILED_TEMPORARY = "failed_temporary"
    QUARANTINED = "quarantined"
    UNKNOWN = "unknown"
    UNKNOWN_FINAL = "unknown_final"


BOOK_OF_STATE: dict[DeliveryState, str] = {
    **dict.fromkeys((DeliveryState.PLANNED, DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.RENDERED,
                     DeliveryState.HANDING, DeliveryState.DEFERRED), "queued"),
    **dict.fromkeys((DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.BOUNCED_SOFT,
                     DeliveryState.BOUNCED_HARD, DeliveryState.COMPLAINED), "sent"),
    **dict.fromkeys((DeliveryState.SUPPRESSED, DeliveryState.EXPIRED, DeliveryState.CANCELLED), "suppressed"),
    **dict.fromkeys((DeliveryState.FAILED_RENDER, DeliveryState.FAILED_PERMANENT, DeliveryState.FAILED_TEMPORARY,
                     DeliveryState.QUARANTINED), "failed"),
    **dict.fromkeys((DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL), "unknown"),
}


def states_of(book: str) -> tuple[DeliveryState, ...]:
    """The exact states that a book holds."""
    return tuple(state for state, name in BOOK_OF_STATE.items() if name == book)


OPEN_STATES = frozenset(states_of("queued")) | {DeliveryState.UNKNOWN}
CLAIMABLE_STATES = frozenset({DeliveryState.QUEUED, DeliveryState.DEFERRED})


class Reason(StrEnum):
    """Why a message was not sent, or why an enrolment ended; shown to people through the glossary."""

    NO_ADDRESS = "no_address"
    NO_BASIS = "no_basis"
    CONSENT_NEEDED = "consent_needed"
    CONSENT_EXPIRED = "consent_expired"
    SUPPRESSED = "suppressed"
    UNSUBSCRIBED = "unsubscribed"
    SAME_MAILBOX = "same_mailbox"
    HELD_OUT = "held_out"
    CONVERSATION_LOCKED = "conversation_locked"
    LEFT_COMPANY = "left_company"
    NO_LONGER_MATCHES = "no_longer_matches"
    OVER_CAP = "over_cap"
    OUTSIDE_WINDOW = "outside_window"
    PAUSED = "paused"
    MISSING_VALUE = "missing_value"
    BAD_ADDRESS = "bad_address"
    REPLIED = "replied"
    CLICKED = "clicked"
    ORDERED = "ordered"
    MET = "met"
    OPTED_OUT = "opted_out"
    COMPLAINED = "complained"
    HARD_BOUNCE = "hard_bounce"
    CALL_NOT_DONE = "call_not_done"
    CALL_DONE = "call_done"
    LETTER_NOT_POSTED = "letter_not_posted"
    VISIT_NOT_DONE = "visit_not_done"
    EARLIER_WAVE = "earlier_wave"
    EXCLUSIVE_ELSEWHERE = "exclusive_elsewhere"
    BEEN_BEFORE = "been_before"
    MOVED = "moved"
    CONDITION = "condition"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    ERASED = "erased"
    WAITED_TOO_LONG = "waited_too_long"
    RESENT = "resent"
    SENDING_LIMIT = "sending_limit"
    SENDER_PAUSED = "sender_paused"
    NO_WAY_OUT = "no_way_out"
    NOT_TAKEN = "not_taken"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
