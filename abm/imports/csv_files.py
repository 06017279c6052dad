"""Reading CSV in its many forms: separators, line ends, quotes, line breaks inside quotes.

A row that breaks the rules of CSV is refused by itself: reading starts again on the line after the one where it began.
"""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import IO, Any

from abm.imports.encodings import detect_encoding
from abm.imports.tables import BATCH_ROWS, LARGEST_FIELD, OpenTable, RawBatch, ReadingOptions, Refusal
from core.errors import Refused

DELIMITERS = (",", ";", "\t", "|")
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_SAMPLE_LINES = 200


def open_csv(path: Path, options: ReadingOptions) -> OpenTable:
    """The rows of a text file. Raises Refused when it is not text or is empty."""
    encoding = detect_encoding(path, options.encoding, is_glance=options.is_glance)
    delimiter = _asked_delimiter(options.delimiter) or detect_delimiter(_first_lines(path, encoding))
    return OpenTable(
        _batches(path, encoding, delimiter), size=path.stat().st_size, encoding=encoding, delimiter=delimiter
    )


def _asked_delimiter(text: str) -> str:
    delimiter = _NAMES.get(text.casefold(), text)
    if len(delimiter) > 1 or delimiter in ('"', "\n", "\r"):
        raise Refused(f"{text!r} cannot separate columns; use one of , ; | or TAB")
    return delimiter


def _first_lines(path: Path, encoding: str) -> list[str]:
    with _text(path, encoding) as file:
        return list(islice(file, _SAMPLE_LINES))


def _text(path: Path, encoding: str) -> TextIOWrapper:
    """Line ends stay as they are (the csv module reads all three kinds); foreign bytes become lone surrogates."""
    return path.open("r", encoding=encoding, errors="surrogateescape", newline="")


def detect_delimiter(lines: list[str]) -> str:
    """The separator that cuts most rows into the same number of columns, more columns winning a tie; else a comma."""
    scores = {delimiter: _evenness(lines, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: scores[delimiter])
    return best if scores[best] > (0, 0) else ","


def _evenness(lines: list[str], delimiter: str) -> tuple[float, int]:
    """(share of rows with the commonest width above one, that width)."""
    widths = []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            if any(row):
                widths.append(len(row))
    except csv.Error:
        widths = widths or [1]
    if not widths:
        return 0, 0
    width = max(set(widths), key=lambda value: (widths.count(value) * (value > 1), value))
    return (round(widths.count(width) / len(widths), 2), width) if width > 1 else (0, 0)


class _Lines:
    """Lines for the csv reader, kept since the last batch began so that reading can go back to one of them."""

    def __init__(self, file: TextIOWrapper) -> None:
        self._file = file
        self._kept: list[str] = []
        self._next = 0
        self._before = 0

    def __iter__(self) -> Iterator[str]:
        while True:
            while self._next < len(self._kept):
                self._next += 1
                yield self._kept[self._next - 1]
            more = list(islice(self._file, BATCH_ROWS))
            if not more:
                return
            self._kept += more

    @property
    def number(self) -> int:
        """How many lines have been given out."""
        return self._before + self._next

    @property
    def position(self) -> int:
        """Bytes read from the file so far, with what is read ahead."""
        raw: IO[bytes] = self._file.buffer  # type: ignore[assignment]
        return raw.tell()

    def take(self) -> list[str]:
        """The lines of a batch, given out at once."""
        while len(self._kept) - self._next < BATCH_ROWS and (more := list(islice(self._file, BATCH_ROWS))):
            self._kept += more
        taken = self._kept[self._next : self._next + BATCH_ROWS]
        self._next += len(taken)
        return taken

    def forget(self) -> None:
        self._before += self._next
        self._kept = self._kept[self._next :]
        self._next = 0

    def go_back_to(self, number: int) -> str:
        """Give out the line after `number` next; returns line `number`."""
        self._next = number - self._before
        return self._kept[self._next - 1] if self._next else ""


def _batches(path: Path, encoding: str, delimiter: str) -> Iterator[RawBatch]:
    csv.field_size_limit(LARGEST_FIELD)
    with _text(path, encoding) as file:
        lines = _Lines(file)
        while batch := _next_batch(lines, delimiter):
            batch.position = lines.position
            yield batch


def _next_batch(lines: _Lines, delimiter: str) -> RawBatch | None:
    lines.forget()
    return _batch_of_lines(lines, delimiter) or _batch_by_row(lines, delimiter)


def _batch_of_lines(lines: _Lines, delimiter: str) -> RawBatch | None:
    """The quick way, for lines that are a row each; None, with nothing given out, where they are not."""
    begun = lines.number
    taken = lines.take()
    try:
        rows: list[list[str]] = list(csv.reader(taken, delimiter=delimiter, strict=True))
    except csv.Error:
        rows = []
    if taken and len(rows) == len(taken) and all(rows):
        return RawBatch(list(range(begun + 1, begun + 1 + len(rows))), rows)
    lines.go_back_to(begun)
    return None


def _batch_by_row(lines: _Lines, delimiter: str) -> RawBatch | None:
    """Row by row, where quoted line breaks, empty lines or broken rows stand between."""
    batch = RawBatch()
    begun = lines.number
    reader: Any = csv.reader(iter(lines), delimiter=delimiter, strict=True)
    offset = end = begun
    try:
        for row in islice(reader, BATCH_ROWS):
            if row:
                batch.numbers.append(end + 1)
                batch.rows.append(row)
            end = offset + reader.line_num
    except csv.Error as error:
        line = lines.go_back_to(end + 1)
        batch.refused.append(_refusal(end + 1, line, delimiter, str(error)))
    return batch if lines.number > begun else None


def _refusal(number: int, line: str, delimiter: str, error: str) -> Refusal:
    sentence = {
        "unexpected end of data": "a quotation mark is opened and never closed",
        f"'{delimiter}' expected after '\"'": "a quotation mark inside quotes must be written twice",
    }.get(error, error)
    if "field larger" in error:
        sentence = f"a field has more than {LARGEST_FIELD:,} characters, or a quotation mark is never closed"
    return Refusal(number, line.rstrip("\r\n")[:LARGEST_FIELD].split(delimiter), "", sentence)
