"""Opening a file as a table, by what it is and not by what it is called, and finding its header."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from abm.imports.csv_files import open_csv
from abm.imports.mapping import Mapping, Plan, plan_columns
from abm.imports.sheets import open_sheet
from abm.imports.tables import BYTE_ORDER_MARK, MOST_COLUMNS, OpenTable, RawBatch, ReadingOptions
from core.errors import InvalidInput, Refused

_HEADER_WITHIN = 30
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True)
class HeadedTable:
    """A table whose header is known; `batches` holds the rows below it. `plan` says where each field comes from."""

    header: list[str]
    plan: Plan
    batches: Iterator[RawBatch]
    table: OpenTable


def open_table(path: Path, options: ReadingOptions) -> OpenTable:
    """Any file as rows of text. Raises Refused with a sentence where it is not a table."""
    if not path.is_file():
        raise Refused(f"There is no file {path}")
    with path.open("rb") as file:
        magic = file.read(4)
    if not magic:
        raise Refused(f"{path.name} is empty; it needs a header line and rows")
    if magic.startswith(b"PK\x03\x04"):
        return open_sheet(path, options)
    if magic == _OLD_OFFICE:
        raise Refused(
            f"{path.name} is an old Office file (.xls) or protected by a password; save it as .xlsx or as CSV"
        )
    return open_csv(path, options)


def find_header(name: str, table: OpenTable, mapping: Mapping) -> HeadedTable:
    """The first row that names every required column is the header, so that titles above it do no harm.

    Raises Refused or InvalidInput, with the reason for the first row that looks like a header, where there is none.
    """
    batches = iter(table.batches)
    first = next(batches, RawBatch())
    if not first.rows:
        raise Refused(f"{name} has no header line")
    failure: Refused | None = None
    for index, row in enumerate(first.rows[:_HEADER_WITHIN]):
        header = [bare_name(cell) for cell in _without_empty_end(row)]
        if not header:
            continue
        try:
            plan = plan_columns(name, header, mapping)
        except Refused as error:
            failure = failure or error
            continue
        if len(header) > MOST_COLUMNS:
            raise Refused(f"{name} has {len(header):,} columns; {MOST_COLUMNS} are read at most")
        rest = replace(first, numbers=first.numbers[index + 1 :], rows=first.rows[index + 1 :])
        return HeadedTable(header, plan, _chain(rest, batches), table)
    raise failure or InvalidInput(f"{name} has no header line")


def bare_name(cell: str) -> str:
    """The name of a column: files that were put together hold byte order marks in the middle."""
    return cell.strip().strip(BYTE_ORDER_MARK).strip()


def _without_empty_end(row: list[str]) -> list[str]:
    end = len(row)
    while end and not row[end - 1].strip():
        end -= 1
    return row[:end]


def _chain(first: RawBatch, rest: Iterator[RawBatch]) -> Iterator[RawBatch]:
    yield first
    yield from rest
