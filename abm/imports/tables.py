"""What every reader hands on: batches of rows with their numbers, in flat memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

BATCH_ROWS = 5_000
LARGEST_FIELD = 65_536
MOST_COLUMNS = 200
BYTE_ORDER_MARK = "\ufeff"


@dataclass
class Refusal:
    """A row that is not taken: its number and cells as they were, the column (as the file names it), one sentence."""

    number: int
    row: list[str]
    column: str
    error: str


@dataclass
class RawBatch:
    """Some rows of a file as text. A row's number is the line (CSV) or sheet row where it starts; the first is 1."""

    numbers: list[int] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    position: int = 0


@dataclass(frozen=True)
class OpenTable:
    """A file understood as a table. `size` and a batch's `position` share a unit (bytes or rows), for progress."""

    batches: Iterator[RawBatch]
    size: int
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadingOptions:
    """What the person says about the file; empty means: find out. `is_glance`: only its first rows are wanted, so the
    encoding is judged by its beginning."""

    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    is_glance: bool = False


def stored_options(options: Mapping[str, Any]) -> ReadingOptions:
    """What is kept of them on an import."""
    encoding, delimiter, sheet = (str(options.get(name, "")) for name in ("encoding", "delimiter", "sheet"))
    return ReadingOptions(encoding, delimiter, sheet)
