"""What a call can end with, and what follows from it."""

from datetime import date, timedelta

OUTCOMES = {
    "reached": "Reached",
    "not_reached": "Not reached",
    "call_back": "Call back on a day",
    "order": "Reached, and ordered",
    "meeting": "Reached, and a meeting is agreed",
    "not_interested": "Reached, not interested",
    "wrong_number": "Wrong number",
}

SENTIMENTS = {"good": "Well disposed", "neutral": "Neutral", "bad": "Annoyed"}

STAYS_OPEN = frozenset({"call_back"})
TALKED = frozenset({"reached", "call_back", "order", "meeting", "not_interested"})
TRIES = 3
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def next_try(*, tries: int, today: date, working_days: tuple[str, ...]) -> date | None:
    """When to try again after the `tries`-th time nobody was reached: the next working day; None after the third."""
    if tries >= TRIES or not working_days:
        return None
    day = today + timedelta(days=1)
    while _WEEKDAYS[day.weekday()] not in working_days:
        day += timedelta(days=1)
    return day
