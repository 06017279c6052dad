"""How large a table the parts of a workbook make once a reader lays them out: found by strict XML, in little memory.

A reader keeps a full rectangle up to the last cell, and repeats what an .ods says is repeated; so a small file can ask
for all the memory there is. Positions are followed as the reader follows them: a cell or row without its own number
comes after the one before it.
"""

import re
from collections.abc import Callable
from typing import IO
from xml.parsers.expat import ExpatError, ParserCreate

from core.errors import Refused

_BLOCK = 1 << 20
_MARKS = (b"sheetData", b"table-cell", b"sst")  # no part without one of these holds cells or texts of cells
_LONGEST_MARK = max(map(len, _MARKS))
_PLACE = re.compile(r"\s*([A-Za-z]{0,3})([0-9]{1,10})\s*")
_STAYS_EMPTY = ("number-columns-repeated", "number-rows-repeated", "style-name", "content-validation-name",
                "number-columns-spanned", "number-rows-spanned")
_Attributes = dict[str, str]


class Shape:
    """What was met so far: the last row and column with something in them, and how many shared texts."""

    def __init__(self) -> None:
        self.rows = self.columns = self.texts = 0
        self._row = self._column = 0
        self._next_rows = 0
        self._starts: dict[str, Callable[[_Attributes], None]] = {
            "sheetData": self._start_sheet, "table": self._start_sheet, "row": self._start_row, "c": self._start_cell,
            "si": self._start_text, "table-row": self._start_repeated_row, "table-cell": self._start_repeated_cell,
            "covered-table-cell": self._start_repeated_cell, "p": self._fill,
        }

    @property
    def cells(self) -> int:
        """Of the rectangle up to the last one, and the shared texts, which are kept beside it."""
        return self.rows * self.columns + self.texts

    def start(self, name: str, attributes: _Attributes) -> None:
        met = self._starts.get(name.rpartition(":")[2])
        if met is not None:
            met(attributes)

    def _start_sheet(self, _attributes: _Attributes) -> None:
        self._row = self._column = self._next_rows = 0

    def _start_row(self, attributes: _Attributes) -> None:
        place = _PLACE.fullmatch(attributes.get("r", ""))
        self._row, self._column = int(place[2]) if place else self._row + 1, 0

    def _start_cell(self, attributes: _Attributes) -> None:
        self._column += 1
        place = _PLACE.fullmatch(attributes.get("r", ""))
        if place:
            self._row, self._column = int(place[2]), _column_number(place[1]) or self._column
        self._reach(self._row, self._column)

    def _start_text(self, _attributes: _Attributes) -> None:
        self.texts += 1

    def _start_repeated_row(self, attributes: _Attributes) -> None:
        self._row, self._column = self._row + self._next_rows, 0
        self._next_rows = _times(attributes, "number-rows-repeated")

    def _start_repeated_cell(self, attributes: _Attributes) -> None:
        self._column += _times(attributes, "number-columns-repeated")
        if any(name.rpartition(":")[2] not in _STAYS_EMPTY for name in attributes):
            self._fill(attributes)

    def _fill(self, _attributes: _Attributes) -> None:
        self._reach(self._row + self._next_rows, self._column)

    def _reach(self, row: int, column: int) -> None:
        self.rows, self.columns = max(self.rows, row), max(self.columns, column)


def _times(attributes: _Attributes, wanted: str) -> int:
    said = next((value for name, value in attributes.items() if name.rpartition(":")[2] == wanted), "1").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) < 12 else 1


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def measure(part: IO[bytes], most: int) -> Shape:
    """The shape of one part; reading ends where it has more than `most` cells. Raises Refused: it is no proper XML."""
    shape = Shape()
    if not _has_cells(part):
        return shape
    part.seek(0)
    parser = ParserCreate()
    parser.StartElementHandler = shape.start
    parser.StartDoctypeDeclHandler = _refuse_definitions
    try:
        while (block := part.read(_BLOCK)) and shape.cells <= most:
            parser.Parse(block)
        if not block:
            parser.Parse(b"", True)
    except ExpatError as error:
        raise Refused(f"it holds broken XML: {error}") from error
    return shape


def _refuse_definitions(*_said: object) -> None:
    raise Refused("its XML defines names of its own, which no spreadsheet needs")


def _has_cells(part: IO[bytes]) -> bool:
    rest = b""
    while block := part.read(_BLOCK):
        text = rest + block
        if any(mark in text for mark in _MARKS):
            return True
        rest = text[-_LONGEST_MARK:]
    return False
