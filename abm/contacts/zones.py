"""Which time zone a person lives in, when nobody said so."""

from functools import lru_cache
from importlib.resources import files
from zoneinfo import available_timezones

# Countries with several zones: the one that most of their people live in. The others are read from the tz database.
MOST_POPULOUS = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo",
    "CA": "America/Toronto", "CD": "Africa/Kinshasa", "CL": "America/Santiago", "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil", "ES": "Europe/Madrid",
    "FM": "Pacific/Chuuk", "GL": "America/Nuuk", "ID": "Asia/Jakarta", "KI": "Pacific/Tarawa", "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro", "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City", "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland", "PF": "Pacific/Tahiti", "PG": "Pacific/Port_Moresby", "PS": "Asia/Hebron",
    "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "US": "America/New_York",
    "UZ": "Asia/Tashkent", "VN": "Asia/Ho_Chi_Minh",
}


@lru_cache(maxsize=4_096)
def zone_of_person(*, own: str | None, country: str | None, account: str | None, company: str) -> str:
    """The person's zone: their own, else their country's, else the account's, else the company's; an IANA name."""
    known = _known_zones()
    if own in known:
        return str(own)
    return zone_of_country(country) or (str(account) if account in known else company)


@lru_cache(maxsize=4_096)
def zone_of_account(*, own: str | None, country: str | None, company: str) -> str:
    """The account's zone: its own, else its country's, else the company's."""
    return str(own) if own in _known_zones() else zone_of_country(country) or company


def zone_of_country(code: str | None) -> str | None:
    """The zone of an ISO country code; None for text that is not one."""
    return _zones_by_country().get((code or "").upper())


@lru_cache(maxsize=1)
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1)
def _zones_by_country() -> dict[str, str]:
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    zones: dict[str, str] = {}
    for line in table.splitlines():
        if line and not line.startswith("#"):
            code, _place, zone = line.split("\t")[:3]
            zones.setdefault(code, zone)
    return {**zones, **MOST_POPULOUS}
