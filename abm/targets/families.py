"""Fields of accounts whose names the data decide (`scorecard.golden-key`), or that a higher area brings: a line each.

    register_family(Family("scorecard.", find=…, column=…, list_fields=…))
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from abm.targets.sources import Column
from abm.targets.vocabulary import Field

Part = TypeVar("Part")


@dataclass(frozen=True)
class Family:
    """`find` answers the field of a name that could exist, else None; `list_fields` those that there are now."""

    prefix: str
    find: Callable[[str], Field | None]
    column: Callable[[str], Column]
    list_fields: Callable[[Session], Iterable[Field]]


_FAMILIES: dict[str, Family] = {}


def register_family(family: Family) -> None:
    """Make the fields of a prefix known; a repeat replaces them."""
    _FAMILIES[family.prefix] = family


def find_family(name: str) -> Family | None:
    """The family of a field, if its name can be one of it."""
    family = next((one for prefix, one in _FAMILIES.items() if name.startswith(prefix)), None)
    return family if family is not None and family.find(name) is not None else None


def family_fields(session: Session) -> dict[str, Field]:
    """Every field of every family that there is now."""
    return {field.name: field for family in _FAMILIES.values() for field in family.list_fields(session)}


class WithFamilies(Mapping[str, Part], Generic[Part]):
    """The fixed parts (fields or columns) by name; names of families are answered too, but not counted."""

    def __init__(self, fixed: Mapping[str, Part], make: Callable[[Family, str], Part | None]) -> None:
        self._fixed, self._make = fixed, make

    def __getitem__(self, name: str) -> Part:
        if name in self._fixed:
            return self._fixed[name]
        family = find_family(name)
        part = self._make(family, name) if family else None
        if part is None:
            raise KeyError(name)
        return part

    def __iter__(self) -> Iterator[str]:
        return iter(self._fixed)

    def __len__(self) -> int:
        return len(self._fixed)
