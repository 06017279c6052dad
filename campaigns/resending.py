"""Messages in doubt, settled by a person (T10): it arrived after all, or it is sent once more.

A resend is an intent of its own, the next generation with a Message-ID of its own; the message in doubt stays in the
books as what it is. The gate, the caps and the suppression list are asked about it as about any other.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from campaigns.events import Said, record_event
from campaigns.models import Campaign, Delivery, Run
from campaigns.states import CampaignState, Channel, DeliveryState, Reason, RunState
from core import clock
from core.errors import NotFound, Refused
from core.jobs import ring_after_commit

IN_DOUBT = (DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL)


def resend(session: Session, *, delivery_id: int, by: str) -> Delivery:
    """Intend the message in doubt once more, due now; the new delivery.

    Raises Refused when it is not in doubt (any more), was sent again before, or its campaign was cancelled.
    """
    doubtful = _in_doubt(session, delivery_id)
    run = session.get_one(Run, doubtful.run_id, with_for_update=True)
    if run.state == RunState.CANCELLED:
        raise Refused("The campaign was cancelled: nothing of it is sent any more")
    again = _next_generation(session, doubtful, clock.now())
    doubtful.state, doubtful.ended_at = DeliveryState.UNKNOWN_FINAL, doubtful.ended_at or clock.now()
    doubtful.reason, doubtful.detail = Reason.RESENT, f"Sent again by {by}. {doubtful.detail or ''}".strip()
    _reopen(session, run)
    ring_after_commit(session, "outreach.drain")
    return again


def confirm_arrival(session: Session, *, delivery_id: int, by: str) -> Delivery:
    """A person knows that the message arrived: it counts as sent. Raises Refused when it is not in doubt."""
    doubtful = _in_doubt(session, delivery_id)
    record_event(session, delivery=doubtful, kind="confirmed", event_key=f"confirmed:{delivery_id}",
                 at=doubtful.first_tried_at, said=Said(text=f"{by} knows that it arrived"))
    session.refresh(doubtful)
    return doubtful


def _in_doubt(session: Session, delivery_id: int) -> Delivery:
    found = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("There is no such message")
    if found.state not in IN_DOUBT:
        raise Refused(f"This message is not in doubt: it is {found.state.replace('_', ' ')}")
    if found.reason == Reason.RESENT:
        raise Refused("This message was sent again already")
    return found


def _next_generation(session: Session, doubtful: Delivery, now: datetime) -> Delivery:
    """One more than the latest; the unique intent refuses a second one made at the same time."""
    latest = session.scalar(select(func.max(Delivery.generation)).where(
        Delivery.run_id == doubtful.run_id, Delivery.position == doubtful.position,
        Delivery.contact_id == doubtful.contact_id)) or doubtful.generation
    copied = {name: getattr(doubtful, name) for name in (
        "run_id", "version_id", "enrolment_id", "account_id", "contact_id", "position", "step", "channel", "address",
        "address_key", "variant", "language")}
    again = Delivery(**copied, generation=latest + 1, state=DeliveryState.QUEUED, due_at=now, planned_at=now)
    session.add(again)
    try:
        session.flush()
    except IntegrityError as error:
        raise Refused("Somebody is sending this message again already") from error
    return again


def _reopen(session: Session, run: Run) -> None:
    """A run that was finished goes on until the message has found its state."""
    if run.state != RunState.FINISHED:
        return
    run.state, run.finished_at = RunState.ACTIVE, None
    campaign = session.get_one(Campaign, run.campaign_id)
    if campaign.state == CampaignState.FINISHED:
        campaign.state = CampaignState.RUNNING


def list_in_doubt(session: Session, campaign_id: int, *, limit: int = 500) -> list[Delivery]:
    """Messages nobody knows the end of and nobody has sent again, the oldest first. Calls are never in doubt."""
    return list(session.scalars(
        select(Delivery)
        .where(*_doubtful(campaign_id), func.coalesce(Delivery.reason, "") != Reason.RESENT.value)
        .order_by(Delivery.first_tried_at, Delivery.id).limit(limit)))


def list_resent(session: Session, campaign_id: int, *, limit: int = 500) -> list[tuple[Delivery, Delivery | None]]:
    """Messages that somebody had sent again, each with the one sent after it; whether the first arrived is unknown
    for good, so it stays in that book, but nobody has to decide anything any more."""
    again = aliased(Delivery)
    rows = session.execute(
        select(Delivery, again)
        .outerjoin(again, and_(again.run_id == Delivery.run_id, again.position == Delivery.position,
                               again.contact_id == Delivery.contact_id, again.generation == Delivery.generation + 1))
        .where(*_doubtful(campaign_id), Delivery.reason == Reason.RESENT)
        .order_by(Delivery.first_tried_at, Delivery.id).limit(limit))
    return [(first, second) for first, second in rows]


def _doubtful(campaign_id: int) -> tuple[ColumnElement[bool], ...]:
    return (Delivery.run_id.in_(select(Run.id).where(Run.campaign_id == campaign_id)), Delivery.state.in_(IN_DOUBT),
            Delivery.channel != Channel.CALL)
