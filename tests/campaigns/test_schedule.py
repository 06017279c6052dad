from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.definition import Delay, Window
from campaigns.schedule import (
    Hours,
    add_working_days,
    after,
    is_open,
    next_opening,
    working_deadline,
    zone_of,
)

WEEK = frozenset(range(5))
DAILY = frozenset(range(7))
OFFICE = Hours(WEEK, time(9), time(17), skip_holidays=False)
SLA = Hours(WEEK, time(10), time(18))


def local(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-03-11T12:00", "2026-03-11T12:00"),  # Wednesday noon: open
        ("2026-03-11T08:59", "2026-03-11T09:00"),
        ("2026-03-11T17:00:59", "2026-03-11T17:00:59"),  # the closing minute is included
        ("2026-03-11T17:01", "2026-03-12T09:00"),
        ("2026-03-13T17:01", "2026-03-16T09:00"),  # Friday evening
        ("2026-03-14T12:00", "2026-03-16T09:00"),  # Saturday
        ("2026-12-31T23:00", "2027-01-01T09:00"),  # year end; holidays count only where asked for
    ],
)
def test_the_next_opening_is_inside_the_window(moment: str, opening: str) -> None:
    assert next_opening(OFFICE, "Europe/Berlin", local(moment)) == local(opening)


def test_holidays_are_skipped_by_country() -> None:
    hours = Hours(WEEK, time(9), time(17), skip_holidays=True)
    assert next_opening(hours, "Europe/Berlin", local("2026-12-24T18:00"), "DE") == local("2026-12-28T09:00")
    assert next_opening(hours, "Europe/Berlin", local("2026-12-24T18:00"), "Nowhere") == local("2026-12-25T09:00")


def test_hours_that_cross_midnight_belong_to_the_day_they_open() -> None:
    night = Hours(frozenset({0}), time(22), time(6))
    assert is_open(night, "Europe/Berlin", local("2026-03-17T05:30"))  # Tuesday morning of Monday's night
    assert next_opening(night, "Europe/Berlin", local("2026-03-17T06:01")) == local("2026-03-23T22:00")


def test_the_recipients_clock_counts_and_not_ours() -> None:
    at = datetime(2026, 3, 11, 8, 30, tzinfo=UTC)
    assert next_opening(OFFICE, "Asia/Tokyo", at) == datetime(2026, 3, 12, 0, tzinfo=UTC)  # 17:30 there
    assert next_opening(OFFICE, "Europe/Berlin", at) == at


@pytest.mark.parametrize(
    ("rule", "zones", "zone"),
    [
        ("recipient", ("Asia/Tokyo", "Europe/Paris"), "Asia/Tokyo"),
        ("recipient", ("", "Europe/Paris"), "Europe/Paris"),
        ("recipient", ("", ""), "UTC"),
        ("account", ("Asia/Tokyo", "Europe/Paris"), "Europe/Paris"),
        ("account", ("Asia/Tokyo", ""), "UTC"),
        ("company", ("Asia/Tokyo", "Europe/Paris"), "UTC"),
        ("America/Lima", ("Asia/Tokyo", "Europe/Paris"), "America/Lima"),
    ],
)
def test_a_person_without_a_zone_has_the_accounts_and_then_the_companys(
    rule: str, zones: tuple[str, str], zone: str
) -> None:
    assert zone_of(Window(zone=rule), recipient=zones[0], account=zones[1], company="UTC") == zone


def test_what_falls_into_the_missing_hour_goes_right_after_it_once() -> None:
    gap = Hours(DAILY, time(2, 15), time(2, 45))
    opening = next_opening(gap, "Europe/Berlin", local("2026-03-29T00:00"))
    assert opening.astimezone(ZoneInfo("Europe/Berlin")).isoformat() == "2026-03-29T03:15:00+02:00"
    assert is_open(gap, "Europe/Berlin", opening)
    assert next_opening(gap, "Europe/Berlin", opening + timedelta(minutes=31)) == local("2026-03-30T02:15")


def test_a_window_that_is_all_in_the_missing_hour_still_opens_that_day() -> None:
    gap = Hours(DAILY, time(2), time(2, 59))
    opening = next_opening(gap, "Europe/Berlin", local("2026-03-29T00:00"))
    assert opening.astimezone(ZoneInfo("Europe/Berlin")).date() == date(2026, 3, 29)


def test_the_doubled_hour_opens_once() -> None:
    doubled = Hours(DAILY, time(2, 15), time(2, 45))
    assert next_opening(doubled, "Europe/Berlin", local("2026-10-25T00:00")) == local("2026-10-25T02:15")
    second_pass = local("2026-10-25T02:20", fold=1)
    assert next_opening(doubled, "Europe/Berlin", second_pass) == local("2026-10-26T02:15")


@pytest.mark.parametrize(
    ("delay", "moment", "due"),
    [
        (Delay(2, "days"), "2026-03-09T18:00", "2026-03-11T18:00"),
        (Delay(1, "days"), "2026-03-28T12:00", "2026-03-29T12:00"),  # 23 hours over the spring change
        (Delay(24, "hours"), "2026-03-28T12:00", "2026-03-29T13:00"),
        (Delay(1, "days"), "2026-03-28T02:30", "2026-03-29T03:30"),  # 02:30 does not exist there
        (Delay(1, "weeks"), "2024-02-22T10:00", "2024-02-29T10:00"),
        (Delay(3, "working days"), "2026-03-13T10:00", "2026-03-18T10:00"),
        (Delay(1, "working days"), "2026-03-14T10:00", "2026-03-16T10:00"),
        (Delay(0, "days"), "2026-03-14T10:00", "2026-03-14T10:00"),
    ],
)
def test_a_delay_counts_on_the_persons_calendar(delay: Delay, moment: str, due: str) -> None:
    assert after(delay, local(moment), zone="Europe/Berlin", weekdays=WEEK) == local(due)


def test_working_days_leave_out_holidays() -> None:
    assert add_working_days(date(2026, 12, 23), 2, WEEK, "DE") == date(2026, 12, 28)


def test_monday_evening_plus_two_days_never_lands_on_a_saturday() -> None:
    monday = datetime(2026, 1, 5, 18, tzinfo=ZoneInfo("Europe/Berlin"))
    for week in range(60):
        due = after(Delay(2, "days"), monday + timedelta(weeks=week), zone="Europe/Berlin", weekdays=WEEK)
        opening = next_opening(OFFICE, "Europe/Berlin", due).astimezone(ZoneInfo("Europe/Berlin"))
        assert opening.weekday() in (2, 3)


@pytest.mark.parametrize(
    ("start", "days", "hours", "end"),
    [
        ("2026-03-11T15:00", 0, 10, "2026-03-12T17:00"),
        ("2026-03-11T20:00", 0, 10, "2026-03-13T12:00"),
        ("2026-03-11T15:00", 1, 10, "2026-03-13T17:00"),
        ("2026-03-13T17:00", 0, 2, "2026-03-16T11:00"),  # over the weekend
        ("2026-03-13T15:00", 1, 0, "2026-03-16T15:00"),
    ],
)
def test_the_sla_clock_counts_working_time_only(start: str, days: int, hours: int, end: str) -> None:
    found = working_deadline(local(start), days=days, hours=hours, calendar=SLA, zone="Europe/Berlin")
    assert found == local(end)


zones = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/Santiago",
    ]
)
moments = st.datetimes(datetime(2023, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
hours = st.builds(
    Hours,
    st.frozensets(st.integers(0, 6), min_size=1),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.booleans(),
)


@settings(max_examples=200, deadline=None)
@given(hours=hours, zone=zones, moment=moments)
def test_an_opening_is_never_early_and_is_itself_open(hours: Hours, zone: str, moment: datetime) -> None:
    opening = next_opening(hours, zone, moment, "US")
    assert opening >= moment
    assert is_open(hours, zone, opening, "US")


@settings(max_examples=200, deadline=None)
@given(zone=zones, moment=moments, amount=st.integers(1, 30), unit=st.sampled_from(["hours", "days", "working days"]))
def test_a_delay_never_ends_before_it_begins(zone: str, moment: datetime, amount: int, unit: str) -> None:
    due = after(Delay(amount, unit), moment, zone=zone, weekdays=WEEK, country="US")
    assert due > moment
    if unit == "working days":
        assert due.astimezone(ZoneInfo(zone)).weekday() < 5
