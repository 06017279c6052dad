"""The books of a campaign to the row: how many messages stand in which book, state and for which reason.

planned = sent + suppressed + failed + unknown + queued, and each of them the sum of its lines.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.models import Delivery
from campaigns.states import BOOK_OF_STATE, DeliveryState
from campaigns.tally import Tally, count_people_by_line, of_campaign

ORDER = ("sent", "suppressed", "failed", "unknown", "queued")


@dataclass(frozen=True, slots=True)
class BookLine:
    """Messages in one state for one reason; `reason` is empty where there is none."""

    book: str
    state: str
    reason: str
    messages: int
    people: int


@dataclass(frozen=True, slots=True)
class Books:
    planned: int
    lines: tuple[BookLine, ...]

    def of(self, book: str) -> tuple[BookLine, ...]:
        return tuple(line for line in self.lines if line.book == book)

    def total(self, book: str) -> int:
        return sum(line.messages for line in self.of(book))

    @property
    def is_balanced(self) -> bool:
        """`planned` is counted on its own, so that this says something."""
        return self.planned == sum(line.messages for line in self.lines)

    def as_json(self) -> dict[str, Any]:
        return {"planned": self.planned, "balanced": self.is_balanced,
                "books": {book: self.total(book) for book in ORDER},
                "lines": [{"book": line.book, "state": line.state, "reason": line.reason, "messages": line.messages,
                           "people": line.people} for line in self.lines]}


def keep_books(session: Session, tally: Tally) -> Books:
    people = count_people_by_line(session, tally)
    messages: Counter[tuple[DeliveryState, str]] = Counter()
    for one in tally.lines:
        messages[one.state, one.reason] += one.messages
    lines = [BookLine(BOOK_OF_STATE[state], state, reason, count, people.get((state, reason), 0))
             for (state, reason), count in messages.items()]
    planned = session.scalar(select(func.count()).select_from(Delivery)
                             .where(*of_campaign(tally.campaign_id, tally.step))) or 0
    return Books(planned, tuple(sorted(lines, key=_place)))


def _place(line: BookLine) -> tuple[int, int, str, str]:
    return ORDER.index(line.book), -line.messages, line.state, line.reason
