"""What a queued message waits for, as a sentence on the recipient's clock."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from campaigns.schedule import Hours
from campaigns.waits import Wait, say_hours, say_wait

WEEK = frozenset(range(5))


def waiting(now: str, due: str, *, zone: str, country: str, skip_holidays: bool = True) -> Wait:
    hours = Hours(WEEK, time(9), time(17), skip_holidays=skip_holidays)
    moments = [datetime.fromisoformat(one).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for one in (now, due)]
    return say_wait(moments[1], at=moments[0], hours=hours, zone=zone, country=country)


def test_a_holiday_that_holds_a_message_up_is_named() -> None:
    found = waiting("2026-11-26T10:00", "2026-11-27T09:00", zone="America/Los_Angeles", country="US")
    assert found == Wait("outside_window", (
        "It leaves when the sending window opens: Friday 27 November 2026, 09:00 in America/Los Angeles. The window is "
        "Mon to Fri, 09:00 to 17:00. Thursday 26 November 2026 is a public holiday there (Thanksgiving Day)."))


@pytest.mark.parametrize(("now", "due", "reason", "words"), [
    ("2026-11-27T18:00", "2026-11-30T09:00", "outside_window", "Monday 30 November 2026, 09:00 in Asia/Tokyo"),
    ("2026-11-27T05:00", "2026-11-27T09:00", "outside_window", "Friday 27 November 2026, 09:00"),
    ("2026-11-27T10:00", "2026-12-01T10:30", "", "leaves Tuesday 1 December 2026, 10:30 in Asia/Tokyo"),
])
def test_the_window_is_told_from_a_step_whose_time_has_not_come(now: str, due: str, reason: str, words: str) -> None:
    found = waiting(now, due, zone="Asia/Tokyo", country="JP")
    assert (found.reason, words in found.detail, "holiday" in found.detail) == (reason, True, False)


def test_holidays_that_do_not_count_are_not_told() -> None:
    found = waiting("2026-12-25T18:00", "2026-12-28T09:00", zone="Europe/Berlin", country="DE", skip_holidays=False)
    assert "holiday" not in found.detail


@pytest.mark.parametrize(("days", "words"), [
    (range(5), "Mon to Fri"), (range(7), "every day"), ((0, 2, 4), "Mon, Wed, Fri"), ((1, 2), "Tue, Wed"),
    ((6,), "Sun"),
])
def test_hours_are_said_in_words(days: tuple[int, ...], words: str) -> None:
    assert say_hours(Hours(frozenset(days), time(8, 30), time(12))) == f"{words}, 08:30 to 12:00"
