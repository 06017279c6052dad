"""Content of text and values alone, cut into pieces at compile time: filling it in is one formatting of a text."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from markupsafe import escape

from campaigns.personalisation import BadValue
from campaigns.sandbox_filters import printable
from campaigns.sandbox_rules import Path

Flat = Sequence[Any]
Filler = Callable[[Flat], str]
MAX_OUTPUT = 1_000_000
_MOST_BARE, _MOST_FILTERED = 200, 20  # values of at most 10,000 characters, texts of filters of at most 100,000
_SPECIAL = re.compile("[&<>'\"]")


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints a value of a part. `place`: where in the part's values the only one is that the text depends on, None for
    several; `path`: its name; `is_bare`: it is printed as it is, without a filter."""

    prints: Filler
    place: int | None = None
    path: Path | None = None
    is_bare: bool = False

    @property
    def is_shared(self) -> bool:
        """Whether several people may have the same value; names of one part are made for each message."""
        return self.path is not None and len(self.path) > 1 and not self.path[0].startswith("_")


Piece = str | Printer


def printer_of(value: Callable[[Flat], Any], *, is_html: bool) -> Filler:
    """Prints what `value` answers; in HTML with its special characters escaped."""

    def as_text(flat: Flat) -> str:
        found = value(flat)
        return found if type(found) is str else str(printable(found))

    def as_html(flat: Flat) -> str:
        return _in_html(value(flat))

    return as_html if is_html else as_text


def filler_of(pieces: Sequence[Piece], *, is_html: bool) -> Filler:
    """All pieces in one text. Where values are printed as they are, which is most content, Python's own formatting
    puts them in: it is several times quicker than a call for each. Raises BadValue above `MAX_OUTPUT` characters where
    so much could come together."""
    printers = [piece for piece in pieces if isinstance(piece, Printer)]
    places = [piece.place for piece in printers if piece.is_bare and piece.place is not None]
    form = "".join(piece.replace("%", "%%") if isinstance(piece, str) else "%s" for piece in pieces)
    if len(printers) > (_MOST_BARE if len(places) == len(printers) else _MOST_FILTERED):
        return lambda flat: join_bounded(piece if isinstance(piece, str) else piece.prints(flat) for piece in pieces)
    if len(places) < len(printers):
        printing = [printer.prints for printer in printers]
        return lambda flat: form % tuple([prints(flat) for prints in printing])
    pick = picker_of(places)
    if is_html:
        return lambda flat: form % _escaped(pick(flat))
    return lambda flat: form % pick(flat)


def join_bounded(made: Iterable[str]) -> str:
    """One text of the parts as they are made; never more than a little above the limit is, however often a long value
    is named. Raises BadValue."""
    parts, length = [], 0
    for part in made:
        length += len(part)
        if length > MAX_OUTPUT:
            raise BadValue("The message would be larger than 1 MB")
        parts.append(part)
    return "".join(parts)


def picker_of(places: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """The values at these places of a sequence, or of these keys of a dict, in this order."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda flat: tuple([flat[place] for place in places])


def _escaped(values: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        if not _SPECIAL.search("\n".join(values)):
            return values
    except TypeError:  # not all of them are text
        pass
    return tuple([_in_html(value) for value in values])


def _in_html(value: Any) -> str:
    if type(value) is str and not _SPECIAL.search(value):
        return value
    return str(escape(printable(value)))
