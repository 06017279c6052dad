"""The first rows of a file, to choose its mapping by."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from abm.imports.opening import open_table
from abm.imports.tables import RawBatch, ReadingOptions
from core.errors import Refused

SHOWN_ROWS = 20
_HEADER_WITHIN = 30


@dataclass(frozen=True)
class Preview:
    """How a file was understood; `header` is its fullest early row."""

    header: list[str]
    rows: list[list[str]]
    encoding: str
    delimiter: str
    sheet: str


def preview_file(path: Path, options: ReadingOptions) -> Preview:
    """Read the start of the file. Raises Refused when it is not a table."""
    table = open_table(path, options)
    first = next(iter(islice(table.batches, 1)), RawBatch())
    if not first.rows:
        raise Refused("The file has no header line")
    filled = [sum(1 for cell in row if cell.strip()) for row in first.rows[:_HEADER_WITHIN]]
    at = filled.index(max(filled))
    header = [cell.strip() for cell in first.rows[at]]
    rows = [[cell[:80] for cell in row[: len(header)]] for row in first.rows[at + 1 : at + 1 + SHOWN_ROWS]]
    return Preview(header, rows, table.encoding, table.delimiter, table.sheet)
