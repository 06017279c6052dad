"""Where each subject's fields live in the database. A higher area adds its own subject with `register`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause

from abm.targets.vocabulary import Field, FieldType, Subject, Vocabulary


@dataclass(frozen=True)
class Column:
    """The SQL behind a field. `scale`: stored as whole parts of so many. `is_moment`: a moment where rules say a day.
    `needs`: what must be joined."""

    sql: ColumnElement[Any]
    scale: int = 1
    is_moment: bool = False
    needs: str = ""


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


_sources: dict[str, Source] = {}


def register(source: Source) -> None:
    """Make a subject known to rules; a second registration of the same name replaces the first."""
    missing = set(source.subject.fields) ^ set(source.columns)
    if missing:
        raise ValueError(f"fields and columns of {source.subject.name} differ: {sorted(missing)}")
    _sources[source.subject.name] = source


def get_source(name: str) -> Source:
    return _sources[name]


def make_vocabulary(*, custom: Mapping[str, frozenset[str]] | None = None,
                    lists: frozenset[str] | None = None) -> Vocabulary:
    """Everything registered so far. `custom`: the custom fields that the data has, per subject; None: take any name."""
    return Vocabulary({name: source.subject for name, source in _sources.items()}, custom, lists)


def make_fields(prefix: str, group: str, *rows: tuple[str, str, FieldType] | tuple[str, str, FieldType, tuple[str, ...]]
                ) -> dict[str, Field]:
    """Fields from (column, label, type[, choices]) by their full name."""
    made = {}
    for name, label, kind, *choices in rows:
        made[f"{prefix}.{name}"] = Field(f"{prefix}.{name}", label, kind, group, choices[0] if choices else ())
    return made
