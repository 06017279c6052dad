"""How much is handed over in one commit: what the relay takes in about a second, measured as it goes."""

import time
from collections.abc import Callable

SMALLEST, FIRST, LARGEST = 20, 100, 500
_WEIGHT = 0.5
_SHORTEST_SECONDS = 0.02


class Pace:
    """A slice bounds what a power cut leaves in doubt; a batch is two slices, so that the gate's answers stay fresh."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rate: float | None = None
        self._since = now()
        self._on_wire = self._answered = 0

    @property
    def slice_size(self) -> int:
        return FIRST if self._rate is None else max(SMALLEST, min(LARGEST, int(self._rate)))

    @property
    def batch_size(self) -> int:
        return 2 * self.slice_size

    def handed(self, messages: int) -> None:
        if not self._on_wire:
            self._since, self._answered = self._now(), 0
        self._on_wire += messages

    def answered(self, messages: int) -> None:
        self._on_wire = max(self._on_wire - messages, 0)
        self._answered += messages
        seconds = self._now() - self._since
        if seconds < _SHORTEST_SECONDS:
            return
        rate = self._answered / seconds
        self._rate = rate if self._rate is None else _WEIGHT * rate + (1 - _WEIGHT) * self._rate
        self._since, self._answered = self._now(), 0
