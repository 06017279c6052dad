"""The first rows of a file, to choose its mapping by."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path

from abm.imports.opening import bare_name, open_table
from abm.imports.tables import RawBatch, ReadingOptions
from core.errors import Refused

SHOWN_ROWS = 8
_HEADER_WITHIN = 30
_REMEMBERED = 32
_READ = 500  # thousandths of the way when every row has been read


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
    """Read the start of the file. Raises Refused when it is not a table.

    The latest ones are remembered: a workbook has to be read whole for its first rows, which takes seconds.
    """
    try:
        found = path.stat()
    except OSError:
        raise Refused(f"There is no file {path}") from None
    return _preview(path, replace(options, is_glance=True), (found.st_mtime_ns, found.st_size))


@lru_cache(maxsize=_REMEMBERED)
def _preview(path: Path, options: ReadingOptions, _state: tuple[int, int]) -> Preview:
    table = open_table(path, options)
    try:
        first = next(iter(islice(table.batches, 1)), RawBatch())
    except UnicodeError as error:
        raise Refused(f"{path.name} is not {table.encoding} text; name its encoding, or save it as UTF-8") from error
    if not first.rows:
        raise Refused("The file has no header line")
    filled = [sum(1 for cell in row if cell.strip()) for row in first.rows[:_HEADER_WITHIN]]
    at = filled.index(max(filled))
    header = [bare_name(cell) for cell in first.rows[at]]
    rows = [[cell[:80] for cell in row[: len(header)]] for row in first.rows[at + 1 : at + 1 + SHOWN_ROWS]]
    return Preview(header, rows, table.encoding, table.delimiter, table.sheet, table.sheets)


def what_is_done(state: str, progress: int, merged: int) -> str:
    """In a sentence: what an import that is under way does now."""
    if state == "waiting":
        return (f"Its worker ended; it goes on behind the {merged:,} rows that are in as soon as a worker is free."
                if merged else "It waits for a worker: what was asked for earlier goes first.")
    if progress >= _READ:
        return f"Step 2 of 2: bringing the rows in, {merged:,} so far."
    return ("Step 1 of 2: reading and checking the rows"
            + (f" again; the {merged:,} that are in already are not brought in twice." if merged else "."))


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
