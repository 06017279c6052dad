"""The rejects file: refused rows as they were, plus where and why, so that it can be mended and imported again."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from abm.imports.mapping import REJECT_COLUMNS
from abm.imports.tables import Refusal


class RejectsFile:
    """Writes `path` (UTF-8, commas) when the first row comes, or at once with `always`. Cells are not defused: they are
    to come back as they were. What a row has beyond the header stands after the three added columns."""

    def __init__(self, path: Path, header: Sequence[str], *, always: bool = False) -> None:
        self.path = path
        self.count = 0
        self._header = [name for name in header if name not in REJECT_COLUMNS]
        self._kept = [index for index, name in enumerate(header) if name not in REJECT_COLUMNS]
        self._width = len(header)
        self._file: IO[str] | None = None
        self._writer: Any = None
        if always:
            self._open()

    def add(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            if self._writer is None:
                self._open()
            cells = (refusal.row + [""] * self._width)[: self._width]
            self._writer.writerow(
                [
                    *(cells[index] for index in self._kept),
                    refusal.number,
                    refusal.column,
                    refusal.error,
                    *refusal.row[self._width :],
                ]
            )
            self.count += 1

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow([*self._header, *REJECT_COLUMNS])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    @property
    def written(self) -> str | None:
        """The path as text once the file exists."""
        return str(self.path) if self._file else None
