"""The mapping form: a select per canonical column, or the text of a mapping file."""

from collections.abc import Mapping as Form
from collections.abc import Sequence
from typing import Any

import yaml

from abm.imports.guesses import guess_columns, guess_company
from abm.imports.layout import Layout
from abm.imports.mapping import mapping_from
from core.errors import InvalidInput

MATCHED = "contacts"  # whose rows may be given an account by domain and name
READING = ("encoding", "delimiter", "sheet")
DELIMITERS = (("", "Found out"), (",", "Comma"), (";", "Semicolon"), ("\t", "TAB"), ("|", "Bar |"))
ENCODINGS = (
    ("", "Found out"),
    ("utf-8", "UTF-8"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Windows (cp1252)"),
    ("latin-1", "Latin-1"),
    ("cp1250", "Central European (cp1250)"),
    ("cp1251", "Cyrillic (cp1251)"),
    ("cp1253", "Greek (cp1253)"),
    ("cp1254", "Turkish (cp1254)"),
    ("mac_roman", "Mac Roman"),
    ("shift_jis", "Japanese (Shift JIS)"),
    ("gb18030", "Chinese (GB18030)"),
    ("big5", "Chinese (Big5)"),
    ("cp949", "Korean (cp949)"),
)


def parse_options(form: Form[str, str], layout: Layout) -> dict[str, Any]:
    """The options of an import as they are stored. Raises InvalidInput naming the field."""
    mapping = _from_text(form["yaml"]) if form.get("yaml", "").strip() else _from_selects(form, layout)
    try:
        mapping_from(mapping, layout)
    except InvalidInput as error:
        raise InvalidInput(str(error), {"yaml" if form.get("yaml", "").strip() else "mapping": str(error)}) from error
    return {"mapping": mapping, "came_from": read_source(form), **{name: form.get(name, "") for name in READING}}


def read_source(form: Form[str, str]) -> str:
    """The name of where a file comes from, as it is compared: blanks made one."""
    return " ".join(form.get("source", "").split())[:100]


def _from_text(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput("The mapping is not valid YAML", {"yaml": "This is not valid YAML"}) from error


def _from_selects(form: Form[str, str], layout: Layout) -> dict[str, Any]:
    columns = {name: form[f"map-{name}"] for name in layout.names if form.get(f"map-{name}")}
    mapping: dict[str, Any] = {"columns": columns}
    if form.get("full_name"):
        mapping["split"] = {form["full_name"]: ["first_name", "last_name"]}
    mapping["ignore"] = [name for name in layout.names if name not in columns]
    if form.get("match") and layout.kind == MATCHED:
        mapping["match"] = {"name": form["match_name"]} if form.get("match_name") else "domain"
    if form.get("custom") and layout.takes_custom:
        mapping["custom"] = "all"
    if form.get("empty_clears") and layout.takes_custom:
        mapping["empty"] = "clear"
    return mapping


def typed_from(mapping: Form[str, Any], header: Sequence[str], layout: Layout) -> dict[str, str]:
    """What the selects show: the remembered mapping where there is one, else what the names in the header say."""
    guessed = guess_columns(header, layout)
    columns = mapping.get("columns", {}) if mapping else guessed
    typed = {f"map-{name}": columns.get(name, "") for name in layout.names}
    for source, targets in (mapping.get("split", {}) if mapping else {}).items():
        if list(targets) == ["first_name", "last_name"]:
            typed["full_name"] = source
    match = mapping.get("match") if mapping else None
    typed["match"] = "yes" if match else ""
    typed["match_name"] = match.get("name", "") if isinstance(match, dict) else ""
    if not mapping and layout.kind == MATCHED and not guessed.get("account_id"):
        typed["match"], typed["match_name"] = "yes", guess_company(header, guessed.values())
    typed["custom"] = "yes" if mapping and mapping.get("custom") == "all" else ""
    typed["empty_clears"] = "yes" if mapping and mapping.get("empty") == "clear" else ""
    return typed


def recognised_in(typed: Form[str, Any], layout: Layout) -> dict[str, str]:
    """Column of the file -> the column of ours that it fills, by what the selects show."""
    found = {typed[f"map-{name}"]: name for name in layout.names if typed.get(f"map-{name}")}
    return {**found, **({typed["full_name"]: "first_name, last_name"} if typed.get("full_name") else {})}
