"""When a way out is left alone after failures, and for how long. Pure: moments are arguments."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

MOST_FAILURES = 10
PAUSE_MINUTES = (1, 2, 4, 8, 15)
NO_ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Opening:
    """One try at opening a connection: it worked, or it failed in a phase with a code and words. `wait`: the seconds
    that the other side asks to be left alone for."""

    is_open: bool
    phase: str = ""
    code: int | None = None
    text: str = ""
    wait: float = 0.0

    @property
    def is_login_refused(self) -> bool:
        """SMTP says 5xx, a provider over HTTP 401 or 403; SMTP's 4xx is a passing trouble."""
        return not self.is_open and self.phase == "auth" and ((self.code or 0) >= 500 or self.code in (401, 403))

    @property
    def is_unsafe(self) -> bool:
        """The relay offers no TLS or shows a certificate that is not trusted: somebody has to see to it."""
        return not self.is_open and self.phase in ("starttls", "tls") and not self.code


@dataclass(frozen=True, slots=True)
class Circuit:
    """`failures` in a row; `pauses` in a row, each twice as long as the one before; `until`: when it is tried again."""

    failures: int = 0
    pauses: int = 0
    until: datetime | None = None
    reason: str = ""

    def after(self, openings: Iterable[Opening], at: datetime) -> "Circuit":
        circuit = self
        for opening in openings:
            if not opening.is_open:
                circuit = circuit.failed(opening, at)
            elif not circuit.is_asked_to_wait(at):
                circuit = Circuit()
        return circuit

    def is_asked_to_wait(self, at: datetime) -> bool:
        """By the other side, which then opens connections as ever."""
        return self.until is not None and at < self.until and not self.pauses

    def failed(self, opening: Opening, at: datetime) -> "Circuit":
        """A refused login, a line that is not safe or a message that stays in doubt pauses at once, other failures
        after ten in a row; after a pause the first one does. Who asks to be left alone is, for as long."""
        if self.until is not None and at < self.until:
            return self  # a connection that was under way when the pause began
        words = " ".join(part for part in (f"{opening.phase}:", str(opening.code or ""), opening.text) if part)
        if opening.wait:
            return Circuit(until=at + timedelta(seconds=opening.wait), reason=words[:300])
        failures = self.failures + 1
        is_plain = opening.is_login_refused or opening.is_unsafe or opening.phase == NO_ANSWER
        if not (is_plain or self.pauses or failures >= MOST_FAILURES):
            return replace(self, failures=failures, reason=words[:300])
        minutes = PAUSE_MINUTES[min(self.pauses, len(PAUSE_MINUTES) - 1)]
        return Circuit(failures, self.pauses + 1, at + timedelta(minutes=minutes), words[:300])
