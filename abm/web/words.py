"""One map of state, word, colour and sign over the whole product, and the glossary's short explanations."""

from typing import NamedTuple


class Chip(NamedTuple):
    word: str
    colour: str
    sign: str


_DRAFT, _WAITING, _RUNNING, _DONE, _STOPPED, _DOUBT = "secondary", "yellow", "blue", "green", "red", "purple"

CHIPS: dict[str, Chip] = {
    "draft": Chip("Draft", _DRAFT, "pencil"),
    "planned": Chip("Planned", _DRAFT, "calendar-event"),
    "approved": Chip("Approved", _WAITING, "check"),
    "waiting": Chip("Waiting", _WAITING, "clock"),
    "open": Chip("Open", _WAITING, "clock"),
    "queued": Chip("Queued", _WAITING, "clock"),
    "deferred": Chip("Deferred", _WAITING, "clock"),
    "offered": Chip("Offered", _RUNNING, "gift"),
    "running": Chip("Running", _RUNNING, "player-play"),
    "planning": Chip("Planning", _RUNNING, "player-play"),
    "active": Chip("Active", _DONE, "check"),
    "claimed": Chip("Being sent", _RUNNING, "send"),
    "rendered": Chip("Being sent", _RUNNING, "send"),
    "handing": Chip("Being handed over", _RUNNING, "send"),
    "paused": Chip("Paused", _WAITING, "player-pause"),
    "finished": Chip("Finished", _DONE, "check"),
    "done": Chip("Done", _DONE, "check"),
    "sent": Chip("Sent", _DONE, "mail"),
    "delivered": Chip("Delivered", _DONE, "mail"),
    "won_back": Chip("Won back", _DONE, "heart-handshake"),
    "closed": Chip("Closed", _DONE, "check"),
    "cancelled": Chip("Cancelled", _STOPPED, "ban"),
    "refused": Chip("Refused", _STOPPED, "ban"),
    "failed": Chip("Failed", _STOPPED, "alert-triangle"),
    "failed_render": Chip("Value missing", _STOPPED, "alert-triangle"),
    "failed_permanent": Chip("Refused by server", _STOPPED, "alert-triangle"),
    "failed_temporary": Chip("Gave up", _STOPPED, "alert-triangle"),
    "quarantined": Chip("Quarantined", _STOPPED, "alert-triangle"),
    "bounced_soft": Chip("Bounced (soft)", _STOPPED, "mail"),
    "bounced_hard": Chip("Bounced", _STOPPED, "mail"),
    "complained": Chip("Complained", _STOPPED, "alert-triangle"),
    "suppressed": Chip("Left out", _DRAFT, "ban"),
    "expired": Chip("Expired", _DRAFT, "clock"),
    "dropped": Chip("Dropped", _DRAFT, "x"),
    "let_go": Chip("Let go", _DRAFT, "x"),
    "unknown": Chip("In doubt", _DOUBT, "info-circle"),
    "unknown_final": Chip("In doubt", _DOUBT, "info-circle"),
    "stopped": Chip("Stopped", _STOPPED, "ban"),
    "slowing": Chip("Slowing", _WAITING, "clock"),
    "lapsed": Chip("Lapsed", _STOPPED, "alert-triangle"),
    "won": Chip("Won", _DONE, "check"),
    "lost": Chip("Lost", _STOPPED, "x"),
    "withdrawn": Chip("Withdrawn", _DRAFT, "x"),
    "static": Chip("By hand", _DRAFT, "list-details"),
    "dynamic": Chip("By rules", _RUNNING, "filter"),
}

EXPLAIN: dict[str, str] = {
    "ABC": "A: the accounts that bring the first 80 % of value, B up to 95 %, C the rest",
    "XYZ": "How regular the demand is: X steady, Y varying, Z irregular",
    "RFM": "Recency, frequency and monetary value, each scored 1 to 5",
    "rhythm": "Days since the last order against the account's own median gap between orders",
    "P(alive)": "The BG/NBD model's probability that the account will order again",
    "holdout": "Accounts left alone on purpose, so that the effect can be measured",
    "suppressed": "Not written to, for the reason shown",
    "lawful basis": "Why we may write to this person: consent, contract or legitimate interest",
    "overdue ratio": "Days since the last order divided by the account's own expected gap",
    "Gini": "0: all accounts are equal; 1: one account brings everything",
    "CV": "Standard deviation of the periods divided by their mean",
}


def chip(state: str) -> Chip:
    """Word, colour and sign of a state; a state that is not in the map is shown as it is, in grey."""
    return CHIPS.get(state, Chip(state.replace("_", " ").capitalize(), _DRAFT, "info-circle"))
