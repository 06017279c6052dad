"""When a step may be carried out: windows, working days, holidays. Pure: time is an argument, moments are aware.

Days are civil days of the person's zone. A window's day is an interval of real time from its opening to its closing,
so that a clock change cannot lose or double it: what falls in the missing hour comes right after it, once; what falls
in the doubled hour comes in its first pass, once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from campaigns.definition_values import DAYS, Delay, Window
from campaigns.outside import Policy

_LOOK_AHEAD_DAYS = 400
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekdays (0: Monday), opening and closing (its minute included); `closes` before `opens` crosses midnight."""

    weekdays: frozenset[int]
    opens: time
    closes: time
    skip_holidays: bool = True


def weekdays_of(days: tuple[str, ...]) -> frozenset[int]:
    """Numbers of day names; no names at all mean every day."""
    return frozenset(DAYS.index(day) for day in days) or frozenset(range(7))


def company_hours(policy: Policy) -> Hours:
    """The company's working hours, holidays skipped. `working_to` is a closing minute like a window's `to`."""
    return Hours(weekdays_of(policy.working_days), policy.working_from, policy.working_to)


def hours_of(window: Window | None, policy: Policy) -> Hours:
    """The hours of a campaign: what the window leaves out is the company's."""
    company = company_hours(policy)
    if window is None:
        return company
    return Hours(weekdays_of(window.days) if window.days else company.weekdays, window.opens or company.opens,
                 window.closes or company.closes, window.skip_holidays)


def zone_of(window: Window | None, *, recipient: str, account: str, company: str) -> str:
    """Whose clock counts: recipient (else account, else company), account, company, or the zone that is named."""
    rule = window.zone if window else "recipient"
    if rule == "recipient":
        return recipient or account or company
    if rule == "account":
        return account or company
    return company if rule == "company" else rule


def is_open(hours: Hours, zone: str, moment: datetime, country: str = "") -> bool:
    return next_opening(hours, zone, moment, country) == moment


def next_opening(hours: Hours, zone: str, moment: datetime, country: str = "") -> datetime:
    """`moment` itself when it lies inside the hours, else the first moment (UTC) that does."""
    clock = ZoneInfo(zone)
    first_day = moment.astimezone(clock).date() - timedelta(days=1)
    for opening, closing in _openings(hours, clock, first_day, country):
        if closing > moment:
            return max(opening, moment)
    return moment


def _openings(hours: Hours, clock: ZoneInfo, first_day: date, country: str) -> Iterator[tuple[datetime, datetime]]:
    """Real intervals, closing excluded, day by day. Without any within a year (only holidays) there are none."""
    for distance in range(_LOOK_AHEAD_DAYS):
        day = first_day + timedelta(days=distance)
        if is_working_day(day, hours.weekdays, country if hours.skip_holidays else ""):
            last_day = day if hours.closes >= hours.opens else day + timedelta(days=1)
            yield _real_interval(datetime.combine(day, hours.opens), datetime.combine(last_day, hours.closes), clock)


def _real_interval(opens: datetime, closes: datetime, clock: ZoneInfo) -> tuple[datetime, datetime]:
    """The interval in UTC; one that the missing hour swallowed keeps its length after it."""
    length = closes + _MINUTE - opens
    opening, closing = (local.replace(tzinfo=clock).astimezone(UTC) for local in (opens, closes + _MINUTE))
    return opening, closing if closing > opening else opening + length


def is_working_day(day: date, weekdays: frozenset[int], country: str = "") -> bool:
    return day.weekday() in weekdays and not (country and day in holidays_of(country, day.year))


@lru_cache(maxsize=512)
def holidays_of(country: str, year: int) -> frozenset[date]:
    """Public holidays of an ISO country; none for text that is not one."""
    return frozenset(_named_holidays(country, year))


def holiday_name(country: str, day: date) -> str:
    """What the country's public holiday of that day is called, in English where that is known; empty for none."""
    return _named_holidays(country, day.year).get(day, "") if country else ""


@lru_cache(maxsize=512)
def _named_holidays(country: str, year: int) -> Mapping[date, str]:
    import holidays

    try:
        return dict(holidays.country_holidays(country.upper(), years=year, language="en_US"))
    except (NotImplementedError, KeyError):
        return {}


def after(delay: Delay, moment: datetime, *, zone: str, weekdays: frozenset[int], country: str = "") -> datetime:
    """The moment (UTC) that lies `delay` after `moment`.

    Minutes and hours are real time. Days, weeks and working days keep the time of day on the zone's clock; working days
    count `weekdays` that are no holiday of `country`.
    """
    if delay.unit in ("minutes", "hours"):
        # In UTC first: Python adds to a zoned moment on its clock face, not in real time.
        return moment.astimezone(UTC) + timedelta(**{delay.unit: delay.amount})
    local = moment.astimezone(ZoneInfo(zone))
    if delay.amount == 0:
        return moment.astimezone(UTC)
    if delay.unit == "working days":
        day = add_working_days(local.date(), delay.amount, weekdays, country)
    else:
        day = local.date() + timedelta(days=delay.amount * (7 if delay.unit == "weeks" else 1))
    return datetime.combine(day, local.time().replace(fold=0), ZoneInfo(zone)).astimezone(UTC)


def add_working_days(day: date, amount: int, weekdays: frozenset[int], country: str = "") -> date:
    """The `amount`-th working day after `day`; `day` itself does not count."""
    left, limit = amount, day + timedelta(days=amount * 7 + _LOOK_AHEAD_DAYS)
    while left and day < limit:
        day += timedelta(days=1)
        left -= is_working_day(day, weekdays, country)
    return day


def working_deadline(moment: datetime, *, days: int = 0, hours: int = 0, calendar: Hours, zone: str,
                     country: str = "") -> datetime:
    """When an SLA clock runs out that counts working time only (UTC).

    It starts at the first working moment. A day is 24 hours from there to the same time of the next working day; hours
    are spent inside the working hours, whose closing is an end here (10 to 18 is eight hours).
    """
    clock = ZoneInfo(zone)
    shut = Hours(calendar.weekdays, calendar.opens, _minute_before(calendar.closes), calendar.skip_holidays)
    start = next_opening(shut, zone, moment, country)
    counted = country if shut.skip_holidays else ""
    local = start.astimezone(clock)
    day = add_working_days(local.date(), days, shut.weekdays, counted)
    start = datetime.combine(day, local.time().replace(fold=0), clock).astimezone(UTC)
    left = timedelta(hours=hours)
    for opening, closing in _openings(shut, clock, day - timedelta(days=1), country):
        begin = max(opening, start)
        if closing > begin:
            if begin + left <= closing:
                return begin + left
            left -= closing - begin
    return start


def _minute_before(moment: time) -> time:
    return (datetime.combine(date(2000, 1, 2), moment) - _MINUTE).time()
