"""What a source's file says: where the rows are, how to page through them, how their columns are matched. Pure.

    source: shop-orders
    title: Orders of the web shop
    kind: orders
    every: 1 hour                  # left out: only when asked
    sql: {url: "postgresql://reader@db.example.com/shop", query: "SELECT …"}
    json: {url: "https://…", items: data.orders, next: links.next}       # or one of the two: sql, json
    mapping: {columns: {…}}        # as in a mapping file
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from core.errors import InvalidInput

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
_EVERY = re.compile(r"([1-9][0-9]{0,3}) (minute|hour|day)s?")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_KEYS = {"source", "title", "kind", "every", "sql", "json", "mapping"}
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
_FORBIDDEN_HEADERS = {"host", "content-length", "transfer-encoding", "connection", "authorization"}


@dataclass(frozen=True)
class Definition:
    name: str
    title: str
    kind: str
    every_minutes: int
    content: dict[str, Any]


def read_definition(text: str) -> Definition:
    """Raises InvalidInput with a sentence per field."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise InvalidInput(f"This is not valid YAML{where}", {"yaml": f"This is not valid YAML{where}"}) from error
    if not isinstance(found, dict):
        raise InvalidInput("A source's file begins with source: NAME", {"yaml": "It begins with source: NAME"})
    return check_definition(found)


def check_definition(found: Mapping[str, Any]) -> Definition:
    """Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    for key in found.keys() - _KEYS:
        errors[str(key)] = f"there is no {key}; there are {', '.join(sorted(_KEYS))}"
    name = str(found.get("source", ""))
    if not _NAME.fullmatch(name):
        errors["source"] = "a name of small letters, digits and -"
    minutes = _minutes(found.get("every"), errors)
    ways = [way for way in ("sql", "json") if found.get(way)]
    if len(ways) != 1:
        errors["sql"] = "give either sql or json"
    else:
        _CHECKS[ways[0]](found[ways[0]], errors)
    if errors:
        raise InvalidInput("; ".join(f"{field}: {error}" for field, error in errors.items()), errors)
    content = {way: found[way] for way in ways}
    return Definition(
        name, str(found.get("title") or name)[:200], str(found.get("kind", "")), minutes,
        {**content, "mapping": found.get("mapping") or {}},
    )


def _minutes(every: object, errors: dict[str, str]) -> int:
    if every in (None, "", "never"):
        return 0
    found = _EVERY.fullmatch(str(every).strip())
    minutes = int(found[1]) * _MINUTES[found[2]] if found else 0
    if not 5 <= minutes <= 31 * 1440:
        errors["every"] = "such as 15 minutes, 1 hour or 1 day; from 5 minutes to 31 days"
    return minutes


def _check_sql(way: Any, errors: dict[str, str]) -> None:
    if not isinstance(way, dict) or not isinstance(way.get("url"), str) or not isinstance(way.get("query"), str):
        errors["sql"] = "url and query must be given"
        return
    if not way["url"].startswith(("postgresql://", "sqlite:///")):
        errors["sql"] = "the url begins with postgresql:// or sqlite:///"
    elif re.match(r"postgresql://[^/@]*:[^/@]*@", way["url"]):
        errors["sql"] = "leave the password out of the url; give it as the secret"
    query = way["query"].strip().removesuffix(";")
    if ";" in query:
        errors["query"] = "one query, without a semicolon in it"
    elif not re.match(r"(?:--[^\n]*\n|\s)*(select|with|values|table)\b", query, re.IGNORECASE):
        errors["query"] = "a query that reads: it begins with SELECT, WITH or VALUES"


def _check_json(way: Any, errors: dict[str, str]) -> None:
    if not isinstance(way, dict) or not isinstance(way.get("url"), str):
        errors["json"] = "url must be given"
        return
    if unknown := way.keys() - {"url", "items", "next", "headers", "secret_header"}:
        errors["json"] = f"there is no {', '.join(map(str, unknown))}"
    headers = {**(way.get("headers") or {}), **({way["secret_header"]: ""} if way.get("secret_header") else {})}
    for name, value in headers.items():
        is_plain = _HEADER.fullmatch(str(name)) and str(value).isprintable() and str(value).isascii()
        if not is_plain or (str(name).lower() in _FORBIDDEN_HEADERS):
            errors["headers"] = f"the header {str(name)[:40]!r} cannot be sent"
    paging = way.get("next")
    if paging is not None and not _is_paging(paging):
        errors["next"] = "a place such as links.next, `header`, {page: page}, or {cursor: meta.next, as: cursor}"


def _is_paging(paging: Any) -> bool:
    if isinstance(paging, str):
        return bool(paging)
    if not isinstance(paging, dict):
        return False
    is_page = set(paging) <= {"page", "from"} and isinstance(paging.get("page"), str)
    return (is_page and isinstance(paging.get("from", 1), int)) or set(paging) == {"cursor", "as"}


_CHECKS = {"sql": _check_sql, "json": _check_json}
