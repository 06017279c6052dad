"""The gate's rules as pure functions: from what was found about one touch to allow, defer or block.

They hold no clock and ask no database, so that a decision can be made again from the log (`campaigns.gate_log`) and
come out the same. The evidence names no person: no address, no name, only what the rules look at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.caps_rules import NO_LIMITS, NOTHING, Limits, Used, refuse
from campaigns.states import Reason
from campaigns.verdict import ALLOWED, Verdict, block, defer

PAUSE_CHECK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every touch of a batch. `points`: what one costs its account."""

    campaign: str
    is_cancelled: bool = False
    is_paused: bool = False
    is_all_paused: bool = False
    stops_on_order: bool = False
    is_capped: bool = True
    points: int = 1
    person_limits: Limits = NO_LIMITS


@dataclass(slots=True)
class Evidence:
    """What was found about one touch. `objection`: a word of the glossary and its sentence, from the suppression list
    or the person's own facts; `lock`: until when and why; `opening`: the first moment inside the window."""

    at: datetime
    due_at: datetime
    opening: datetime
    expires_at: datetime | None = None
    ended: str | None = None
    objection: tuple[str, str] | None = None
    is_held_out: bool = False
    condition: str | None = None
    lock: tuple[datetime, str] | None = None
    account_limits: Limits = NO_LIMITS
    account_used: Used = NOTHING
    person_used: Used = NOTHING


Rule = Callable[[Evidence, Terms], Verdict | None]


def is_cancelled(_found: Evidence, terms: Terms) -> Verdict | None:
    if not terms.is_cancelled:
        return None
    return block(Reason.CAMPAIGN_CANCELLED, f"The campaign {terms.campaign} was cancelled.")


def has_ended(found: Evidence, _terms: Terms) -> Verdict | None:
    if found.ended is None:
        return None
    reason = Reason(found.ended) if found.ended in set(Reason) else Reason.CONDITION
    return block(reason, f"The person's way through the campaign ended: {found.ended.replace('_', ' ')}.")


def is_objected_to(found: Evidence, _terms: Terms) -> Verdict | None:
    return block(Reason(found.objection[0]), found.objection[1]) if found.objection else None


def is_held_out(found: Evidence, _terms: Terms) -> Verdict | None:
    if not found.is_held_out:
        return None
    return block(Reason.HELD_OUT, "The account is held out to measure the campaign's effect; nobody lifts this.")


def meets_condition(found: Evidence, terms: Terms) -> Verdict | None:
    if found.condition is None:
        return None
    if found.condition == "ordered" and terms.stops_on_order:
        return block(Reason.ORDERED, "The account has ordered since the enrolment, and the campaign stops then.")
    return block(Reason.CONDITION, f'The step says "unless {found.condition}", and since the enrolment that is so.')


def is_too_old(found: Evidence, _terms: Terms) -> Verdict | None:
    if found.expires_at is None or found.at < found.expires_at:
        return None
    return block(Reason.WAITED_TOO_LONG, f"It was due at {found.due_at:%Y-%m-%d %H:%M} UTC and could not go out before "
                                         f"{found.expires_at:%Y-%m-%d %H:%M} UTC; a person can send it again.")


def is_paused(found: Evidence, terms: Terms) -> Verdict | None:
    if not (terms.is_paused or terms.is_all_paused):
        return None
    who = "All sending" if terms.is_all_paused else f"The campaign {terms.campaign}"
    return defer(Reason.PAUSED, found.at + PAUSE_CHECK, f"{who} is paused; a marketer or an admin resumes it.")


def is_locked(found: Evidence, _terms: Terms) -> Verdict | None:
    if found.lock is None:
        return None
    until, why = found.lock
    return defer(Reason.CONVERSATION_LOCKED, until, f"A conversation with the account is open until {until:%Y-%m-%d} "
                                                    f"({why}); its owner or the meeting can release it.")


def is_outside_window(found: Evidence, _terms: Terms) -> Verdict | None:
    if found.opening <= found.at:
        return None
    return defer(Reason.OUTSIDE_WINDOW, found.opening,
                 f"It is outside the sending window; the next opening is {found.opening:%Y-%m-%d %H:%M} UTC. "
                 "The campaign's window sets it.")


def is_over_account_cap(found: Evidence, terms: Terms) -> Verdict | None:
    if not terms.is_capped:
        return None
    return refuse("account", found.account_limits, found.account_used, terms.points, found.at)


def is_over_person_cap(found: Evidence, terms: Terms) -> Verdict | None:
    return None if not terms.is_capped else refuse("person", terms.person_limits, found.person_used, 1, found.at)


# In this order; the first that speaks decides.
RULES: tuple[tuple[str, Rule], ...] = (
    ("The campaign is going on", is_cancelled),
    ("The person is still on their way through it", has_ended),
    ("Nothing is held against writing to the person", is_objected_to),
    ("The account is not held out", is_held_out),
    ("No condition of the step says no", meets_condition),
    ("It has not waited too long", is_too_old),
    ("Nothing is paused", is_paused),
    ("Nobody is in conversation with the account", is_locked),
    ("The window is open", is_outside_window),
    ("The account has touches left", is_over_account_cap),
    ("The person has touches left", is_over_person_cap),
)


def decide(found: Evidence, terms: Terms) -> Verdict:
    """The first rule that speaks; ALLOWED when none does. A deferral's moment is not yet brought into the window."""
    for _name, rule in RULES:
        verdict = rule(found, terms)
        if verdict is not None:
            return verdict
    return ALLOWED


def explain(found: Evidence, terms: Terms) -> list[tuple[str, Verdict | None]]:
    """Every rule with what it says; None where it has nothing against the touch."""
    return [(name, rule(found, terms)) for name, rule in RULES]
