"""Tables that commands write into files."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.errors import Refused


def write_table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write the whole table or nothing, as CSV or, for a name that ends in .xlsx, for Excel: a half-written file is
    never left behind. How many rows. Raises Refused."""
    from abm.web.spreadsheets import write_csv_bytes, write_xlsx

    write = write_xlsx if file.suffix.casefold() == ".xlsx" else write_csv_bytes
    partial = file.with_name(f".{file.name}.part")
    try:
        with open(partial, "wb") as target:
            count = write(target, columns=columns, rows=rows)
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Refused(f"{file} cannot be written: {error.strerror}; name a file in a folder that exists") from error
    return count
