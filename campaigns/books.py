"""The books of a campaign to the row: how many messages stand in which book, state and for which reason.

planned = sent + suppressed + failed + unknown + queued, and each of them the sum of its lines.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from campaigns.models import Delivery, Run
from campaigns.states import BOOK_OF_STATE, DeliveryState

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


def keep_books(session: Session, campaign_id: int, *, step: str = "") -> Books:
    """Over all runs; of one step alone where it is named. Two statements."""
    chosen: list[ColumnElement[bool]] = [Delivery.run_id.in_(select(Run.id).where(Run.campaign_id == campaign_id))]
    if step:
        chosen.append(Delivery.step == step)
    planned = session.scalar(select(func.count()).select_from(Delivery).where(*chosen)) or 0
    reason = func.coalesce(Delivery.reason, "")
    rows = session.execute(
        select(Delivery.state, reason, func.count(), func.count(Delivery.contact_id.distinct()))
        .where(*chosen).group_by(Delivery.state, reason)).all()
    lines = [BookLine(BOOK_OF_STATE[DeliveryState(state)], state, why, messages, people)
             for state, why, messages, people in rows]
    return Books(planned, tuple(sorted(lines, key=_place)))


def _place(line: BookLine) -> tuple[int, int, str, str]:
    return ORDER.index(line.book), -line.messages, line.state, line.reason
