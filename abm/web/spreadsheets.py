"""Tables out: CSV and XLSX, with cells that a spreadsheet would run made harmless."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

# What a spreadsheet runs, full-width variants included; a line feed because a carriage return becomes one.
_RUNS = re.compile(r"'*[=+\-@\t\r\n\x00＝＋－＠]")
_MARK = "'"
_SHEET_ROWS = 1_048_576
_LONGEST_CELL = 32_767


def defuse(value: object) -> object:
    """Text that a spreadsheet would run gets a leading apostrophe; numbers and dates stay as they are."""
    if isinstance(value, str) and _RUNS.match(value):
        return _MARK + value
    return value


def without_mark(text: str) -> str:
    """The text as it was before `defuse`; imports use it, so that an export comes back unchanged."""
    return text[1:] if text.startswith(_MARK) and _RUNS.match(text) else text


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return defuse(json.dumps(value, ensure_ascii=False))
    # csv quotes a lone carriage return only where lines end with one.
    marked = defuse(value)
    return marked.replace("\r\n", "\n").replace("\r", "\n") if isinstance(marked, str) else marked


def write_csv(file: IO[str], *, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a header and the rows; returns how many rows. Floats in full precision, None empty."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_cell(name) for name in columns])
    count = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    return count


def write_csv_bytes(file: IO[bytes], *, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """The same into a file of bytes, as UTF-8; the file stays open."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    count = write_csv(text, columns=columns, rows=rows)
    text.flush()
    text.detach()
    return count


def write_xlsx(file: IO[bytes], *, columns: Sequence[str], rows: Iterable[Sequence[Any]],
               sheet_rows: int = _SHEET_ROWS) -> int:
    """The same table as a workbook; memory stays flat, and what no sheet can hold goes on on the next one.

    A cell holds at most 32,767 characters, as spreadsheets do; the CSV has all of them."""
    import xlsxwriter

    book = xlsxwriter.Workbook(file, {
        "constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True,
        "default_date_format": "yyyy-mm-dd"})
    header = [_workbook_cell(name) for name in columns]
    sheet, at, count = book.add_worksheet(), 1, 0
    sheet.write_row(0, 0, header)
    for row in rows:
        if at == sheet_rows:
            sheet, at = book.add_worksheet(), 1
            sheet.write_row(0, 0, header)
        sheet.write_row(at, 0, [_workbook_cell(value) for value in row])
        at, count = at + 1, count + 1
    book.close()
    return count


def _workbook_cell(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str):
        return str(defuse(value))[:_LONGEST_CELL]
    return "" if value is None else value
