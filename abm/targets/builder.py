"""The rule builder's form: a tree of rows, each with a path (`who.0.1`), and its way from and to what files say.

Whatever was typed is kept, finished or not; only `to_raw_rules` decides what it means. The way file → form → file loses
nothing: a group `none` with one part is `not` of it, with several it is `not` of `any`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from abm.targets.rule_tree import All, AnyOf, Condition, Has, InList, Not, Rule
from abm.targets.values import plain_value
from abm.targets.vocabulary import Operator

ROOT = "who"
GROUPS = ("all", "any", "none")
_WITHOUT_VALUE = frozenset({Operator.IS_EMPTY, Operator.IS_KNOWN})
_LISTS = frozenset({Operator.IN, Operator.NOT_IN})
_NAME = re.compile(r"(who(?:\.\d{1,6})*)\.(kind|field|op|value|high|has|count|list)")
_DEEPEST, _MOST_ROWS = 12, 400


@dataclass(frozen=True)
class Row:
    """One node as typed. `kind`: condition, has, list, or a group (all, any, none) of `parts`; of `has` the one part is
    what must hold for the things counted."""

    kind: str
    field: str = ""
    operator: str = ""
    value: str = ""
    high: str = ""
    subject: str = ""
    count: str = ""
    name: str = ""
    parts: tuple["Row", ...] = ()

    @property
    def is_group(self) -> bool:
        return self.kind in GROUPS

    @property
    def is_unfinished(self) -> bool:
        """Nothing to judge by yet: no field, no value, no list."""
        if self.kind == "list":
            return not self.name
        if self.kind != "condition":
            return False
        return not self.field or (self.operator not in _WITHOUT_VALUE and not self.value.strip())


EMPTY_CONDITION = Row("condition")


def row_from_rule(rule: Rule) -> Row:
    """The rows that show a rule."""
    match rule:
        case Condition():
            return _condition_row(rule)
        case InList():
            return Row("list", name=rule.name)
        case Has():
            row = Row("has", subject=rule.subject, count=str(rule.at_least))
            return row if rule.where is None else replace(row, parts=(row_from_rule(rule.where),))
        case Not(AnyOf(parts)) if len(parts) > 1:
            return Row("none", parts=tuple(row_from_rule(part) for part in parts))
        case Not():
            return Row("none", parts=(row_from_rule(rule.part),))
        case All() | AnyOf():
            rows = tuple(row_from_rule(part) for part in rule.parts)
            return Row("all" if isinstance(rule, All) else "any", parts=rows)


def _condition_row(rule: Condition) -> Row:
    row = Row("condition", field=rule.field, operator=rule.operator.value)
    if rule.operator in _WITHOUT_VALUE:
        return row
    value = plain_value(rule.value)
    if rule.operator is Operator.BETWEEN:
        return replace(row, value=_typed(value[0]), high=_typed(value[1]))
    return replace(row, value="\n".join(map(_typed, value)) if isinstance(value, list) else _typed(value))


def _typed(value: Any) -> str:
    """As a person would type it; numbers in full."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_form(row: Row | None, path: str = ROOT) -> dict[str, str]:
    """The form's fields by name; `from_form` gives the same rows back."""
    if row is None:
        return {}
    said = {"kind": row.kind, "field": row.field, "op": row.operator, "value": row.value, "high": row.high,
            "has": row.subject, "count": row.count, "list": row.name}
    fields = {f"{path}.{name}": text for name, text in said.items() if text}
    for index, part in enumerate(row.parts):
        fields.update(to_form(part, f"{path}.{index}"))
    return fields


def from_form(form: Mapping[str, str]) -> Row | None:
    """The rows that were typed, None when there are none. What is no field of the builder is passed over."""
    said: dict[str, dict[str, str]] = {}
    for name, text in form.items():
        found = _NAME.fullmatch(name)
        if found and len(said) <= _MOST_ROWS:
            said.setdefault(found[1], {})[found[2]] = text.replace("\r\n", "\n")
    children: dict[str, list[str]] = {}
    for path in said:
        children.setdefault(path.rpartition(".")[0], []).append(path)
    return _read_row(ROOT, said, children, 1) if ROOT in said else None


def _read_row(path: str, said: Mapping[str, Mapping[str, str]], children: Mapping[str, list[str]], depth: int) -> Row:
    own = said[path]
    below = sorted(children.get(path, ()), key=lambda each: int(each.rpartition(".")[2])) if depth < _DEEPEST else []
    kind = own.get("kind", "condition")
    return Row(kind if kind in (*GROUPS, "condition", "has", "list") else "condition", own.get("field", ""),
               own.get("op", ""), own.get("value", ""), own.get("high", ""), own.get("has", ""), own.get("count", ""),
               own.get("list", ""), tuple(_read_row(each, said, children, depth + 1) for each in below))


def to_raw_rules(row: Row) -> dict[str, Any]:
    """What a file would say."""
    match row.kind:
        case "all" | "any":
            return {row.kind: [to_raw_rules(part) for part in row.parts]}
        case "none":
            parts = [to_raw_rules(part) for part in row.parts]
            return {"not": parts[0] if len(parts) == 1 else {"any": parts}}
        case "list":
            return {"in_list": row.name}
        case "has":
            return _raw_has(row)
    return {"field": row.field, **_raw_comparison(row)}


def _raw_has(row: Row) -> dict[str, Any]:
    raw: dict[str, Any] = {"has": row.subject, "at_least": row.count or "1"}
    if row.parts and not (row.parts[0].is_group and not row.parts[0].parts):
        raw["where"] = to_raw_rules(row.parts[0])
    return raw


def _raw_comparison(row: Row) -> dict[str, Any]:
    if not row.operator:
        return {}
    if row.operator in _WITHOUT_VALUE:
        return {row.operator: True}
    if row.operator in _LISTS:
        return {row.operator: [line for line in row.value.split("\n") if line.strip()]}
    return {row.operator: [row.value, row.high] if row.operator == Operator.BETWEEN else row.value}


def finished(row: Row | None) -> Row | None:
    """The rows without those that are still being typed, and without groups that this leaves empty."""
    if row is None or row.is_unfinished:
        return None
    parts = tuple(part for part in map(finished, row.parts) if part is not None)
    return None if row.is_group and not parts else replace(row, parts=parts)


def count_unfinished(row: Row | None) -> int:
    if row is None:
        return 0
    return int(row.is_unfinished) + sum(count_unfinished(part) for part in row.parts)


def walk_rows(row: Row, *, only_finished: bool = False, path: str = ROOT,
              place: str = "who") -> Iterator[tuple[str, str, Row]]:
    """(path in the form, place in the file, row) of every row (that `finished` keeps): a complaint finds its row."""
    yield path, place, row
    kept = [(f"{path}.{index}", part) for index, part in enumerate(row.parts)
            if not only_finished or finished(part) is not None]
    for index, (below, part) in enumerate(kept):
        inside = place + _step(row.kind, index, len(kept))
        yield from walk_rows(part, only_finished=only_finished, path=below, place=inside)


def _step(kind: str, index: int, count: int) -> str:
    match kind:
        case "has":
            return ".where"
        case "none":
            return ".not" if count == 1 else f".not.any[{index}]"
    return f".{kind}[{index}]"


def errors_by_path(row: Row | None, complaints: Mapping[str, str], *, only_finished: bool = False) -> dict[str, str]:
    """Each complaint under the path of the innermost row that its place lies in."""
    found: dict[str, str] = {}
    rows = walk_rows(row, only_finished=only_finished) if row is not None else ()
    places = sorted(((place, path) for path, place, _ in rows), key=lambda each: -len(each[0]))
    for place, sentence in complaints.items():
        path = next((path for start, path in places if place == start or place.startswith(f"{start}.")), place)
        found[path] = f"{found[path]}; {sentence}" if path in found else sentence
    return found


def change(row: Row | None, action: str, path: str) -> Row | None:
    """The rows after a click: condition, group, `has:contact` and list add to the row at `path`; remove takes it."""
    if action == "remove":
        return _without(row, path)
    kind, _, subject = action.partition(":")
    new = {"group": Row("any", parts=(EMPTY_CONDITION,)), "list": Row("list"),
           "has": Row("has", subject=subject, count="1", parts=(Row("all", parts=(EMPTY_CONDITION,)),)),
           }.get(kind, EMPTY_CONDITION)
    return Row("all", parts=(new,)) if row is None else _with(row, new, path, ROOT)


def _with(row: Row, new: Row, path: str, own_path: str) -> Row:
    if own_path == path:
        if row.is_group:
            return replace(row, parts=(*row.parts, new))
        together = Row("all", parts=(new,) if row.kind == "has" else (row, new))
        return replace(row, parts=(together,)) if row.kind == "has" else together
    parts = (_with(part, new, path, f"{own_path}.{index}") for index, part in enumerate(row.parts))
    return replace(row, parts=tuple(parts))


def _without(row: Row | None, path: str, own_path: str = ROOT) -> Row | None:
    if row is None or own_path == path:
        return None
    parts = (_without(part, path, f"{own_path}.{index}") for index, part in enumerate(row.parts))
    return replace(row, parts=tuple(part for part in parts if part is not None))
