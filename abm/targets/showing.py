"""The builder's page in plain values for its templates: rows with their choices, fields, words of operators."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from abm.targets.builder import ROOT, Row
from abm.targets.vocabulary import Field, FieldType, Operator, Subject, Vocabulary

OPERATOR_WORDS = {
    Operator.IS: "is", Operator.IS_NOT: "is not", Operator.IN: "is one of", Operator.NOT_IN: "is none of",
    Operator.MORE_THAN: "is more than", Operator.AT_LEAST: "is at least", Operator.LESS_THAN: "is less than",
    Operator.AT_MOST: "is at most", Operator.BETWEEN: "is between", Operator.CONTAINS: "contains",
    Operator.STARTS_WITH: "starts with", Operator.BEFORE: "is before", Operator.AFTER: "is after",
    Operator.IS_EMPTY: "is not known", Operator.IS_KNOWN: "is known",
}
_DAY_WORDS = {Operator.AT_LEAST: "is on or after", Operator.AT_MOST: "is on or before"}
_MOST_PARTS = 5


@dataclass(frozen=True)
class ShownRow:
    """A row as the template draws it. `input`: the kind of value it takes (text, number, day, choice, lines, none)."""

    path: str
    row: Row
    error: str
    fields: tuple[tuple[str, tuple[Field, ...]], ...]
    operators: tuple[tuple[str, str], ...]
    input: str
    choices: tuple[tuple[str, str], ...]
    subject_words: str
    parts: tuple["ShownRow", ...]

    @property
    def id(self) -> str:
        return self.path.replace(".", "-")

    @property
    def may_grow(self) -> bool:
        """Whether a group may still be put inside."""
        return self.path.count(".") < _MOST_PARTS


def show_rows(row: Row | None, vocabulary: Vocabulary, errors: Mapping[str, str], *, path: str = ROOT,
              subject: Subject | None = None) -> ShownRow | None:
    """The rows with everything that drawing them takes."""
    if row is None:
        return None
    within = subject or vocabulary.accounts
    below = vocabulary.subjects.get(row.subject, within) if row.kind == "has" else within
    parts = (show_rows(part, vocabulary, errors, path=f"{path}.{index}", subject=below)
             for index, part in enumerate(row.parts))
    field = vocabulary.find_field(within, row.field) if row.field else None
    return ShownRow(
        path, row, errors.get(path, ""), _grouped(within, vocabulary) if row.kind == "condition" else (),
        _operators(field), _input(field, row.operator), _choices(field), below.many if row.kind == "has" else "",
        tuple(part for part in parts if part is not None))


def _grouped(subject: Subject, vocabulary: Vocabulary) -> tuple[tuple[str, tuple[Field, ...]], ...]:
    """The subject's fields under their headings, each once."""
    found = (vocabulary.find_field(subject, name) for name in vocabulary.names(subject))
    shown = [field for field in found if field is not None and field.group]
    return tuple((group, tuple(fields)) for group, fields in groupby(shown, key=lambda field: field.group))


def _operators(field: Field | None) -> tuple[tuple[str, str], ...]:
    if field is None:
        return ()
    words = {**OPERATOR_WORDS, **_DAY_WORDS} if field.type is FieldType.DATE else OPERATOR_WORDS
    return tuple((operator.value, words[operator]) for operator in field.operators)


def _input(field: Field | None, operator: str) -> str:
    if field is None or operator in (Operator.IS_EMPTY, Operator.IS_KNOWN):
        return "none"
    if operator in (Operator.IN, Operator.NOT_IN):
        return "lines"
    if field.type is FieldType.TRUTH or (field.choices and operator in (Operator.IS, Operator.IS_NOT)):
        return "choice"
    return {FieldType.NUMBER: "number", FieldType.DATE: "day"}.get(field.type, "text")


def _choices(field: Field | None) -> tuple[tuple[str, str], ...]:
    if field is None:
        return ()
    if field.type is FieldType.TRUTH:
        return (("true", "yes"), ("false", "no"))
    return tuple((choice, choice.replace("_", " ")) for choice in field.choices)


def ranking_fields(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """(name, words) of the fields that accounts can be ranked by."""
    return [(field.name, f"{group}: {field.label}") for group, fields in _grouped(vocabulary.accounts, vocabulary)
            for field in fields if field.type in (FieldType.NUMBER, FieldType.DATE)]


def subject_choices(vocabulary: Vocabulary) -> list[tuple[str, str]]:
    """What `has` can be asked for."""
    return [(subject.name, subject.many) for subject in vocabulary.related()]

