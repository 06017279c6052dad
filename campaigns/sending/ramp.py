"""How many messages an identity may send on a day. Pure: the day is an argument."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A new sender starts with `first` messages on `from_day` and grows by `growth` percent a day."""

    from_day: date
    first: int
    growth: int

    def limit_on(self, day: date) -> int:
        """The most for that day; before the first day as on the first."""
        days = max((day - self.from_day).days, 0)
        return min(int(self.first * (1 + self.growth / 100) ** min(days, 365)), 10**9)


def day_limit(per_day: int, warm_up: WarmUp | None, day: date) -> int:
    """The smaller of the identity's own limit and the warm-up's; 0 means no limit."""
    limits = [per_day] if per_day else []
    if warm_up is not None:
        limits.append(max(warm_up.limit_on(day), 1))
    return min(limits, default=0)


def days_until(per_day: int, warm_up: WarmUp | None, *, messages: int, day: date) -> int:
    """How many days `messages` take from `day` on at these limits; 1 when they fit into the first."""
    days, left = 0, messages
    while left > 0 and days < 3_650:
        limit = day_limit(per_day, warm_up, date.fromordinal(day.toordinal() + days))
        days += 1
        left = 0 if not limit else left - limit
    return max(days, 1)
