"""How long the disk itself makes somebody wait: a process of its own rewrites and syncs a small file every 20 ms.

What another writer waits beside a benchmark holds the disk's own waits, which on a shared machine may be seconds
whatever the product does. `DiskWaits.within` tells them for a span of time, so that both can be shown.
"""

import os
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PAUSE, BLOCK, USUAL_SECONDS = 0.02, b"\0" * 8_192, 0.01


@dataclass
class DiskWaits:
    """Syncs as (began, ended) on the host's monotonic clock, in order. Filled when the watch ends."""

    spans: list[tuple[float, float]] = field(default_factory=list)

    def longest(self) -> float:
        """Seconds."""
        return max((ended - began for began, ended in self.spans), default=0.0)

    def within(self, began: float, ended: float) -> float:
        """Seconds of a span during which the disk kept a small file waiting for longer than usual."""
        first = max(bisect_left(self.spans, (began, began)) - 1, 0)
        waited = 0.0
        for start, end in self.spans[first:]:
            if start >= ended:
                break
            if end - start > USUAL_SECONDS:
                waited += max(0.0, min(end, ended) - max(start, began))
        return waited


@contextmanager
def watch_disk(folder: str) -> Iterator[DiskWaits]:
    """The waits of the disk that holds `folder`, while the block runs."""
    waits = DiskWaits()
    with tempfile.TemporaryFile("w+") as said:
        watcher = subprocess.Popen([sys.executable, "-m", "bench.disk_waits", folder], stdout=said,
                                   cwd=Path(__file__).resolve().parent.parent)
        try:
            yield waits
        finally:
            watcher.terminate()
            watcher.wait()
            said.seek(0)
            for line in said.read().splitlines():
                began, _, ended = line.partition(" ")
                if ended:
                    waits.spans.append((float(began), float(ended)))


def _watch(folder: str) -> None:
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        while True:
            time.sleep(PAUSE)
            began = time.perf_counter()
            os.pwrite(file.fileno(), BLOCK, 0)
            os.fdatasync(file.fileno())
            print(began, time.perf_counter(), flush=True)


if __name__ == "__main__":
    _watch(sys.argv[1])
