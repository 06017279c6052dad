"""What a dry run says: lines by account and day, and their sums."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from campaigns.states import Channel

GOES, DEFERRED, BLOCKED = "goes", "deferred", "blocked"


@dataclass(frozen=True, slots=True)
class Line:
    """One account on one day of the company's calendar: what becomes of a step there, for how many people."""

    day: date
    account_id: int
    step: str
    channel: str
    outcome: str
    reason: str


Lines = Counter[Line]


@dataclass
class Day:
    """A day's sums over all accounts, in people; `reasons` of those deferred and blocked."""

    outcomes: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    cost: Decimal = Decimal(0)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, line: Line, people: int, each: Decimal) -> None:
        self.outcomes[line.outcome] += people
        if line.outcome == GOES:
            self.calls += people if line.channel == Channel.CALL else 0
            self.cost += people * each
        if line.reason:
            self.reasons[line.reason] += people


@dataclass
class DryRun:
    """Sums by day of the company's calendar. `finishes_at`: when the last of all touches would be made, also after the
    days asked for; None when there is none, or none within FARTHEST."""

    first: date
    days: int
    until: datetime
    by_day: dict[date, Day] = field(default_factory=lambda: defaultdict(Day))
    finishes_at: datetime | None = None

    @property
    def finishes_within(self) -> bool:
        """Whether the last touch lies within the days asked for."""
        return self.finishes_at is not None and self.finishes_at < self.until

    def totals(self) -> list[dict[str, Any]]:
        """Per day with anything on it: day, goes, deferred, blocked, calls, cost and the reasons."""
        return [{"day": day.isoformat(), **{one: sums.outcomes[one] for one in (GOES, DEFERRED, BLOCKED)},
                 "calls": sums.calls, "cost": float(sums.cost), "reasons": dict(sums.reasons)}
                for day, sums in sorted(self.by_day.items())]
