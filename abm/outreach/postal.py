"""Where a letter goes: the address block of a person, from the account's own and custom fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.queries import get_company
from abm.contacts.models import Contact
from core.id_lists import is_among

# Custom fields that hold parts of an address, under whatever name the source system has for them.
STREET = ("street", "address", "street_address", "address_line_1", "postal_address")
MORE = ("address_line_2", "street_2")
POSTCODE = ("postcode", "postal_code", "zip", "zip_code")
CODE_BEHIND_CITY = ("US", "CA", "AU", "GB", "IE", "NZ", "IN", "SG", "JP")


def get_postal_addresses(session: Session, contact_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """By contact id the lines of the address block; who has no street and city on file is missing."""
    home = get_company(session).country
    rows = session.execute(
        select(Contact.id, Contact.first_name, Contact.last_name, Contact.custom, Account.name, Account.city,
               Account.region, Account.country, Account.custom.label("account_custom"))
        .join(Account, Account.id == Contact.account_id).where(is_among(Contact.id, contact_ids)))
    found = {}
    for row in rows:
        person = " ".join(part for part in (row.first_name, row.last_name) if part)
        place = {"city": row.city or "", "region": row.region or "", "country": row.country or ""}
        lines = address_lines(person, row.name, {**(row.account_custom or {}), **_own(row.custom)}, place, home=home)
        if lines:
            found[row.id] = lines
    return found


def _own(custom: Mapping[str, Any] | None) -> dict[str, Any]:
    """Somebody's own address goes before their company's."""
    own = custom or {}
    return dict(own) if _first(own, STREET) else {}


def address_lines(person: str, company: str, custom: Mapping[str, Any], place: Mapping[str, str], *,
                  home: str) -> tuple[str, ...]:
    """Company, person, street, place; the country in capitals when it is not `home`. Empty without street and city."""
    street, city = _first(custom, STREET), _first(custom, ("city",)) or place["city"]
    if not street or not city:
        return ()
    country, code = place["country"], _first(custom, POSTCODE)
    behind = [city, place["region"], code] if country.upper() in CODE_BEHIND_CITY else [code, city]
    abroad = _country_name(country).upper() if country and country.upper() != home.upper() else ""
    parts = [company, person, *street.splitlines(), _first(custom, MORE), " ".join(filter(None, behind)), abroad]
    return tuple(line.strip()[:80] for line in parts if line and line.strip())


def _first(custom: Mapping[str, Any], names: Sequence[str]) -> str:
    lowered = {str(name).casefold().replace(" ", "_"): value for name, value in custom.items()}
    return next((str(lowered[name]).strip() for name in names if lowered.get(name)), "")


def _country_name(country: str) -> str:
    import pycountry

    found = pycountry.countries.get(alpha_2=country.upper()) if len(country) == 2 else None
    return str(found.name) if found else country
