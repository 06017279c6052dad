"""When the steps of a whole sequence are due, each counted from the end of the one before, on the person's clock."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from campaigns.definition import Delay, Window, parse
from campaigns.due_times import DueTimes
from campaigns.facts import RunFacts
from campaigns.outside import Policy, Recipient
from tests.campaigns.campaign_factory import make_raw

POLICY = Policy(
    zone="Europe/Berlin", country="DE", working_days=("mon", "tue", "wed", "thu", "fri"), working_from=time(9),
    working_to=time(17), account_points_7_days=0, account_points_30_days=0, person_touches_7_days=0,
    person_touches_30_days=0, lock_days_after_reply=14, channel_points={}, channel_costs={}, is_sending_paused=False)
PERSON = Recipient(
    contact_id=1, account_id=1, email="a@example.com", phone=None, country="DE", zone="Europe/Berlin", account_zone="",
    language="", lawful_basis="consent", tier="", is_active=True)
NIGHT = Window(days=("sun",), opens=time(2), closes=time(2, 59))


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def chain(start: str, *delays: Delay, zone: str = "Europe/Berlin", country: str = "DE",
          window: Window | None = None) -> list[str]:
    """When each step is due when all end at once, on the person's clock."""
    definition = replace(parse(make_raw(window=None)), window=window)
    due = DueTimes(RunFacts(1, 1, "c", 1, "marketing", 5, False, definition), POLICY)
    person, at, found = replace(PERSON, zone=zone, country=country), local(start, zone), []
    for delay in delays:
        at = due.due_at(delay, at, person)
        found.append(f"{at.astimezone(ZoneInfo(zone)):%a %m-%d %H:%M}")
    return found


D, W = (lambda amount: Delay(amount, "days")), (lambda amount: Delay(amount, "working days"))
H = lambda amount: Delay(amount, "hours")  # noqa: E731 - a row of a table is read at a glance


@pytest.mark.parametrize(
    ("start", "delays", "more", "expected"),
    [
        # Monday 18:00 is after hours: two days of waiting lead to Wednesday's evening, so to Thursday morning
        ("2026-03-09T18:00", [D(2)], {}, ["Thu 03-12 09:00"]),
        ("2026-03-12T18:00", [D(2)], {}, ["Mon 03-16 09:00"]),  # never a Saturday
        ("2026-03-12T10:00", [D(2), D(0)], {}, ["Mon 03-16 09:00", "Mon 03-16 09:00"]),
        ("2026-03-13T16:00", [H(3), H(3)], {}, ["Mon 03-16 09:00", "Mon 03-16 12:00"]),
        ("2026-03-12T10:00", [W(2), W(1)], {}, ["Mon 03-16 10:00", "Tue 03-17 10:00"]),
        # Good Friday and Easter Monday 2026 are 3 and 6 April in Germany; France works on Good Friday
        ("2026-04-02T10:00", [W(1)], {}, ["Tue 04-07 10:00"]),
        ("2026-04-02T10:00", [W(1)], {"zone": "Europe/Paris", "country": "FR"}, ["Fri 04-03 10:00"]),
        ("2026-04-02T10:00", [D(1)], {}, ["Tue 04-07 09:00"]),
        ("2026-07-02T12:00", [W(1)], {"zone": "America/New_York", "country": "US"}, ["Mon 07-06 12:00"]),
        # the clock goes forward on 29 March at 2:00 and back on 25 October at 3:00
        ("2026-03-22T02:30", [D(7)], {"window": NIGHT}, ["Sun 03-29 03:30"]),
        ("2026-03-22T02:30", [D(7), D(7)], {"window": NIGHT}, ["Sun 03-29 03:30", "Sun 04-12 02:00"]),
        ("2026-10-18T02:30", [D(7), D(7)], {"window": NIGHT}, ["Sun 10-25 02:30", "Sun 11-01 02:30"]),
        ("2026-03-27T10:00", [D(3)], {}, ["Mon 03-30 10:00"]),  # the same time of day across the change
    ],
)
def test_a_sequence_keeps_to_the_persons_calendar(
    start: str, delays: list[Delay], more: dict[str, Any], expected: list[str]
) -> None:
    assert chain(start, *delays, **more) == expected
