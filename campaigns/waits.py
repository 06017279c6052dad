"""What a queued message waits for, in words of the recipient's clock. Pure: moments are arguments."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.definition_values import DAYS
from campaigns.schedule import Hours, holiday_name, is_open
from campaigns.states import Reason

_INSTANT = timedelta(seconds=1)
_MOST_HOLIDAYS = 3


@dataclass(frozen=True, slots=True)
class Wait:
    """A reason of the glossary (empty: only its own time has not come) with a sentence that says until when."""

    reason: str
    detail: str


def say_wait(due: datetime, *, at: datetime, hours: Hours, zone: str, country: str) -> Wait:
    """Why something that is due at `due` is not sent `at` an earlier moment."""
    until = say_moment(due, zone)
    if not is_open(hours, zone, due - _INSTANT, country):
        shut = "".join(f" {one}" for one in _holidays_between(at, due, hours, zone, country))
        return Wait(Reason.OUTSIDE_WINDOW, f"It leaves when the sending window opens: {until}. "
                                           f"The window is {say_hours(hours)}.{shut}")
    return Wait("", f"Its time has not come: it leaves {until}.")


def say_moment(moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    place = "UTC" if zone == "UTC" else f"in {zone.replace('_', ' ')}"
    return f"{_say_day(local.date())}, {local:%H:%M} {place}"


def say_hours(hours: Hours) -> str:
    """`Mon to Fri, 09:00 to 17:00`"""
    return f"{_say_weekdays(sorted(hours.weekdays))}, {hours.opens:%H:%M} to {hours.closes:%H:%M}"


def _say_weekdays(days: Sequence[int]) -> str:
    names = [DAYS[day].capitalize() for day in days]
    if len(names) == len(DAYS):
        return "every day"
    is_row = len(names) > 2 and days[-1] - days[0] == len(names) - 1
    return f"{names[0]} to {names[-1]}" if is_row else ", ".join(names)


def _holidays_between(at: datetime, due: datetime, hours: Hours, zone: str, country: str) -> Iterator[str]:
    """A sentence for each public holiday that would else have been a day of the window."""
    if not hours.skip_holidays:
        return
    clock, told = ZoneInfo(zone), 0
    day, last = at.astimezone(clock).date(), due.astimezone(clock).date()
    while day < last and told < _MOST_HOLIDAYS:
        if day.weekday() in hours.weekdays and (name := holiday_name(country, day)):
            told += 1
            yield f"{_say_day(day)} is a public holiday there ({name})."
        day += timedelta(days=1)


def _say_day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def say_now(at: datetime, zone: str) -> str:
    """`05:30 on Friday 25 December 2026`, as clocks in the zone show it."""
    local = at.astimezone(UTC).astimezone(ZoneInfo(zone))
    return f"{local:%H:%M} on {_say_day(local.date())}"
