"""The sample company's files, made from Northwind's: dates moved to the present, what Northwind lacks added."""

import csv
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

SOURCE = Path(__file__).parent / "sample_company"
SALES = ("nancy.davolio@example.com", "robert.king@example.com")
_EUROPE = {
    "Austria",
    "Belgium",
    "Denmark",
    "Finland",
    "France",
    "Germany",
    "Ireland",
    "Italy",
    "Norway",
    "Poland",
    "Portugal",
    "Spain",
    "Sweden",
    "Switzerland",
    "UK",
}
_LANGUAGES = {
    "Germany": "de",
    "Austria": "de",
    "Switzerland": "de",
    "France": "fr",
    "Belgium": "fr",
    "Spain": "es",
    "Mexico": "es",
    "Argentina": "es",
    "Venezuela": "es",
    "Brazil": "pt",
    "Portugal": "pt",
    "Italy": "it",
}
_ZONES = {
    "Argentina": "America/Argentina/Buenos_Aires",
    "Austria": "Europe/Vienna",
    "Belgium": "Europe/Brussels",
    "Brazil": "America/Sao_Paulo",
    "Canada": "America/Toronto",
    "Denmark": "Europe/Copenhagen",
    "Finland": "Europe/Helsinki",
    "France": "Europe/Paris",
    "Germany": "Europe/Berlin",
    "Ireland": "Europe/Dublin",
    "Italy": "Europe/Rome",
    "Mexico": "America/Mexico_City",
    "Norway": "Europe/Oslo",
    "Poland": "Europe/Warsaw",
    "Portugal": "Europe/Lisbon",
    "Spain": "Europe/Madrid",
    "Sweden": "Europe/Stockholm",
    "Switzerland": "Europe/Zurich",
    "UK": "Europe/London",
    "USA": "America/Los_Angeles",
    "Venezuela": "America/Caracas",
}
_ASKS_CONSENT = {"Germany", "Austria", "Canada"}
_INDUSTRIES = {
    "Restaurants": ("rest", "gastro", "cactus", "comidas", "chop", "bistro", "kiste", "pizza", "taquer", "meal"),
    "Wholesale": ("import", "handel", "com", "trad", "export", "vin", "distrib", "export"),
    "Food retail": ("mar", "store", "super", "shop", "grocer", "bodega", "laden", "stop", "lebens"),
}
_SIZES = {"1": 220, "2": 70, "3": 8}
_SOURCES = ("trade press", "fair", "referral", "database", "advertisement")
# Sites and subsidiaries, over two levels.
_PARENTS = {"GREAL": "SAVEA", "LETSS": "SAVEA", "HUNGC": "SAVEA", "LAZYK": "HUNGC", "TRAIH": "LETSS", "PICCO": "ERNSH"}
_ROLES = (
    ("owner", "decision_maker"),
    ("sales manager", "decision_maker"),
    ("marketing manager", "champion"),
    ("accounting", "economic_buyer"),
    ("administrator", "gatekeeper"),
    ("assistant", "gatekeeper"),
    ("agent", "user"),
    ("representative", "user"),
    ("associate", "influencer"),
)


# Columns that become custom fields: letters go to these.
CUSTOM = {"accounts": ("street", "postcode")}


def write_sample_files(folder: Path, *, last_order_on: date) -> dict[str, Path]:
    """Write accounts, contacts, products, orders and order-lines with canonical headers; the path of each kind."""
    accounts, orders, lines = (list(_rows(name)) for name in ("accounts", "orders", "order_lines"))
    countries = {row["account_id"]: row["country"] for row in accounts}
    return {
        "accounts": _write(folder / "accounts.csv", _accounts(accounts, _tiers(orders))),
        "contacts": _write(folder / "contacts.csv", _contacts(countries, last_order_on)),
        "products": _write(folder / "products.csv", _products(lines)),
        "orders": _write(folder / "orders.csv", _orders(orders, last_order_on)),
        "order-lines": _write(folder / "order-lines.csv", _lines(lines)),
    }


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (SOURCE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _write(path: Path, rows: Iterator[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        first = next(rows)
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)
    return path


def _tiers(orders: list[dict[str, str]]) -> dict[str, str]:
    """Tier 1: the fifth of the accounts that buys most, tier 2: the next three tenths, tier 3: the rest."""
    revenue: dict[str, Decimal] = {}
    for row in orders:
        revenue[row["account_id"]] = revenue.get(row["account_id"], Decimal(0)) + Decimal(row["order_total"])
    ranked = sorted(revenue, key=lambda account: -revenue[account])
    first, second = len(ranked) // 5, len(ranked) // 2
    return {account: "1" if place < first else "2" if place < second else "3" for place, account in enumerate(ranked)}


def _accounts(rows: list[dict[str, str]], tiers: dict[str, str]) -> Iterator[dict[str, str]]:
    for row in rows:
        yield {
            "account_id": row["account_id"],
            "name": row["company_name"],
            "country": row["country"],
            "region": row["region"],
            "city": row["city"],
            "street": row["address"],
            "postcode": row["postal_code"],
            "tier": tiers.get(row["account_id"], "3"),
            "industry": _industry(row["company_name"]),
            "employees": str(_SIZES[tiers.get(row["account_id"], "3")] + _number(row["account_id"]) % 40),
            "parent_id": _PARENTS.get(row["account_id"], ""),
            "source": _SOURCES[_number(row["account_id"]) % len(_SOURCES)],
            "owner_email": SALES[0] if row["country"] in _EUROPE else SALES[1],
        }


def _industry(name: str) -> str:
    """Northwind says nothing of its customers' trade; their names do."""
    words = name.casefold()
    return next((industry for industry, marks in _INDUSTRIES.items() if any(mark in words for mark in marks)),
                "Delicatessen")


def _number(account_id: str) -> int:
    return sum(place * ord(sign) for place, sign in enumerate(account_id, start=1))


def _contacts(countries: dict[str, str], last_order_on: date) -> Iterator[dict[str, str]]:
    taken: set[str] = set()
    for number, row in enumerate(_rows("contacts")):
        first, _, last = row["contact_name"].partition(" ")
        country = countries[row["account_id"]]
        basis = "legitimate_interest"
        if country in _ASKS_CONSENT:
            basis = "consent" if number % 3 else "none"
        yield {
            "contact_id": row["contact_id"],
            "account_id": row["account_id"],
            "first_name": first,
            "last_name": last,
            "email": _address(first, last, taken),
            "phone": row["phone"],
            "title": row["job_title"],
            "buying_role": _role(row["job_title"]),
            "language": _LANGUAGES.get(country, "en"),
            "timezone": _ZONES.get(country, "UTC"),
            "lawful_basis": basis,
            "basis_source": "sample: customer of long standing"
            if basis == "legitimate_interest"
            else "sample: fair visit",
            "basis_at": (last_order_on - timedelta(days=200)).isoformat(),
        }


def _address(first: str, last: str, taken: set[str]) -> str:
    """An address of our own making at example.com, which is reserved and belongs to nobody (RFC 2606)."""
    folded = unicodedata.normalize("NFKD", f"{first}.{last}".casefold().replace("ø", "o"))
    local = "".join(sign for sign in folded.replace(" ", ".") if sign.isascii() and (sign.isalnum() or sign in ".-"))
    address, number = f"{local}@example.com", 2
    while address in taken:
        address, number = f"{local}{number}@example.com", number + 1
    taken.add(address)
    return address


def _role(title: str) -> str:
    return next((role for word, role in _ROLES if word in title.casefold()), "user")


def _products(lines: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Each product once, at the price of its last order line."""
    for row in {line["product_id"]: line for line in lines}.values():
        yield {
            "sku": row["product_id"],
            "name": row["product_name"],
            "category": row["category_name"],
            "price": row["unit_price"],
            "available": "yes",
        }


def _orders(rows: list[dict[str, str]], last_order_on: date) -> Iterator[dict[str, str]]:
    days = {row["order_date"]: date.fromisoformat(row["order_date"]) for row in rows}
    shift = last_order_on - max(days.values())
    for row in rows:
        yield {
            "order_id": row["order_id"],
            "account_id": row["account_id"],
            "ordered_on": (days[row["order_date"]] + shift).isoformat(),
            "amount": row["order_total"],
        }


def _lines(rows: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    for row in rows:
        yield {
            "order_id": row["order_id"],
            "sku": row["product_id"],
            "quantity": row["quantity"],
            "unit_price": row["unit_price"],
            "discount": row["discount"],
            "amount": row["line_total"],
        }
