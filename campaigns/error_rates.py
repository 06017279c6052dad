"""Too many dead mailboxes or complaints pause a run and say why, before receivers stop believing the sender.

Counted are e-mails that were first tried after `run.watched_from`, which a pause sets: whoever resumes has read the
reason, and the run goes on exactly where it was.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, case, func, or_, select, text
from sqlalchemy.orm import Session

from campaigns import editing
from campaigns.models import Campaign, Delivery, Run
from campaigns.states import Channel, DeliveryState, Reason, RunState
from core import clock

LEAST_TRIED = 100
MOST_BOUNCED = 0.05
MOST_COMPLAINED = 0.003
LEAST_COMPLAINTS = 2
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rates:
    """Of `tried` messages (at least so many) that were accepted or refused for good."""

    tried: int
    bounced: int
    complained: int

    @property
    def objection(self) -> str:
        """Why the run must pause; empty when it need not."""
        if self.tried >= LEAST_TRIED and self.bounced > self.tried * MOST_BOUNCED:
            return (f"{self.bounced:,} of {self.tried:,} messages went to mailboxes that do not exist "
                    f"({self.bounced / self.tried:.1%}, at most {MOST_BOUNCED:.0%}): check where they came from")
        is_known = self.tried >= LEAST_TRIED or self.complained >= LEAST_COMPLAINTS
        if is_known and self.complained and self.complained >= self.tried * MOST_COMPLAINED:
            return (f"{self.complained:,} of {self.tried:,} recipients complained ({self.complained / self.tried:.2%}, "
                    f"less than {MOST_COMPLAINED:.1%} is allowed): check whom it goes to and what it promises")
        return ""


def pause_failing_runs(session: Session) -> list[int]:
    """Pause what receivers take badly; the ids of those runs. Reads little where there is no trouble."""
    paused = []
    for run, bounced, complained in _troubled(session):
        since = run.watched_from or _BEGINNING
        rates = Rates(_count_tried(session, run.id, since, _enough(bounced, complained)), bounced, complained)
        campaign = session.get(Campaign, run.campaign_id)
        if rates.objection and campaign is not None:
            run.watched_from = clock.now()
            session.flush()
            editing.pause(session, campaign=campaign, reason=rates.objection)
            paused.append(run.id)
    return paused


def _troubled(session: Session) -> list[tuple[Run, int, int]]:
    """Active runs with the numbers of their hard bounces and complaints."""
    is_bounce = or_(Delivery.state == DeliveryState.BOUNCED_HARD, Delivery.reason == Reason.HARD_BOUNCE)
    is_complaint = Delivery.state == DeliveryState.COMPLAINED
    counts = (
        select(Delivery.run_id, func.sum(case((is_bounce, 1), else_=0)).label("bounced"),
               func.sum(case((is_complaint, 1), else_=0)).label("complained"))
        .join(Run, Run.id == Delivery.run_id)
        .where(Run.state == RunState.ACTIVE, text("delivery.is_in_trouble"),
               Delivery.first_tried_at > func.coalesce(Run.watched_from, _BEGINNING))
        .group_by(Delivery.run_id).subquery())
    found = session.execute(select(Run, counts.c.bounced, counts.c.complained).join(counts, counts.c.run_id == Run.id))
    return [(run, int(bounced), int(complained)) for run, bounced, complained in found]


def _enough(bounced: int, complained: int) -> int:
    """So many tried messages prove that both rates are low; no more have to be counted."""
    return int(max(bounced / MOST_BOUNCED, complained / MOST_COMPLAINED, LEAST_TRIED)) + 1


def _count_tried(session: Session, run_id: int, since: datetime, most: int) -> int:
    tried: ColumnElement[bool] = or_(Delivery.sent_at.is_not(None), Delivery.state == DeliveryState.FAILED_PERMANENT)
    some = select(Delivery.id).where(Delivery.run_id == run_id, Delivery.channel == Channel.EMAIL, tried,
                                      Delivery.first_tried_at > since).limit(most)
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0
