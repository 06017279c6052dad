"""Pulling a source's rows into a file, which is then imported like any other."""

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from abm.imports.actions import LARGEST_UPLOAD
from abm.integrations.json_pages import read_pages
from abm.integrations.sql_rows import read_rows
from core.errors import Refused


def pull_into(path: Path, content: Mapping[str, Any], secret: str) -> int:
    """Write what the source holds as CSV; how many rows. Raises Refused, with no file left behind."""
    try:
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            return _from_sql(file, content["sql"], secret) if "sql" in content else _from_json(file, content, secret)
    except BaseException:  # whatever it was, a file that is written in part must not stay
        path.unlink(missing_ok=True)
        raise


def _from_sql(file: IO[str], way: Mapping[str, Any], secret: str) -> int:
    writer, count = csv.writer(file), -1
    for columns, rows in read_rows(way, secret):
        if count < 0:
            writer.writerow(columns)
            count = 0
        writer.writerows([cell(value) for value in row] for row in rows)
        count += len(rows)
        _refuse_too_much(file)
    return count


def _from_json(file: IO[str], content: Mapping[str, Any], secret: str) -> int:
    """Two passes: which columns there are is known only after the last page."""
    columns: dict[str, None] = {}
    count = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8") as kept:
        for rows in read_pages(content["json"], secret):
            for row in rows:
                columns.update(dict.fromkeys(row))
                kept.write(json.dumps(row) + "\n")
            count += len(rows)
            _refuse_too_much(kept)
        kept.seek(0)
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(_cells(kept, list(columns)))
    return count


def _refuse_too_much(file: IO[str]) -> None:
    if file.tell() > LARGEST_UPLOAD:
        raise Refused("The source holds more than 500 MB; ask it for less, such as for what changed lately")


def _cells(lines: IO[str], columns: list[str]) -> Iterator[list[str]]:
    for line in lines:
        row = json.loads(line)
        yield [cell(row.get(name)) for name in columns]


def cell(value: object) -> str:
    """A value as it stands in a CSV file: empty for none, ISO text for days and moments."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return str(value)
