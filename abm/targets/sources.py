"""Where each subject's fields live in the database. A higher area adds its own subject with `register`; fields of the
accounts themselves are added with `abm.targets.extending`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, FromClause, Select
from sqlalchemy.orm import Session

from abm.targets.vocabulary import Family, Field, FieldType, Subject, Vocabulary


@dataclass(frozen=True)
class Scope:
    """What rules are judged by: the company's day and zone, the analysis, and what other lists hold. `only`: judge just
    these accounts (their internal ids)."""

    today: date
    zone: ZoneInfo
    run_id: int | None
    lists: Callable[[str], Select[Any]]
    country_names: Callable[[str], tuple[str, ...]]
    is_postgres: bool = False
    only: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Join:
    """A table with at most one row per account, joined (outer) where a rule asks for a field of it.

    `name` tells joins apart; `on` is its condition, correlated with `Account`.
    """

    name: str
    table: FromClause
    on: Callable[[Scope], ColumnElement[bool]]


@dataclass(frozen=True)
class Column:
    """The SQL behind a field, or what makes it when it depends on the day. `scale`: stored as whole parts of so many.
    `is_moment`: a moment where rules say a day. `join`: the table it lives in, where that is not the subject's own.
    `follows`: the tracked tables (see `abm.targets.tracking`) whose changes can change the value; None: not known, and
    a list that asks for the field is judged anew as a whole each time."""

    sql: ColumnElement[Any] | Callable[[Scope], ColumnElement[Any]]
    scale: int = 1
    is_moment: bool = False
    join: Join | None = None
    follows: tuple[str, ...] | None = None

    def of(self, scope: Scope) -> ColumnElement[Any]:
        return self.sql if isinstance(self.sql, ColumnElement) else self.sql(scope)

    @property
    def changes_by_day(self) -> bool:
        return not isinstance(self.sql, ColumnElement)


@dataclass(frozen=True)
class Source:
    """A subject with its columns. `usual` counts only what is meant by default (people still there, orders not
    cancelled); a rule that asks for a field in `lifted_by` looks at everything."""

    subject: Subject
    table: FromClause
    account_id: ColumnElement[Any]
    columns: Mapping[str, Column]
    custom: ColumnElement[Any] | None = None
    usual: ColumnElement[bool] | None = None
    lifted_by: frozenset[str] = frozenset()
    follows: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FamilySource:
    """Fields whose names come from the data. `column`: what stands behind one key (the name without the prefix), also
    for a key that the data does not have any more (NULL). `list_keys`: the keys there are now, with people's words."""

    family: Family
    column: Callable[[str], Column]
    list_keys: Callable[[Session], Mapping[str, str]]


_sources: dict[str, Source] = {}
_families: dict[str, FamilySource] = {}


def register(source: Source) -> None:
    """Make a subject known to rules; a second registration of the same name replaces the first."""
    missing = set(source.subject.fields) ^ set(source.columns)
    if missing:
        raise ValueError(f"fields and columns of {source.subject.name} differ: {sorted(missing)}")
    _sources[source.subject.name] = source


def get_source(name: str) -> Source:
    return _sources[name]


def register_family(source: FamilySource) -> None:
    """Make the fields `prefix` + key of the accounts known; a second registration of a prefix replaces the first."""
    _families[source.family.prefix] = FamilySource(source.family, lru_cache(maxsize=500)(source.column),
                                                   source.list_keys)


def find_column(source: Source, name: str) -> Column | None:
    """What stands behind a field of the subject; None for a custom field."""
    if name in source.columns or source.subject.name != "account":
        return source.columns.get(name)
    family = next((each for prefix, each in _families.items() if name.startswith(prefix)), None)
    return family.column(name.removeprefix(family.family.prefix)) if family else None


def list_family_keys(session: Session) -> dict[str, Mapping[str, str]]:
    """The keys that each family has now, with words for people, by prefix."""
    return {prefix: each.list_keys(session) for prefix, each in _families.items()}


@dataclass(frozen=True, slots=True)
class Registered:
    """What is registered now; hashable, so that what is made from it can be kept until more is registered."""

    subjects: tuple[tuple[str, Subject], ...]
    families: tuple[Family, ...]


def registered() -> Registered:
    return Registered(tuple((name, source.subject) for name, source in _sources.items()),
                      tuple(each.family for each in _families.values()))


@lru_cache(maxsize=8)
def _open_vocabulary(known: Registered) -> Vocabulary:
    return Vocabulary(dict(known.subjects), None, None, known.families, None)


def make_vocabulary(*, custom: Mapping[str, frozenset[str]] | None = None, lists: frozenset[str] | None = None,
                    keys: Mapping[str, Mapping[str, str]] | None = None) -> Vocabulary:
    """Everything registered so far. `custom`: the custom fields that the data has, per subject; `keys`: those of each
    family; None: take any name."""
    known = registered()
    if custom is None and lists is None and keys is None:
        return _open_vocabulary(known)
    return Vocabulary(dict(known.subjects), custom, lists, known.families, keys)


def make_fields(prefix: str, group: str, *rows: tuple[str, str, FieldType] | tuple[str, str, FieldType, tuple[str, ...]]
                ) -> dict[str, Field]:
    """Fields from (column, label, type[, choices]) by their full name."""
    made = {}
    for name, label, kind, *choices in rows:
        made[f"{prefix}.{name}"] = Field(f"{prefix}.{name}", label, kind, group,
                                        tuple(map(str, choices[0])) if choices else ())
    return made
