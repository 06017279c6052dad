"""Which column of a file feeds which canonical column. Pure: reads no file but its own YAML text."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from abm.imports.layout import Layout
from core.errors import InvalidInput, Refused

REJECT_COLUMNS = ("_row", "_column", "_error")
_KEYS = {"columns", "split", "multiply", "constant", "custom", "ignore", "match", "empty"}
_LARGEST_MAPPING = 100_000


@dataclass(frozen=True)
class Mapping:
    """What a mapping file says; `layout` is the kind of file it is for.

    `match`: find the account of people whose row names no known one, by the domain of their address and, where a column
    with the company's name is given, by that name; None: not asked for. `custom` None means all unknown columns;
    `ignore` are canonical columns that are not taken though the file has them. `empty_clears`: an empty cell takes away
    what is known of an account or a person; else it says nothing.
    """

    layout: Layout
    columns: dict[str, str] = field(default_factory=dict)
    split: dict[str, list[str]] = field(default_factory=dict)
    multiply: dict[str, Decimal] = field(default_factory=dict)
    constant: dict[str, str] = field(default_factory=dict)
    custom: tuple[str, ...] | None = ()
    ignore: frozenset[str] = frozenset()
    match: str | None = None
    empty_clears: bool = False


@dataclass(frozen=True)
class Source:
    """Where a canonical column's text comes from: column `index`, part `part` of `parts` of it, or a constant."""

    index: int = -1
    part: int = 0
    parts: int = 1
    constant: str = ""
    factor: Decimal | None = None


@dataclass(frozen=True)
class Plan:
    """A mapping applied to one header. `match`: the column with the company's name, -1 for none; None: no matching."""

    sources: dict[str, Source]
    custom: dict[str, int]
    match: int | None = None
    empty_clears: bool = False


_OR_MATCH = ", or let accounts be found by address and company (--match)"


def read_mapping(text: str, layout: Layout, name: str = "the mapping") -> Mapping:
    """Parse the YAML of a mapping file. Raises InvalidInput naming the place and the nearest right name."""
    if len(text) > _LARGEST_MAPPING:
        raise InvalidInput(f"{name} is longer than a mapping can be")
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place else ""
        raise InvalidInput(f"{name} is not valid YAML{where}; see the example in the documentation") from error
    return mapping_from(content, layout, name)


def mapping_from(content: Any, layout: Layout, name: str = "the mapping") -> Mapping:
    """A mapping from plain values (a YAML file's or the import page's). Raises InvalidInput."""
    if not isinstance(content, dict):
        raise InvalidInput(f"{name} must be a list of keys and values: {', '.join(sorted(_KEYS))}")
    for key in content:
        _known(key, _KEYS, f"{name}: key")
    columns = _texts(content, "columns", name)
    split = {
        str(source): [str(target) for target in _listed(targets, f"{name}: split.{source}")]
        for source, targets in _section(content, "split", name).items()
    }
    constant = _texts(content, "constant", name)
    multiply = {
        str(target): _factor(value, f"{name}: multiply.{target}")
        for target, value in _section(content, "multiply", name).items()
    }
    ignore = frozenset(str(target) for target in content.get("ignore") or [])
    for target in [
        *columns,
        *constant,
        *multiply,
        *ignore,
        *(target for targets in split.values() for target in targets),
    ]:
        _known(target, layout.names, f"{name}: {layout.kind} column")
    for target in multiply:
        if not layout.field(target).is_number:
            raise InvalidInput(f"{name}: multiply.{target} is not a column of numbers")
    return Mapping(layout, columns, split, multiply, constant, _custom(content.get("custom", []), layout, name), ignore,
                   _match(content.get("match"), layout, name), _empty_clears(content.get("empty"), layout, name))


def _match(value: Any, layout: Layout, name: str) -> str | None:
    """`match: domain` -> no column; `match: {name: Company}` -> the column with the company's name."""
    if value is None or value is False:
        return None
    if layout.kind != "contacts":
        raise InvalidInput(f"{name}: match finds the accounts of contacts; {layout.kind} name their own")
    if isinstance(value, dict) and set(value) == {"name"} and isinstance(value["name"], str):
        return value["name"]
    if value in (True, "domain", ["domain"]):
        return ""
    raise InvalidInput(f"{name}: match must be `domain`, or {{name: the column with the company's name}}")


def _empty_clears(value: Any, layout: Layout, name: str) -> bool:
    if value is None:
        return False
    if not layout.takes_custom:
        raise InvalidInput(f"{name}: empty is for accounts and contacts; {layout.kind} are taken as they stand")
    if value not in ("keep", "clear"):
        raise InvalidInput(f"{name}: empty must be keep or clear: what an empty cell does to what is known")
    return bool(value == "clear")


def _section(content: dict[str, Any], key: str, name: str) -> dict[Any, Any]:
    section = content.get(key) or {}
    if not isinstance(section, dict):
        raise InvalidInput(f"{name}: {key} must be names and values, such as {key}: {{name: company_name}}")
    return section


def _texts(content: dict[str, Any], key: str, name: str) -> dict[str, str]:
    section = _section(content, key, name)
    for target, value in section.items():
        if isinstance(value, dict | list) or value is None:
            raise InvalidInput(f"{name}: {key}.{target} must be one value")
    return {str(target): str(value) for target, value in section.items()}


def _listed(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list) or len(value) < 2:
        raise InvalidInput(f"{place} must list at least two columns, such as [first_name, last_name]")
    return value


def _factor(value: Any, place: str) -> Decimal:
    try:
        factor = Decimal(str(value))
    except InvalidOperation:
        factor = Decimal("NaN")
    if not factor.is_finite() or factor == 0:
        raise InvalidInput(f"{place} must be a number other than 0")
    return factor


def _custom(value: Any, layout: Layout, name: str) -> tuple[str, ...] | None:
    if value in (None, [], ""):
        return ()
    if not layout.takes_custom:
        raise InvalidInput(f"{name}: {layout.kind} have no custom fields; accounts and contacts have")
    if value == "all":
        return None
    if not isinstance(value, list):
        raise InvalidInput(f"{name}: custom must be `all` or a list of columns")
    return tuple(str(item) for item in value)


def _known(key: object, names: Collection[str], place: str) -> None:
    if key in names:
        return
    from rapidfuzz import process

    nearest = process.extractOne(str(key), list(names), score_cutoff=60)
    raise InvalidInput(
        f"{place} {str(key)!r} does not exist"
        + (f"; did you mean {nearest[0]!r}?" if nearest else f"; there are {', '.join(sorted(names))}")
    )


def plain_name(header: str) -> str:
    """A header as it is compared: `Account ID` is account_id."""
    return re.sub(r"[\s\-]+", "_", header.strip().casefold())


def plan_columns(file_name: str, header: list[str], mapping: Mapping) -> Plan:
    """Find every column in the header. Raises InvalidInput when a mapped or required one is missing or stands twice."""
    find = _Header(file_name, header)
    sources = {
        name: Source(index=found)
        for name in mapping.layout.names
        if name not in mapping.ignore and (found := find.canonical(name)) is not None
    }
    for target, source in mapping.columns.items():
        sources[target] = Source(index=find.named(source))
    for source, targets in mapping.split.items():
        index = find.named(source)
        for part, target in enumerate(targets):
            sources[target] = Source(index=index, part=part, parts=len(targets))
    for target, text in mapping.constant.items():
        sources[target] = Source(constant=text)
    for target, factor in mapping.multiply.items():
        if target in sources:
            sources[target] = Source(**{**vars(sources[target]), "factor": factor})
    found_otherwise = {"account_id"} if mapping.match is not None else set()
    missing = mapping.layout.missing(set(sources) | found_otherwise)
    if missing:
        raise InvalidInput(
            f"{file_name} lacks the required column {', '.join(missing)}; its header is: "
            f"{', '.join(header)[:300]}; rename the column or give a mapping file"
            f"{_OR_MATCH if missing == ['account_id'] and mapping.layout.kind == 'contacts' else ''}"
        )
    match = None if mapping.match is None else find.named(mapping.match) if mapping.match else -1
    return Plan(sources, _custom_columns(find, mapping, {source.index for source in sources.values()}), match,
                mapping.empty_clears)


def _custom_columns(find: "_Header", mapping: Mapping, used: set[int]) -> dict[str, int]:
    if mapping.custom is not None:
        return {name: find.named(name) for name in mapping.custom}
    return {
        name: index
        for index, name in enumerate(find.header)
        if index not in used and name and name not in REJECT_COLUMNS
    }


class _Header:
    """The header of a file, searched by exact name first and by plain name second."""

    def __init__(self, file_name: str, header: list[str]) -> None:
        self.file_name = file_name
        self.header = header
        self._plain = [plain_name(name) for name in header]

    def canonical(self, name: str) -> int | None:
        return self._only(name, self._plain)

    def named(self, name: str) -> int:
        found = self._only(name, self.header)
        found = self._only(plain_name(name), self._plain) if found is None else found
        if found is None:
            raise Refused(
                f"{self.file_name} has no column {name!r}, which the mapping names; its header is: "
                f"{', '.join(self.header)[:300]}"
            )
        return found

    def _only(self, name: str, names: list[str]) -> int | None:
        if names.count(name) > 1:
            raise InvalidInput(f"{self.file_name} has the column {name!r} twice; rename one of them")
        return names.index(name) if name in names else None
