"""E-mail to a folder: each message becomes one .eml file, complete or not there at all. Nothing leaves the machine."""

import os
from collections.abc import Sequence
from pathlib import Path

from campaigns.channels.base import HandOverJournal, MayBegin, Outcome, Outgoing, Result
from campaigns.sending.circuit import Opening
from core import clock


class FolderCarrier:
    """Writes messages as they are handed over. A file is named by its delivery: a second try replaces it."""

    def __init__(self, folder: Path, journal: HandOverJournal, may_begin: MayBegin) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._journal, self._may_begin = folder, journal, may_begin
        self._outcomes: list[Outcome] = []

    def hand_over(self, messages: Sequence[Outgoing]) -> None:
        self._outcomes += [self._store(message) for message in messages]

    def _store(self, message: Outgoing) -> Outcome:
        if not self._may_begin(message):
            return _outcome(message, Result.RETURNED, "stopped before it was begun")
        name = f"{message.delivery_id:010d}.eml"
        unfinished = self._folder / f".{name}.{os.getpid()}"
        try:
            unfinished.write_bytes(message.wire)
            self._journal.begun(message.delivery_id, message.fence)
            unfinished.replace(self._folder / name)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            self._journal.refused(message.delivery_id, message.fence, 0)
            return _outcome(message, Result.DEFERRED, f"the outbox folder cannot be written ({error.strerror})")
        self._journal.accepted(message.delivery_id, message.fence)
        return _outcome(message, Result.SENT, f"written to {name}")

    def outcomes(self, wait: float) -> list[Outcome]:
        known, self._outcomes = self._outcomes, []
        return known

    def in_hand(self) -> int:
        return 0

    def in_slow_lane(self) -> int:
        return 0

    def openings(self) -> list[Opening]:
        return []

    def withdraw(self) -> None:
        """Nothing waits here."""

    def close(self, grace: float) -> None:
        """Nothing is open."""


def _outcome(message: Outgoing, result: Result, text: str) -> Outcome:
    return Outcome(message.delivery_id, message.fence, result, "outbox", None, text, clock.now())
