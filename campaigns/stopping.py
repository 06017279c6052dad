"""Taking people out of running campaigns when something happened: a reply, an order, a meeting, an opt-out."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from campaigns import stops
from campaigns.conditions import MEETING
from campaigns.facts import RunFacts
from campaigns.inserting import insert_ignoring
from campaigns.models import Delivery, Enrolment, Event
from campaigns.outside import outside
from campaigns.runs import list_run_facts
from campaigns.states import DeliveryState, EnrolmentState, Reason, RunState
from core import clock

# What a campaign's `stop_when` calls it. A reason that is not here stops in every campaign.
_TRIGGER = {Reason.REPLIED: "reply", Reason.ORDERED: "order", Reason.MET: "meeting", Reason.OPTED_OUT: "opt_out",
            Reason.UNSUBSCRIBED: "opt_out", Reason.COMPLAINED: "complaint", Reason.HARD_BOUNCE: "hard_bounce"}
_OPEN_RUNS = (RunState.PLANNING, RunState.ACTIVE, RunState.PAUSED)
STOPPABLE = (DeliveryState.PLANNED, DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.CLAIMED,
             DeliveryState.RENDERED)
_AT_ONCE = 5_000


def stop_people(session: Session, *, reason: Reason, at: datetime, contact_ids: Collection[int] = (),
                account_ids: Collection[int] = (), purpose: str | None = None) -> int:
    """End the way of these people (and of everybody at these accounts) through every open run whose `stop_when` names
    the reason; how many enrolments ended.

    Their deliveries that were not handed over yet are cancelled with the reason, also those a worker has claimed.
    `purpose` limits it to campaigns of that purpose; None or `*` means all.
    """
    runs = [run for run in list_run_facts(session, states=_OPEN_RUNS)
            if _stops_on(run, reason) and purpose in (None, "*", run.purpose)]
    if not runs or not (contact_ids or account_ids):
        return 0
    whom = or_(Enrolment.contact_id.in_(set(contact_ids)), Enrolment.account_id.in_(set(account_ids)))
    return _stop(session, [run.run_id for run in runs], whom, reason, at)


def note_meeting(session: Session, *, account_id: int, contact_id: int | None, at: datetime, key: str) -> int:
    """A meeting with the account is agreed: kept as an event (once per `key`), and everybody there stops where the
    campaign stops on meetings; how many enrolments ended."""
    insert_ignoring(session, Event, [{"event_key": f"meeting:{key}", "account_id": account_id, "contact_id": contact_id,
                                      "kind": MEETING, "at": at}])
    return stop_people(session, reason=Reason.MET, at=at, account_ids=[account_id])


def _stops_on(run: RunFacts, reason: Reason) -> bool:
    return _TRIGGER.get(reason) is None or _TRIGGER[reason] in run.definition.stop_when


def _stop(session: Session, run_ids: list[int], whom: ColumnElement[bool], reason: Reason, at: datetime) -> int:
    # Held-out people keep the mark that tells them from the others.
    end_reason = func.coalesce(Enrolment.end_reason, reason.value)
    ended = session.connection().execute(
        update(Enrolment).where(Enrolment.run_id.in_(run_ids), Enrolment.state == EnrolmentState.ACTIVE, whom)
        .values(state=EnrolmentState.STOPPED, ended_at=at, end_reason=end_reason, next_due_at=None)
        .returning(Enrolment.run_id, Enrolment.contact_id)).all()
    cancelled = cancel_deliveries(session, ended, reason, at)
    if cancelled:
        stops.bump(session)
    return len(ended)


def cancel_deliveries(session: Session, people: Iterable[tuple[int, int]], reason: Reason, at: datetime) -> int:
    """Cancel what was not handed over of these (run id, contact id) pairs (T13); how many deliveries."""
    by_run: dict[int, list[int]] = {}
    for run_id, contact_id in people:
        by_run.setdefault(run_id, []).append(contact_id)
    return sum(
        session.connection().execute(
            update(Delivery).where(Delivery.run_id == run_id, Delivery.contact_id.in_(contacts),
                                   Delivery.state.in_(STOPPABLE))
            .values(state=DeliveryState.CANCELLED, reason=reason.value, detail=None, ended_at=at)).rowcount
        for run_id, contacts in by_run.items())


def stop_people_who_ordered(session: Session, now: datetime | None = None) -> int:
    """The sweep behind `stop_when: [order]`: people of accounts that have ordered since they were enrolled."""
    at, stopped = now or clock.now(), 0
    for run in list_run_facts(session, states=_OPEN_RUNS):
        if "order" not in run.definition.stop_when:
            continue
        accounts = session.execute(
            select(Enrolment.account_id, func.min(Enrolment.enrolled_at))
            .where(Enrolment.run_id == run.run_id, Enrolment.state == EnrolmentState.ACTIVE)
            .group_by(Enrolment.account_id)).all()
        for start in range(0, len(accounts), _AT_ONCE):
            ordered = outside().people.ordered_since(session, dict(accounts[start:start + _AT_ONCE]))
            if ordered:
                stopped += _stop(session, [run.run_id], Enrolment.account_id.in_(ordered), Reason.ORDERED, at)
    return stopped
