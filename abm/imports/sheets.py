"""Reading .xlsx and .ods, after making sure that the file cannot swell when it is unpacked."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from abm.imports.sheet_shapes import measure
from abm.imports.tables import BATCH_ROWS, LARGEST_FIELD, OpenTable, RawBatch, ReadingOptions, Refusal
from core.errors import Refused

_MOST_ENTRIES = 1_000
_LARGEST_RATIO = 100
_MOST_UNPACKED = 200 * 1024 * 1024
_MOST_CELLS = 8_000_000
_BLOCK = 1 << 20


def open_sheet(path: Path, options: ReadingOptions) -> OpenTable:
    """The rows of one sheet, the first unless another is named. Raises Refused: damaged, swelling, no such sheet."""
    _refuse_bombs(path)
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(path))
        names = list(book.sheet_names)
        name = _sheet_name(path, names, options.sheet)
        sheet = book.get_sheet_by_name(name)
    except CalamineError as error:
        if "detect file format" in str(error):
            raise Refused(f"{path.name} is an archive; unpack it and import the table in it") from error
        raise Refused(
            f"{path.name} cannot be read as a spreadsheet ({error}); save it again as .xlsx or as CSV"
        ) from error
    return OpenTable(_batches(sheet), size=sheet.total_height, encoding="", sheet=name, sheets=tuple(names))


def _sheet_name(path: Path, names: list[str], asked: str) -> str:
    if not names:
        raise Refused(f"{path.name} has no sheet")
    if not asked:
        return names[0]
    for name in names:
        if name.casefold() == asked.casefold():
            return name
    raise Refused(f"{path.name} has no sheet called {asked!r}; it has {', '.join(names[:10])}")


def _refuse_bombs(path: Path) -> None:
    """Look at sizes and claimed dimensions before anything is parsed."""
    try:
        with zipfile.ZipFile(path) as package:
            entries = package.infolist()
            _refuse_swelling(path, entries)
            for entry in entries:  # whatever a part is called, the reader can be led to it
                with package.open(entry) as part:
                    _refuse_wide_sheet(path, part)
    except Refused as error:
        raise Refused(str(error) if path.name in str(error) else f"{path.name} is damaged: {error}") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, RuntimeError, OSError) as error:
        raise Refused(f"{path.name} is damaged or protected ({error}); save it again as .xlsx or as CSV") from error


def _refuse_swelling(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    swollen = any(
        entry.file_size > _LARGEST_RATIO * max(entry.compress_size, 1) and entry.file_size > _BLOCK for entry in entries
    )
    if len(entries) > _MOST_ENTRIES or unpacked > _MOST_UNPACKED or swollen:
        raise Refused(
            f"{path.name} unpacks to more than a spreadsheet should (limit 200 MB, 1,000 parts, 100 times its "
            "size); save the table as CSV"
        )


def _refuse_wide_sheet(path: Path, part: IO[bytes]) -> None:
    shape = measure(part, _MOST_CELLS)
    if shape.cells > _MOST_CELLS:
        raise Refused(
            f"{path.name} has cells as far out as row {shape.rows:,}, column {shape.columns:,}; delete what lies "
            "outside the table"
            if shape.rows * shape.columns > _MOST_CELLS
            else f"{path.name} has more than {_MOST_CELLS:,} texts; save the table as CSV"
        )


def _batches(sheet: Any) -> Iterator[RawBatch]:
    batch = RawBatch()
    first = (sheet.start or (0, 0))[0]
    for number, cells in enumerate(sheet.iter_rows(), start=first + 1):
        row = [cell_text(cell) for cell in cells]
        if any(len(text) > LARGEST_FIELD for text in row):
            batch.refused.append(
                Refusal(
                    number,
                    [text[:LARGEST_FIELD] for text in row],
                    "",
                    f"a field has more than {LARGEST_FIELD:,} characters",
                )
            )
        elif any(row):
            batch.numbers.append(number)
            batch.rows.append(row)
        if len(batch.rows) >= BATCH_ROWS:
            batch.position = number
            yield batch
            batch = RawBatch()
    batch.position = sheet.total_height
    yield batch


def cell_text(cell: Any) -> str:
    """A cell as it would stand in a CSV file: whole numbers without `.0`, dates as ISO text, true or false."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell) if isinstance(cell, int | time | timedelta) else ""
