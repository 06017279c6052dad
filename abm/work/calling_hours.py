"""When somebody may be called: the company's working hours on the person's own clock, without their holidays."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from abm.company.policy import Company
from abm.contacts.zones import zone_of_account, zone_of_person
from campaigns.definition_values import DAYS
from campaigns.schedule import Hours, next_opening


class Clock(NamedTuple):
    """What decides when a person works: their own zone, their account's zone and country, as on file."""

    own_zone: str | None = None
    account_zone: str | None = None
    country: str | None = None


def hours_of(company: Company) -> Hours:
    return Hours(frozenset(DAYS.index(day) for day in company.working_days), company.working_from, company.working_to)


def zone_of(clock: Clock, company: Company) -> str:
    """The IANA name of the zone whose clock counts: the person's own, else what is on file of the account, else its
    country's, else the company's."""
    where = zone_of_account(own=clock.account_zone, country=clock.country, company=company.timezone)
    return zone_of_person(own=clock.own_zone, country=None, account=None, company=where)


def opening_of(clock: Clock, company: Company, at: datetime) -> datetime:
    """`at` itself when the person works then, else the first moment (UTC) at which they do."""
    return next_opening(hours_of(company), zone_of(clock, company), at, clock.country or "")


def closed_clocks(clocks: Iterable[Clock], company: Company, at: datetime) -> dict[Clock, datetime]:
    """Of these clocks those on which nobody works at this moment, with the moment (UTC) at which they do again."""
    openings = {clock: opening_of(clock, company, at) for clock in clocks}
    return {clock: opening for clock, opening in openings.items() if opening > at}


def moment_of(day: date, at: time, zone: str) -> datetime:
    """A day and time on that zone's clock as a moment (UTC)."""
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
