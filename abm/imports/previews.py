"""The first rows of a file, to choose its mapping by."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from abm.imports.opening import open_table
from abm.imports.tables import RawBatch, ReadingOptions
from core.errors import Refused

SHOWN_ROWS = 8
_HEADER_WITHIN = 30


@dataclass(frozen=True)
class Preview:
    """How a file was understood; `header` is its fullest early row."""

    header: list[str]
    rows: list[list[str]]
    encoding: str
    delimiter: str
    sheet: str
    sheets: tuple[str, ...] = ()


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
    return Preview(header, rows, table.encoding, table.delimiter, table.sheet, table.sheets)


def time_left(progress: int, started_at: datetime | None, now: datetime) -> str:
    """In words, as soon as it can be told: by the time that the first thousandths took."""
    if started_at is None or progress < 30:
        return ""
    seconds = (now - started_at).total_seconds() * (1000 - progress) / progress
    return "a few seconds left" if seconds < 10 else f"about {_in_words(seconds)} left"


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f"{round(seconds, -1):.0f} seconds"
    return f"{seconds / 60:.0f} minutes"
