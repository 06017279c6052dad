"""What rules may speak of: subjects, their fields, and the operators that fit a field's type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    TEXT = "text"
    COUNTRY = "country"
    NUMBER = "number"
    DATE = "date"
    TRUTH = "truth"
    CUSTOM = "custom"


class Operator(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    IN = "in"
    NOT_IN = "not_in"
    MORE_THAN = "more_than"
    AT_LEAST = "at_least"
    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    BETWEEN = "between"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    BEFORE = "before"
    AFTER = "after"
    IS_EMPTY = "is_empty"
    IS_KNOWN = "is_known"


_O = Operator
_EMPTINESS = (_O.IS_EMPTY, _O.IS_KNOWN)
_TEXT = (_O.IS, _O.IS_NOT, _O.IN, _O.NOT_IN, _O.CONTAINS, _O.STARTS_WITH)
_ORDER = (_O.MORE_THAN, _O.AT_LEAST, _O.LESS_THAN, _O.AT_MOST)

OPERATORS: Mapping[FieldType, tuple[Operator, ...]] = {
    FieldType.TEXT: (*_TEXT, *_EMPTINESS),
    FieldType.COUNTRY: (*_TEXT, *_EMPTINESS),
    FieldType.NUMBER: (_O.IS, _O.IS_NOT, _O.IN, _O.NOT_IN, *_ORDER, _O.BETWEEN, *_EMPTINESS),
    FieldType.DATE: (_O.BEFORE, _O.AFTER, _O.BETWEEN, _O.IS, _O.IS_NOT, _O.AT_LEAST, _O.AT_MOST, *_EMPTINESS),
    FieldType.TRUTH: (_O.IS, _O.IS_NOT, *_EMPTINESS),
    FieldType.CUSTOM: (*_TEXT, *_ORDER, _O.BETWEEN, _O.BEFORE, _O.AFTER, *_EMPTINESS),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field as files name it, its words for people, and the values it can have where they are few."""

    name: str
    label: str
    type: FieldType
    group: str
    choices: tuple[str, ...] = ()

    @property
    def operators(self) -> tuple[Operator, ...]:
        return OPERATORS[self.type]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The accounts themselves, or things they have (people, orders, …) that `has:` asks about. Compared as objects."""

    name: str
    one: str
    many: str
    fields: Mapping[str, Field]
    custom_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Fields of accounts whose names come from the data: `prefix` + key, such as `scorecard.golden-key`."""

    prefix: str
    group: str
    type: FieldType = FieldType.NUMBER


@dataclass(frozen=True)
class Vocabulary:
    """Every subject, and the custom fields, lists and keys of families that there are; None: any name is taken."""

    subjects: Mapping[str, Subject]
    custom: Mapping[str, frozenset[str]] | None = None
    lists: frozenset[str] | None = None
    families: tuple[Family, ...] = ()
    keys: Mapping[str, Mapping[str, str]] | None = None

    @property
    def accounts(self) -> Subject:
        return self.subjects["account"]

    def related(self) -> Iterator[Subject]:
        """What `has:` may ask for."""
        return (subject for name, subject in self.subjects.items() if name != "account")

    def find_field(self, subject: Subject, name: str) -> Field | None:
        """The field called `name`; a custom one, or one of a family, only if the data has it."""
        if name in subject.fields:
            return subject.fields[name]
        family = next((each for each in self.families if name.startswith(each.prefix)), None)
        if family is not None and subject.name == "account":
            return self._find_in_family(family, name.removeprefix(family.prefix))
        return self._find_custom(subject, name)

    def _find_in_family(self, family: Family, key: str) -> Field | None:
        known = None if self.keys is None else self.keys.get(family.prefix, {})
        if not is_custom_name(key) or (known is not None and key not in known):
            return None
        label = known[key] if known is not None else key.replace("_", " ").replace("-", " ")
        return Field(family.prefix + key, label, family.type, family.group)

    def _find_custom(self, subject: Subject, name: str) -> Field | None:
        prefix = subject.custom_prefix
        if not prefix or not name.startswith(prefix) or not is_custom_name(name.removeprefix(prefix)):
            return None
        key = name.removeprefix(prefix)
        if self.custom is not None and key not in self.custom.get(subject.name, frozenset()):
            return None
        return Field(name, key.replace("_", " "), FieldType.CUSTOM, "Custom fields")

    def names(self, subject: Subject) -> list[str]:
        """Every field name that may be said of the subject, custom ones and those of families included."""
        custom = (self.custom or {}).get(subject.name, frozenset())
        keys = (self.keys or {}) if subject.name == "account" else {}
        return [*subject.fields, *(prefix + key for prefix in keys for key in sorted(keys[prefix])),
                *(subject.custom_prefix + key for key in sorted(custom))]

    def subject_of(self, name: str) -> Subject | None:
        """Whose field this is, wherever it may be said."""
        return next((each for each in self.subjects.values() if self.find_field(each, name)), None)


def is_custom_name(key: str) -> bool:
    """Whether a custom field of this name can be asked for in both databases' JSON paths."""
    return 0 < len(key) <= 100 and key.isprintable() and '"' not in key and "\\" not in key
