"""Does one more touch fit a budget? Pure rules on what was used in the last 7 and 30 times 24 hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from campaigns.states import Reason
from campaigns.verdict import Verdict, defer

SHORT, LONG = timedelta(days=7), timedelta(days=30)
_UNITS = {"account": "points", "person": "touches"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be used in 7 and in 30 days; 0 means any number."""

    short: int = 0
    long: int = 0

    @property
    def is_set(self) -> bool:
        return bool(self.short or self.long)


class Used(NamedTuple):
    """What one account or person has used up, and when its oldest touch in each window happened."""

    short: int = 0
    long: int = 0
    oldest_short: datetime | None = None
    oldest_long: datetime | None = None

    def plus(self, amount: int, at: datetime) -> "Used":
        return Used(self.short + amount, self.long + amount, self.oldest_short or at, self.oldest_long or at)


NO_LIMITS, NOTHING = Limits(), Used()


def refuse(scope: str, limits: Limits, used: Used, amount: int, at: datetime) -> Verdict | None:
    """A deferral to the moment when the oldest touch of the exceeded window falls out of it; None when it fits."""
    windows = ((limits.short, used.short, used.oldest_short, SHORT), (limits.long, used.long, used.oldest_long, LONG))
    for limit, spent, oldest, window in windows:
        if limit and spent + amount > limit:
            detail = (f"The {scope} has used {spent} of {limit} {_UNITS[scope]} in {window.days} days and this needs "
                      f"{amount}; an admin can raise the cap or approve the campaign as exempt.")
            return defer(Reason.OVER_CAP, (oldest or at) + window, detail)
    return None
