"""The form of a source: fields for the usual, YAML text for the mapping."""

from collections.abc import Mapping
from typing import Any

import yaml

from abm.integrations.definition import Definition, check_definition
from abm.integrations.models import Source
from core.errors import InvalidInput

WAYS = (("sql", "A database, by a query"), ("json", "A JSON endpoint"))
PAGING = (
    ("", "One page only"),
    ("link", "A link to the next page in the answer"),
    ("header", "A Link header"),
    ("page", "Page numbers"),
    ("cursor", "A cursor"),
)
EVERY = (("", "Only when asked"), ("15 minutes", "Every 15 minutes"), ("1 hour", "Every hour"),
         ("6 hours", "Every 6 hours"), ("1 day", "Every day"), ("7 days", "Every week"))


def parse_source(form: Mapping[str, str]) -> tuple[Definition, str | None]:
    """The definition and the secret (None: keep the stored one). Raises InvalidInput with a sentence per field."""
    try:
        mapping = yaml.safe_load(form.get("mapping") or "") or {}
    except yaml.YAMLError as error:
        raise InvalidInput("The mapping is not valid YAML", {"mapping": "This is not valid YAML"}) from error
    found: dict[str, Any] = {"source": form.get("source", "").strip(), "title": form.get("title", "").strip(),
                             "kind": form.get("kind"), "every": form.get("every"), "mapping": mapping}
    if form.get("way") == "sql":
        found["sql"] = {"url": form.get("url", "").strip(), "query": form.get("query", "")}
    else:
        found["json"] = _json_way(form)
    secret = "" if form.get("drop_secret") else form.get("secret") or None
    try:
        return check_definition(found), secret
    except InvalidInput as error:
        raise InvalidInput(str(error), _beside(error.fields)) from error


def _json_way(form: Mapping[str, str]) -> dict[str, Any]:
    way: dict[str, Any] = {"url": form.get("url", "").strip()}
    if form.get("items", "").strip():
        way["items"] = form["items"].strip()
    if form.get("secret_header", "").strip():
        way["secret_header"] = form["secret_header"].strip()
    place, name = form.get("next_place", "").strip(), form.get("next_name", "").strip()
    paging: dict[str, Any] = {"header": "header", "link": place or "next", "page": {"page": name or "page"},
                              "cursor": {"cursor": place or "next_cursor", "as": name or "cursor"}}
    if form.get("paging") in paging:
        way["next"] = paging[form["paging"]]
    return way


def _beside(fields: Mapping[str, str]) -> dict[str, str]:
    """Errors under the names of the form's fields."""
    names = {"sql": "url", "json": "url", "headers": "secret_header", "next": "paging"}
    return {names.get(field, field): error for field, error in fields.items()}


def typed_source(source: Source) -> dict[str, Any]:
    """What the form shows for a stored source; never the secret."""
    way = "sql" if "sql" in source.definition else "json"
    content = source.definition[way]
    typed = {"source": source.name, "title": source.title, "kind": source.kind, "way": way, **content,
             "every": _every(source.every_minutes)}
    mapping = source.definition.get("mapping")
    typed["mapping"] = yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True) if mapping else ""
    paging = content.get("next")
    if isinstance(paging, dict):
        typed.update(paging="page" if "page" in paging else "cursor", next_name=paging.get("page") or paging.get("as"),
                     next_place=paging.get("cursor", ""))
    elif paging:
        typed.update(paging="header" if paging == "header" else "link", next_place=paging)
    return typed


def _every(minutes: int) -> str:
    for size, word in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes and minutes % size == 0:
            return f"{minutes // size} {word}{'s' if minutes > size else ''}"
    return ""
