"""Rules as a tree of conditions, and the tree as files say it.

Every condition is either true or false of an account, never in between. Of an unknown (empty) value `is_not`, `not_in`
and `is_empty` are true and all else is false: `is_not` is the exact opposite of `is`, and `not` of what it holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from abm.targets.values import Value, plain_value
from abm.targets.vocabulary import Operator

_WITHOUT_VALUE = frozenset({Operator.IS_EMPTY, Operator.IS_KNOWN})


@dataclass(frozen=True, slots=True)
class Condition:
    """One field compared with a value (days, numbers, texts; a tuple for in, not_in and between)."""

    field: str
    operator: Operator
    value: Value = None


@dataclass(frozen=True, slots=True)
class Has:
    """At least so many things of the account for which `where` holds (None: any)."""

    subject: str
    where: "Rule | None" = None
    at_least: int = 1


@dataclass(frozen=True, slots=True)
class InList:
    name: str


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple["Rule", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Rule"


Rule = Condition | Has | InList | All | AnyOf | Not


@dataclass(frozen=True, slots=True)
class Top:
    """Only the `count` accounts with the highest `by`; unknown values come last, ties go by account id."""

    by: str
    count: int


def to_raw(rule: Rule) -> dict[str, Any]:
    """The rule as a file says it; `read_rules` gives the same tree back."""
    match rule:
        case Condition():
            value = True if rule.operator in _WITHOUT_VALUE else plain_value(rule.value)
            return {"field": rule.field, rule.operator.value: value}
        case Has():
            return _has_to_raw(rule)
        case InList():
            return {"in_list": rule.name}
        case All():
            return {"all": [to_raw(part) for part in rule.parts]}
        case AnyOf():
            return {"any": [to_raw(part) for part in rule.parts]}
        case Not():
            return {"not": to_raw(rule.part)}


def _has_to_raw(rule: Has) -> dict[str, Any]:
    raw: dict[str, Any] = {"has": rule.subject}
    if rule.where is not None:
        raw["where"] = to_raw(rule.where)
    if rule.at_least != 1:
        raw["at_least"] = rule.at_least
    return raw


def parts_of(rule: Rule) -> tuple[Rule, ...]:
    """The rules directly inside a group; conditions of `has` speak of something else and are not among them."""
    match rule:
        case All() | AnyOf():
            return rule.parts
        case Not():
            return (rule.part,)
    return ()


def walk(rule: Rule | None, *, inside_has: bool = True) -> Iterator[Rule]:
    """The rule and everything in it, `where` of `has` included unless told otherwise, from the outside in."""
    if rule is None:
        return
    yield rule
    for part in parts_of(rule):
        yield from walk(part, inside_has=inside_has)
    if isinstance(rule, Has) and inside_has:
        yield from walk(rule.where)


def fields_in(rule: Rule | None) -> set[str]:
    return {each.field for each in walk(rule) if isinstance(each, Condition)}


def lists_in(rule: Rule | None) -> set[str]:
    return {each.name for each in walk(rule) if isinstance(each, InList)}
