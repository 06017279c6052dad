"""Rows from a JSON endpoint, page by page: a next link, a page number, or a cursor."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from campaigns.channels.guarded_request import Answer, ask
from core.errors import Refused

MOST_PAGES = 10_000
_MOST_DEPTH = 20
_MISSING = object()


def read_pages(way: Mapping[str, Any], secret: str) -> Iterator[list[dict[str, Any]]]:
    """The items of each page as flat rows. Raises Refused with a sentence that quotes nothing of the answer's body."""
    url: str | None = _first(way)
    seen: set[str] = set()
    paging = way.get("next")
    number = int(paging.get("from", 1)) if isinstance(paging, dict) else 1
    while url is not None:
        if url in seen or len(seen) >= MOST_PAGES:
            raise Refused("The endpoint's pages never end: one of them leads to a page that was read already")
        seen.add(url)
        answer = ask(url, headers=_headers(way, secret))
        content = _content(answer)
        items = _items(content, way.get("items"))
        if items:
            yield [flatten(item) for item in items]
        number += 1
        url = _next(url, way, answer, content, items, number)


def _first(way: Mapping[str, Any]) -> str:
    paging = way.get("next")
    if isinstance(paging, dict) and "page" in paging:
        return _with(way["url"], paging["page"], str(paging.get("from", 1)))
    return str(way["url"])


def _headers(way: Mapping[str, Any], secret: str) -> dict[str, str]:
    headers = {"Accept": "application/json", **{str(k): str(v) for k, v in (way.get("headers") or {}).items()}}
    if secret:
        name = way.get("secret_header")
        headers[name or "Authorization"] = secret if name else f"Bearer {secret}"
    return headers


def _content(answer: Answer) -> Any:
    if 300 <= answer.status < 400:
        raise Refused("The endpoint sends us on to another address; give that one as url")
    if answer.status in (401, 403):
        raise Refused(f"The endpoint does not let us in (status {answer.status}); check the secret")
    if answer.status != 200:
        raise Refused(f"The endpoint answers with status {answer.status}")
    try:
        return json.loads(answer.body, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise Refused("The endpoint's answer is not JSON") from error


def _items(content: Any, path: str | None) -> list[Any]:
    found = _at(content, path) if path else content
    if not isinstance(found, list):
        raise Refused(f"The answer has no list at {path!r}" if path else "The answer is no list; say where it is")
    if not all(isinstance(item, dict) for item in found):
        raise Refused("The list does not hold objects")
    return found


def _next(
    url: str, way: Mapping[str, Any], answer: Answer, content: Any, items: list[Any], number: int
) -> str | None:
    paging = way.get("next")
    if paging is None:
        return None
    if paging == "header":
        return _same_place(url, _link_header(answer.headers.get("link", "")))
    if isinstance(paging, str):
        found = _at(content, paging)
        return _same_place(url, found if isinstance(found, str) else "")
    if "page" in paging:
        return _with(url, paging["page"], str(number)) if items else None
    cursor = _at(content, paging["cursor"])
    is_given = isinstance(cursor, str | int) and cursor not in ("", False)
    return _with(url, paging["as"], str(cursor)) if is_given else None


def _link_header(text: str) -> str:
    for part in text.split(","):
        address, _, rest = part.partition(";")
        if 'rel="next"' in rest or "rel=next" in rest:
            return address.strip().strip("<>")
    return ""


def _same_place(url: str, following: str) -> str | None:
    """The next page's address. The secret goes with it, so it must not lead to another host."""
    if not following:
        return None
    found = urljoin(url, following)
    if urlsplit(found)[:2] != urlsplit(url)[:2]:
        raise Refused("The next page's address leads to another host; it was not followed")
    return found


def _with(url: str, name: str, value: str) -> str:
    parts = urlsplit(url)
    query = [(key, text) for key, text in parse_qsl(parts.query, keep_blank_values=True) if key != name]
    return parts._replace(query=urlencode([*query, (name, value)])).geturl()


def _at(content: Any, path: str) -> Any:
    for name in path.split("."):
        content = content.get(name, _MISSING) if isinstance(content, dict) else _MISSING
    return content


def flatten(item: Mapping[str, Any], before: str = "", depth: int = 0) -> dict[str, Any]:
    """Nested objects as columns with points (`customer.id`), lists as JSON text."""
    row: dict[str, Any] = {}
    for name, value in item.items():
        if isinstance(value, dict) and depth < _MOST_DEPTH:
            row.update(flatten(value, f"{before}{name}.", depth + 1))
        else:
            row[f"{before}{name}"] = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
    return row
