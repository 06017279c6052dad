"""Days in rules: a fixed day, or one counted from today ("180 days ago", "in 2 weeks", "yesterday")."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_UNITS = {"day": 1, "week": 7}
_AGO = re.compile(r"(\d{1,5}) (day|week|month|year)s? ago", re.IGNORECASE)
_AHEAD = re.compile(r"in (\d{1,5}) (day|week|month|year)s?", re.IGNORECASE)
_NAMED = {"today": 0, "yesterday": -1, "tomorrow": 1}
_LONGEST_YEARS = 200
_FIRST_YEAR, _LAST_YEAR = 1800, 2300


@dataclass(frozen=True, slots=True)
class Day:
    """A day as a rule says it. Either `fixed`, or `amount` units from today (negative: in the past)."""

    fixed: date | None = None
    amount: int = 0
    unit: str = "day"

    def on(self, today: date) -> date:
        """The day meant, counted from `today`; a month's missing day becomes its last one."""
        if self.fixed is not None:
            return self.fixed
        if self.unit in _UNITS:
            return today + timedelta(days=self.amount * _UNITS[self.unit])
        months = self.amount * (12 if self.unit == "year" else 1) + today.year * 12 + today.month - 1
        year, month = divmod(months, 12)
        return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1]))

    def __str__(self) -> str:
        """The form in which files say it; `parse_day` reads it back."""
        if self.fixed is not None:
            return self.fixed.isoformat()
        if self.unit == "day" and self.amount in _NAMED.values():
            return next(name for name, days in _NAMED.items() if days == self.amount)
        count = abs(self.amount)
        counted = f"{count} {self.unit}{'' if count == 1 else 's'}"
        return f"{counted} ago" if self.amount < 0 else f"in {counted}"


def parse_day(text: str) -> Day | None:
    """The day that `text` says, None when it says none or one more than 200 years away."""
    words = " ".join(text.split()).casefold()
    if words in _NAMED:
        return Day(amount=_NAMED[words])
    for pattern, sign in ((_AGO, -1), (_AHEAD, 1)):
        if found := pattern.fullmatch(words):
            return _counted(sign * int(found[1]), found[2])
    try:
        fixed = date.fromisoformat(words) if re.fullmatch(r"\d{4}-\d\d-\d\d", words) else None
    except ValueError:
        return None
    return Day(fixed=fixed) if fixed and _FIRST_YEAR <= fixed.year <= _LAST_YEAR else None


def _counted(amount: int, unit: str) -> Day | None:
    per_year = {"day": 365, "week": 52, "month": 12, "year": 1}[unit]
    if abs(amount) > _LONGEST_YEARS * per_year:
        return None
    return Day(amount=amount, unit="day" if amount == 0 else unit)
