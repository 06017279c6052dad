"""A disk so small that it can be filled, and filling it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from campaigns.room import LEAST_FREE_BYTES

_MEGABYTE = 2**20
_SIZE = 4 * LEAST_FREE_BYTES


@contextmanager
def small_disk(folder: Path, *, size: int = _SIZE) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path, *, leave: int) -> None:
    """Write until only `leave` bytes are free, or nothing more fits."""
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while (free := _free(path.parent)) > leave:
            file.write(b"x" * min(_MEGABYTE, free - leave))
        while not leave:
            file.write(b"x" * 512)


def _free(folder: Path) -> int:
    told = subprocess.run(["stat", "-f", "-c", "%a %S", str(folder)], capture_output=True, text=True, check=True)
    blocks, size = map(int, told.stdout.split())
    return blocks * size
