"""Reading rules: what a file or the builder says becomes a tree, or every mistake is named with its place."""

from collections.abc import Mapping
from typing import Any

from abm.targets.rule_tree import All, AnyOf, Condition, Has, InList, Not, Rule, Top
from abm.targets.values import WrongValue, read_number, read_value
from abm.targets.vocabulary import Field, FieldType, Operator, Subject, Vocabulary
from campaigns.raw_fields import Complaints, describe, nearest

DEEPEST = 10
MOST_TERMS = 200
MOST_TOP = 1_000_000
_KINDS = ("field", "all", "any", "not", "has", "in_list")
_KEYS = {"all": ("all",), "any": ("any",), "not": ("not",), "in_list": ("in_list",),
         "has": ("has", "where", "at_least")}
_PLACEHOLDER = InList("")


def read_rules(raw: Any, vocabulary: Vocabulary, *, place: str = "who", complaints: Complaints | None = None) -> Rule:
    """The tree that `raw` says. Raises InvalidInput with a sentence per place, or notes them in `complaints`."""
    noted = complaints if complaints is not None else Complaints()
    rule = _Reader(vocabulary, noted).rule(raw, place, vocabulary.accounts, 1)
    if complaints is None:
        noted.raise_if_any()
    return rule


def read_top(raw: Any, vocabulary: Vocabulary, complaints: Complaints) -> Top | None:
    """`{by: field, count: n}` over a number or day of the accounts themselves."""
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or set(raw) != {"by", "count"}:
        complaints.add("top", "expected {by: a field, count: a number}")
        return None
    name, count = str(raw["by"]).strip(), _whole(raw["count"])
    field = vocabulary.find_field(vocabulary.accounts, name)
    if field is None:
        complaints.add("top.by", _unknown_field(name, vocabulary.accounts, vocabulary))
    elif field.type not in (FieldType.NUMBER, FieldType.DATE):
        complaints.add("top.by", f'"{name}" is neither a number nor a day, so accounts cannot be ranked by it')
    if count is None or not 1 <= count <= MOST_TOP:
        complaints.add("top.count", f"expected a whole number from 1 to {MOST_TOP:,}, found {describe(raw['count'])}")
        count = 1
    return Top(name, count)


def _whole(raw: Any) -> int | None:
    try:
        number = read_number(raw)
    except WrongValue:
        return None
    return number if isinstance(number, int) else None


def _unknown_field(name: str, subject: Subject, vocabulary: Vocabulary) -> str:
    elsewhere = vocabulary.subject_of(name)
    if elsewhere is not None and elsewhere is not subject:
        if elsewhere.name == "account":
            return f'"{name}" is about the account; say it outside of `has: {subject.name}`'
        return f'"{name}" is about {elsewhere.many}; say {{has: {elsewhere.name}, where: {{field: {name}, …}}}}'
    return f'"{name}" is not a field here{nearest(name, vocabulary.names(subject))}'


class _Reader:
    """One reading: notes every complaint and goes on, within limits of depth and number."""

    def __init__(self, vocabulary: Vocabulary, complaints: Complaints) -> None:
        self._vocabulary, self._complaints, self._terms = vocabulary, complaints, 0

    def rule(self, raw: Any, place: str, subject: Subject, depth: int) -> Rule:
        self._terms += 1
        if depth > DEEPEST or self._terms > MOST_TERMS:
            limit = f"nested more than {DEEPEST} deep" if depth > DEEPEST else f"more than {MOST_TERMS} conditions"
            return self._wrong(place, f"the rules are {limit}" if depth > DEEPEST else f"the rules have {limit}")
        kind = self._kind(raw, place)
        match kind:
            case "field":
                return self._condition(raw, place, subject)
            case "all" | "any":
                return self._group(raw[kind], f"{place}.{kind}", subject, depth, kind)
            case "not":
                return Not(self.rule(raw["not"], f"{place}.not", subject, depth + 1))
            case "has" | "in_list" if subject.name != "account":
                return self._wrong(place, f"`{kind}` can only be said of accounts, not inside `has: {subject.name}`")
            case "has":
                return self._has(raw, place, depth)
            case "in_list":
                return self._in_list(raw["in_list"], f"{place}.in_list")
        return _PLACEHOLDER

    def _wrong(self, place: str, sentence: str) -> Rule:
        self._complaints.add(place, sentence)
        return _PLACEHOLDER

    def _kind(self, raw: Any, place: str) -> str | None:
        """Which of the kinds a mapping is; None after a complaint."""
        if not isinstance(raw, Mapping):
            example = "{field: account.country, is: FR}"
            self._wrong(place, f"expected a condition such as {example}, found {describe(raw)}")
            return None
        kinds = [kind for kind in _KINDS if kind in raw]
        if len(kinds) != 1:
            self._wrong(place, self._kind_complaint(raw, kinds))
            return None
        kind = kinds[0]
        for key in raw if kind != "field" else ():
            if key not in _KEYS[kind]:
                self._wrong(place, f'"{key}" is not known beside {kind}{nearest(str(key), _KEYS[kind])}')
        return kind

    @staticmethod
    def _kind_complaint(raw: Mapping[Any, Any], kinds: list[str]) -> str:
        if kinds:
            return f"has {' and '.join(kinds)} at once; put them into two conditions under `all`"
        first = str(next(iter(raw), ""))
        return f'expected one of {", ".join(_KINDS)}, found "{first}"{nearest(first, _KINDS)}'

    def _group(self, raw: Any, place: str, subject: Subject, depth: int, kind: str) -> Rule:
        if not isinstance(raw, list) or not raw:
            return self._wrong(place, f"expected a list of at least one condition, found {describe(raw or None)}")
        parts = []
        for index, each in enumerate(raw):
            parts.append(self.rule(each, f"{place}[{index}]", subject, depth + 1))
            if self._terms > MOST_TERMS:
                break
        return All(tuple(parts)) if kind == "all" else AnyOf(tuple(parts))

    def _has(self, raw: Mapping[str, Any], place: str, depth: int) -> Rule:
        related = {each.name: each for each in self._vocabulary.related()}
        name = str(raw["has"]).strip()
        if name not in related:
            return self._wrong(f"{place}.has", f'"{name}" is not one of {", ".join(related)}{nearest(name, related)}')
        at_least = _whole(raw.get("at_least", 1))
        if at_least is None or at_least < 1:
            self._wrong(f"{place}.at_least", f"expected a whole number from 1, found {describe(raw['at_least'])}")
            at_least = 1
        where = None
        if raw.get("where") is not None:
            where = self.rule(raw["where"], f"{place}.where", related[name], depth + 1)
        return Has(name, where, at_least)

    def _in_list(self, raw: Any, place: str) -> Rule:
        name, known = raw.strip() if isinstance(raw, str) else "", self._vocabulary.lists
        if not name:
            return self._wrong(place, f"expected the name of a list, found {describe(raw)}")
        if known is not None and name not in known:
            return self._wrong(place, f'there is no list "{name}"{nearest(name, known)}')
        return InList(name)

    def _condition(self, raw: Mapping[str, Any], place: str, subject: Subject) -> Rule:
        name = str(raw["field"] if raw["field"] is not None else "").strip()
        field = self._vocabulary.find_field(subject, name)
        if field is None:
            sentence = _unknown_field(name, subject, self._vocabulary) if name else "choose a field"
            return self._wrong(f"{place}.field", sentence)
        said = [str(key) for key in raw if key != "field"]
        if len(said) != 1:
            fitting = f"one of {', '.join(field.operators)}"
            return self._wrong(place, f"has the operators {' and '.join(said)}; say one per condition" if said
                               else f"{name} needs an operator, {fitting}")
        operator = self._operator(said[0], field, place)
        return self._compared(field, operator, raw[said[0]], place) if operator else _PLACEHOLDER

    def _operator(self, said: str, field: Field, place: str) -> Operator | None:
        if said in field.operators:
            return Operator(said)
        known = said in set(Operator)
        sentence = (f"`{said}` does not fit {field.name}, which is a {_KIND_WORDS[field.type]}" if known
                    else f'"{said}" is not an operator{nearest(said, field.operators)}')
        self._wrong(f"{place}.{said}", f"{sentence}; use one of {', '.join(field.operators)}")
        return None

    def _compared(self, field: Field, operator: Operator, raw: Any, place: str) -> Rule:
        try:
            plain, value = read_value(field, operator, raw)
        except WrongValue as error:
            return self._wrong(f"{place}.{operator}", str(error))
        if field.choices and isinstance(value, str) and operator in (Operator.IS, Operator.IS_NOT):
            value = self._choice(field, value, f"{place}.{operator}")
        elif field.choices and isinstance(value, tuple):
            value = tuple(self._choice(field, str(each), f"{place}.{operator}") for each in value)
        return Condition(field.name, plain, value)

    def _choice(self, field: Field, said: str, place: str) -> str:
        """The value as it is kept. One that the field can never have is a slip of the pen."""
        known = {choice.casefold(): choice for choice in field.choices}
        if said.casefold() not in known:
            self._wrong(place, f'{field.name} is never "{said}"{nearest(said, field.choices)}, '
                               f"it is one of {', '.join(field.choices)}")
        return known.get(said.casefold(), said)


_KIND_WORDS = {FieldType.TEXT: "text", FieldType.COUNTRY: "country", FieldType.NUMBER: "number", FieldType.DATE: "day",
               FieldType.TRUTH: "yes or no", FieldType.CUSTOM: "custom field"}
