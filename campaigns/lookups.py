"""All values of a message, looked up once and dealt out to its parts."""

from collections.abc import Sequence
from itertools import chain, groupby
from typing import Any

from campaigns.filling import Flat, picker_of
from campaigns.personalisation import MAX_VALUE_LENGTH, Values
from campaigns.sandbox_filters import look_up_or_blank
from campaigns.sandbox_rules import Path

_TEXT = {str}


class Lookups:
    """The names of several parts. Safe to share between threads."""

    def __init__(self, parts: Sequence[Sequence[Path]]) -> None:
        self._paths = sorted(set(chain.from_iterable(parts)), key=lambda path: (path[:-1], path[-1]))
        self._picks = [(prefix, picker_of([path[-1] for path in paths]))
                       for prefix, paths in groupby(self._paths, lambda path: path[:-1])]
        self._deals = [picker_of([self._paths.index(path) for path in part]) for part in parts]

    def deal(self, values: Values, missing: list[str]) -> list[Flat]:
        """For each part its values, in the order of its names; what is printed and not known is added to `missing`.
        Raises BadValue."""
        found = self._find(values)
        if not _is_all_text(found):
            found = [look_up_or_blank(values, path, missing) for path in self._paths]
        return [deal(found) for deal in self._deals]

    def _find(self, values: Values) -> list[Any]:
        """What is there, as it is; nothing when a name is missing."""
        found: list[Any] = []
        try:
            for prefix, pick in self._picks:
                holder = values
                for part in prefix:
                    holder = holder[part]
                found += pick(holder)
        except (KeyError, TypeError):
            return []
        return found


def _is_all_text(found: list[Any]) -> bool:
    """Whether each is a text that `look_up` would answer as it is: nearly always so, and seen in a few steps for all
    of them together."""
    return set(map(type, found)) == _TEXT and all(map(str.strip, found)) and len("".join(found)) <= MAX_VALUE_LENGTH
