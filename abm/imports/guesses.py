"""Guessing which column of a file is meant by which canonical one, from the names in its header. Pure."""

from collections.abc import Collection, Sequence
from hashlib import sha256

from rapidfuzz import fuzz, process

from abm.imports.layout import Layout
from abm.imports.mapping import plain_name

_SURE_ENOUGH = 88
_ALSO = {
    "account_id": ("customer_id", "client_id", "company_id", "customer_no", "customer_number", "account_number"),
    "name": (
        "company_name",
        "company",
        "account_name",
        "customer",
        "client",
        "organisation",
        "organization",
        "product_name",
    ),
    "domain": ("website", "web_site", "url", "homepage", "web"),
    "industry": ("sector", "branch", "vertical"),
    "employees": ("employee_count", "number_of_employees", "headcount", "staff"),
    "annual_revenue": ("revenue", "turnover", "sales_volume"),
    "country": ("country_code", "office_location", "land"),
    "region": ("state", "province", "county"),
    "city": ("town", "place"),
    "parent_id": ("parent", "parent_account", "subsidiary_of", "parent_account_id"),
    "owner_email": ("owner", "account_owner", "account_manager", "sales_rep_email"),
    "contact_id": ("person_id", "contact_no"),
    "first_name": ("given_name", "forename", "vorname"),
    "last_name": ("surname", "family_name", "nachname"),
    "email": ("e-mail", "email_address", "e-mail_address", "mail"),
    "phone": ("telephone", "phone_number", "tel", "mobile"),
    "title": ("job_title", "position", "function"),
    "buying_role": ("role",),
    "timezone": ("time_zone", "tz"),
    "order_id": ("order_no", "order_number", "invoice_no", "invoice_number", "opportunity_id"),
    "ordered_on": ("order_date", "date", "invoice_date", "ordered_at", "close_date"),
    "amount": ("order_total", "total", "net_amount", "line_total", "value", "close_value"),
    "margin": ("profit", "gross_margin", "contribution"),
    "sku": ("product_id", "article_no", "article_number", "item_id", "product_code"),
    "product": ("product_name", "article", "item"),
    "category": ("category_name", "product_group", "group"),
    "unit_price": ("price", "price_each"),
    "quantity": ("qty", "units"),
    "line": ("line_no", "line_number", "position"),
}
_COMPANY = ("company", "company_name", "account_name", "account", "customer", "client", "organisation", "organization",
            "firma", "employer")


def guess_columns(header: Sequence[str], layout: Layout) -> dict[str, str]:
    """Canonical name -> header name: the same name, a usual other name, then the most alike; each column once."""
    free = {plain_name(name): name for name in header if name.strip()}
    guessed: dict[str, str] = {}
    for names_of in (lambda name: (name,), lambda name: _ALSO.get(name, ())):
        for name in layout.names:
            found = next((plain for plain in names_of(name) if plain in free), None)
            if name not in guessed and found is not None:
                guessed[name] = free.pop(found)
    for name in layout.names:
        best = process.extractOne(name, list(free), scorer=fuzz.token_sort_ratio, score_cutoff=_SURE_ENOUGH)
        if name not in guessed and best:
            guessed[name] = free.pop(best[0])
    return guessed


def guess_company(header: Sequence[str], used: Collection[str] = ()) -> str:
    """The column of a file of people that names their company; empty where none does."""
    free = {plain_name(name): name for name in header if name.strip() and name not in used}
    return next((free[name] for name in _COMPANY if name in free), "")


def header_digest(header: Sequence[str]) -> str:
    """What a remembered mapping is found by: the same names in the same order."""
    return sha256("\x1f".join(plain_name(name) for name in header).encode("utf-8", "surrogatepass")).hexdigest()
