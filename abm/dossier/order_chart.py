"""An account's orders as bars with the next expected order and today; the title is what they show. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960.0, 200.0, 64.0, 28.0, 28.0
_MOST_BARS = 36


@dataclass(frozen=True)
class Bar:
    """A calendar period: its first day, its end (exclusive) and its value."""

    start: date
    end: date
    value: float

    def label(self, months: int) -> str:
        if months == 1:
            return f"{self.start:%b %Y}"
        return f"Q{(self.start.month - 1) // 3 + 1} {self.start.year}" if months == 3 else str(self.start.year)


@dataclass(frozen=True)
class OrderChart:
    """`expected_on` is the last order plus the median gap, known from three order days on; `months` per bar;
    `is_past`: `today` is an earlier day, the last of which orders are known."""

    title: str
    bars: Sequence[Bar]
    months: int
    today: date
    expected_on: date | None
    last_on: date
    is_past: bool = False

    @property
    def top(self) -> float:
        return max((bar.value for bar in self.bars), default=0.0) or 1.0

    def x(self, day: date) -> float:
        """Where a day lies on the drawing."""
        start, end = self.bars[0].start, self.bars[-1].end
        return LEFT + (WIDTH - LEFT) * (day - start).days / max((end - start).days, 1)

    def height(self, value: float) -> float:
        return (HEIGHT - BOTTOM - TOP) * value / self.top


def draw_orders(days: Sequence[tuple[date, float]], *, today: date, is_past: bool = False) -> OrderChart | None:
    """The chart of (order day, value) in the order of days; None without orders. `is_past`: see OrderChart."""
    own = [(day, value) for day, value in days if day <= today]
    if not own:
        return None
    gaps = [(later - earlier).days for (earlier, _), (later, _) in pairwise(own)]
    gap = median(gaps) if len(own) >= 3 else None
    expected = own[-1][0] + timedelta(days=round(gap)) if gap is not None else None
    until = max(today, expected) if expected and expected <= today + timedelta(days=366) else today
    months = _months_per_bar(own[0][0], until)
    bars = _bars(own, months, until)
    return OrderChart(_finding(own, gap, today, is_past), bars, months, today,
                      expected if expected and expected < bars[-1].end else None, own[-1][0], is_past)


def _months_per_bar(first: date, until: date) -> int:
    months = (until.year - first.year) * 12 + until.month - first.month + 1
    return next((each for each in (1, 3, 12) if months / each <= _MOST_BARS - 1), 12)


def _bars(days: Sequence[tuple[date, float]], months: int, until: date) -> list[Bar]:
    bars, start, place = [], _start_of(days[0][0], months), 0
    while start <= until:
        end, value = _later(start, months), 0.0
        while place < len(days) and days[place][0] < end:
            value += days[place][1]
            place += 1
        bars.append(Bar(start, end, value))
        start = end
    return bars


def _start_of(day: date, months: int) -> date:
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _later(start: date, months: int) -> date:
    number = start.year * 12 + start.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def _finding(days: Sequence[tuple[date, float]], gap: float | None, today: date, is_past: bool) -> str:
    last_on = days[-1][0]
    since = (today - last_on).days
    ago = "today" if since == 0 else f"{since} {'day' if since == 1 else 'days'} ago"
    if is_past:
        ago = f"on {last_on.day} {last_on:%b %Y}"
    if gap is None:
        return f"{len(days)} order {'day' if len(days) == 1 else 'days'} so far, the last {ago}: too few for a rhythm"
    year = sum(value for day, value in days if day > today - timedelta(days=365))
    before = sum(value for day, value in days if today - timedelta(days=730) < day <= today - timedelta(days=365))
    pace = f"Orders about every {gap:.0f} days, the last {ago}"
    if gap > 0 and since > 2 * gap:
        return f"{pace}: {since / gap:.1f} times its usual gap"
    if before <= 0:
        return pace
    change = year / before - 1
    return f"{pace}; 12 months {abs(change):.0%} {'above' if change >= 0 else 'below'} the year before"
