"""What a call can end with, and what follows from it."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from campaigns.schedule import Hours, add_working_days, next_opening

OUTCOMES = {
    "reached": "Reached",
    "not_reached": "Not reached",
    "call_back": "Call back at a time",
    "order": "Reached, and ordered",
    "meeting": "Reached, and a meeting is agreed",
    "not_interested": "Reached, not interested",
    "wrong_number": "Wrong number",
}

SENTIMENTS = {"good": "Well disposed", "neutral": "Neutral", "bad": "Annoyed"}

STAYS_OPEN = frozenset({"call_back"})
TALKED = frozenset({"reached", "call_back", "order", "meeting", "not_interested"})
TRIES = 3


_NOON, _MORNING, _AFTERNOON = time(12, 30), time(9, 30), time(14)


def next_try(*, tries: int, at: datetime, hours: Hours, zone: str, country: str = "") -> datetime | None:
    """When to try again after the `tries`-th time nobody was reached; None after the third.

    The person's next working day at another time of day: in the afternoon after a try in the morning, and the other way
    round, as their own clock says; where their hours lack that time, when they open.
    """
    if tries >= TRIES:
        return None
    local = at.astimezone(ZoneInfo(zone))
    wanted = _AFTERNOON if local.time() < _NOON else _MORNING
    day = add_working_days(local.date(), 1, hours.weekdays, country)
    at_that_time, at_midnight = (
        datetime.combine(day, hour, ZoneInfo(zone)).astimezone(UTC) for hour in (wanted, time()))
    opening = next_opening(hours, zone, at_that_time, country)
    is_same_day = opening.astimezone(ZoneInfo(zone)).date() == day
    return opening if is_same_day else next_opening(hours, zone, at_midnight, country)
