"""A sender's limits in a simulation: what is used up on each of its days, and when there is room again."""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from campaigns.sending.ramp import day_limit
from campaigns.sending.routes import Route

_FARTHEST = 3_650


@dataclass
class SenderDays:
    """Counts messages by day of the company's calendar. Nobody else is assumed to send, beyond what `used` says."""

    route: Route
    zone: ZoneInfo
    used: Counter[date] = field(default_factory=Counter)
    domains: Counter[tuple[date, str]] = field(default_factory=Counter)
    first_room: dict[Hashable, date] = field(default_factory=dict)
    free_at: datetime | None = None

    @property
    def keeps_no_turns(self) -> bool:
        """Nobody has to wait for others."""
        return not (self.is_limited or self.route.per_second)

    @property
    def is_limited(self) -> bool:
        return self.route.is_limited_by_day or bool(self.route.per_domain_day)

    def find_wait(self, at: datetime, *, promised: date | None, domain: str,
                  opening: Callable[[datetime], datetime], calendar: Hashable) -> datetime | None:
        """None: there is room on that day, and it is taken. Else when it is the message's turn; its place that day is
        kept, and `promised` says so when it comes back.

        `opening` gives the first moment its window is open from a moment on, and `calendar` names the window, so that
        days which are known to be full are not tried again.
        """
        if not self.is_limited:
            return None
        day = self.day_of(at)
        if promised == day or self._take(day, domain):
            return None
        waiting = (calendar, domain if self.route.per_domain_day else "")
        trying = max(day + timedelta(days=1), self.first_room.get(waiting, date.min))
        for _ in range(_FARTHEST):
            turn = opening(datetime.combine(trying, time(), self.zone))
            if self._take(self.day_of(turn), domain):
                self.first_room[waiting] = trying
                return turn
            trying = self.day_of(turn) + timedelta(days=1)
        return datetime.combine(trying, time(), self.zone)

    def hand_over(self, at: datetime) -> datetime:
        """When the message really leaves, at so many per second."""
        if not self.route.per_second:
            return at
        leaves = max(at, self.free_at or at)
        self.free_at = leaves + timedelta(seconds=1 / self.route.per_second)
        return leaves

    def _take(self, day: date, domain: str) -> bool:
        limit = day_limit(self.route.per_day, self.route.warm_up, day)
        if limit and self.used[day] >= limit:
            return False
        if self.route.per_domain_day and self.domains[day, domain] >= self.route.per_domain_day:
            return False
        self.used[day] += 1
        if self.route.per_domain_day:
            self.domains[day, domain] += 1
        return True

    def day_of(self, at: datetime) -> date:
        """The day of the company's calendar."""
        return at.astimezone(self.zone).date()
