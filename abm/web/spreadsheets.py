"""Tables out: CSV and XLSX, with cells that a spreadsheet would run made harmless."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import quote

from flask import Response

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\x00", "＝", "＋", "－", "＠")
_MARK = "'"


def defuse(value: object) -> object:
    """Text that a spreadsheet would run gets a leading apostrophe; numbers and dates stay as they are."""
    if isinstance(value, str) and value.startswith(_DANGEROUS):
        return _MARK + value
    return value


def without_mark(text: str) -> str:
    """The text as it was before `defuse`; imports use it, so that an export comes back unchanged."""
    return text[1:] if text.startswith(_MARK) and text[1:].startswith(_DANGEROUS) else text


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    # csv quotes a lone carriage return only where lines end with one.
    return defuse(value.replace("\r\n", "\n").replace("\r", "\n")) if isinstance(value, str) else value


def write_csv(file: IO[str], *, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write a header and the rows; returns how many rows. Floats in full precision, None empty."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    return count


def csv_response(name: str, *, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """A download; `name` without ending. The rows are read while the request's session is open."""
    buffer = io.StringIO()
    write_csv(buffer, columns=columns, rows=rows)
    return _download(iter([buffer.getvalue().encode()]), f"{name}.csv", "text/csv; charset=utf-8")


def xlsx_response(name: str, *, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """The same table as a workbook; memory stays flat."""
    import xlsxwriter

    with SpooledTemporaryFile(max_size=10_000_000) as file:
        book = xlsxwriter.Workbook(
            file,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "default_date_format": "yyyy-mm-dd",
            },
        )
        sheet = book.add_worksheet()
        for index, row in enumerate([columns, *rows]):
            sheet.write_row(index, 0, [_workbook_cell(value) for value in row])
        book.close()
        file.seek(0)
        content = file.read()
    return _download(
        iter([content]), f"{name}.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )


def _workbook_cell(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return "" if value is None else defuse(value)


def _download(chunks: Iterator[bytes], file_name: str, content_type: str) -> Response:
    response = Response(chunks, content_type=content_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file_name)}"
    return response
