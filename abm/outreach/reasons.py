"""The engine's reasons as sentences for people."""

from abm.work.outcomes import OUTCOMES
from abm.work.visit_steps import OUTCOMES as VISIT_OUTCOMES
from campaigns.states import Reason

_SENTENCES: dict[str, str] = {
    Reason.NO_ADDRESS: "No address or number on file",
    Reason.NO_BASIS: "No lawful basis on file",
    Reason.CONSENT_NEEDED: "The country asks for consent first",
    Reason.CONSENT_EXPIRED: "The implied consent has expired",
    Reason.SUPPRESSED: "On the suppression list",
    Reason.UNSUBSCRIBED: "Unsubscribed",
    Reason.SAME_MAILBOX: "Another person of the campaign has the same mailbox",
    Reason.HELD_OUT: "Held out, to measure the effect",
    Reason.CONVERSATION_LOCKED: "Somebody is in conversation with the account",
    Reason.LEFT_COMPANY: "Has left the company",
    Reason.NO_LONGER_MATCHES: "No longer matches the list or the offer",
    Reason.OVER_CAP: "Over a frequency cap",
    Reason.OUTSIDE_WINDOW: "Outside the working hours, or on a holiday",
    Reason.MISSING_VALUE: "A value that the message needs is missing",
    Reason.BAD_ADDRESS: "The address cannot be written to",
    Reason.REPLIED: "Replied",
    Reason.CLICKED: "Clicked",
    Reason.ORDERED: "Ordered",
    Reason.MET: "Met",
    Reason.OPTED_OUT: "Opted out",
    Reason.COMPLAINED: "Complained",
    Reason.HARD_BOUNCE: "The mailbox does not exist",
    Reason.CALL_NOT_DONE: "The call was not made in time",
    Reason.LETTER_NOT_POSTED: "The letter was not posted in time",
    Reason.VISIT_NOT_DONE: "The visit was not made in time",
    Reason.EARLIER_WAVE: "Somebody of an earlier wave answered",
    Reason.EXCLUSIVE_ELSEWHERE: "Another campaign has the account to itself",
    Reason.BEEN_BEFORE: "Took part before; the re-entry rule says no",
    Reason.MOVED: "Moved to a newer version",
    Reason.CONDITION: "A condition of the step was met",
    Reason.CAMPAIGN_CANCELLED: "The campaign was cancelled",
    Reason.ERASED: "The person was erased",
    Reason.WAITED_TOO_LONG: "Waited too long for its turn",
    Reason.RESENT: "In doubt, and sent again by a person",
    Reason.SENDING_LIMIT: "The sender's limit for now is used up",
    Reason.SENDER_PAUSED: "The sender's relay or provider is left alone for a while",
    Reason.NO_WAY_OUT: "The sender's relay or provider did not let us in",
    Reason.NOT_TAKEN: "Not taken yet, it is tried again",
    Reason.REFUSED: "Refused by the other side",
    Reason.GIVEN_UP: "Not taken for 24 hours, so it was given up",
}


# How a person said that a call or a visit ended.
_ENDINGS = {**{f"call_{name}": f"Call: {words[:1].lower()}{words[1:]}" for name, words in OUTCOMES.items()},
            **{f"visit_{name}": f"Visit: {words[:1].lower()}{words[1:]}" for name, words in VISIT_OUTCOMES.items()}}


def explain_reason(reason: str | None) -> str:
    """A sentence for a reason; one that is not in the glossary is shown as it is, nothing for none."""
    return "" if not reason else _SENTENCES.get(reason) or _ENDINGS.get(reason, reason.replace("_", " ").capitalize())
