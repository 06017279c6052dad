"""The columns of one kind of file: their names, how a cell becomes a value, which must be there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Field:
    """One canonical column. Without `parse` it is text of at most `limit` characters.

    `parse` turns the text of a cell that is not empty into the stored value or raises BadValue; `is_number`: it also
    takes `comma_is_decimal`. `hint` is for the mapping page.
    """

    name: str
    parse: Callable[..., Any] | None = None
    limit: int = 200
    is_number: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Layout:
    """A kind of file. Every row needs all of `required` and all columns of at least one set of `one_of`."""

    kind: str
    fields: tuple[Field, ...]
    required: tuple[str, ...]
    one_of: tuple[tuple[str, ...], ...] = ()
    takes_custom: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields)

    def field(self, name: str) -> Field:
        return next(field for field in self.fields if field.name == name)

    def missing(self, present: set[str]) -> list[str]:
        """What has to be said is missing, in words, when only the columns `present` are there."""
        lacking = [name for name in self.required if name not in present]
        if self.one_of and not any(set(names) <= present for names in self.one_of):
            lacking.append(" or ".join(" and ".join(names) for names in self.one_of))
        return lacking
