"""Calls and visits that campaigns ask for: made with the hand-over, dropped when the campaign no longer wants them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, String, and_, case, cast, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.queries import get_company
from abm.users.models import User
from abm.work.models import Task
from campaigns.models import Delivery, Enrolment
from campaigns.outside import CallRequest
from campaigns.states import DeliveryState, EnrolmentState, Reason
from core import clock
from core.db import is_postgres

ACCOUNT_OWNER = "account_owner"
CAMPAIGN = "campaign"
PROMISED = "call_back"


def create_call_tasks(session: Session, *, requests: Sequence[CallRequest]) -> None:
    """One open call per request; see `create_tasks`."""
    create_tasks(session, requests=requests, kind="call")


def create_visit_tasks(session: Session, *, requests: Sequence[CallRequest]) -> None:
    """One open visit per request; see `create_tasks`."""
    create_tasks(session, requests=requests, kind="visit")


def create_tasks(session: Session, *, requests: Sequence[CallRequest], kind: str) -> None:
    """One open task of this kind per request; a repeat for the same delivery makes none and changes none.

    Assigned to the user whose address `assign_to` is, else to the account's owner; where neither exists the
    task has no owner and waits on everybody's list.
    """
    if not requests:
        return
    owners = _account_owners(session, {request.account_id for request in requests})
    named = _users_by_email(session, {request.assign_to.lower() for request in requests})
    zone = ZoneInfo(get_company(session).timezone)
    rows = [
        {
            "kind": kind,
            "title": f"{request.campaign_title}: {request.step}"[:300],
            "account_id": request.account_id,
            "contact_id": request.contact_id,
            "owner_id": named.get(request.assign_to.lower()) or owners.get(request.account_id),
            "due_on": request.due_at.astimezone(zone).date(),
            "script": request.script,
            "origin": CAMPAIGN,
            "origin_id": str(request.delivery_id),
            "created_by": request.campaign_title[:200],
            "created_at": clock.now(),
        }
        for request in requests
    ]
    _insert_once(session, rows)


def _insert_once(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    statement = insert(Task).on_conflict_do_nothing(index_elements=["origin", "origin_id"])
    session.connection().execute(statement, list(rows))


def _account_owners(session: Session, account_ids: Iterable[int]) -> dict[int, int | None]:
    rows = session.execute(select(Account.id, Account.owner_id).where(Account.id.in_(list(account_ids))))
    return {account_id: owner_id for account_id, owner_id in rows}


def _users_by_email(session: Session, emails: Iterable[str]) -> dict[str, int]:
    rows = session.execute(select(User.email, User.id).where(User.email.in_(list(emails)), User.is_active))
    return {email: user_id for email, user_id in rows}


def is_promised(delivery_id: ColumnElement[int], *, after: datetime) -> ColumnElement[bool]:
    """Whether the open call of this delivery was put off by agreement, to later than the moment; `after` is in the
    company's zone, since a promise may name a day alone."""
    is_later = or_(Task.ready_at > after, and_(Task.ready_at.is_(None), Task.due_on > after.date()))
    return exists().where(Task.origin == CAMPAIGN, Task.origin_id == cast(delivery_id, String), Task.kind == "call",
                          Task.state == "open", Task.outcome == PROMISED, is_later)


def drop_unwanted_calls(session: Session) -> int:
    """Drop the open calls and visits whose step is over without the seller (not made in time, the person has opted out,
    the campaign was cancelled), so that nobody is called who should not be. Returns how many.

    A call that a person was promised stays when only its time is over: it is late, and whoever promised it says so."""
    is_too_late = Delivery.reason.in_([Reason.CALL_NOT_DONE.value, Reason.VISIT_NOT_DONE.value])
    is_missed = and_(is_too_late, Task.outcome.is_not_distinct_from(PROMISED))
    is_over = or_(
        and_(Delivery.reason.is_not(None), ~is_missed), Delivery.state != DeliveryState.SENT,
        exists().where(Enrolment.id == Delivery.enrolment_id,
                       Enrolment.state.in_([EnrolmentState.STOPPED, EnrolmentState.CANCELLED])))
    is_its_own = Delivery.id == cast(Task.origin_id, BigInteger)
    is_being_handed = Delivery.state == DeliveryState.HANDING
    outcome = case((exists().where(is_its_own, is_too_late), "not_made"), else_="not_wanted")
    dropped = session.connection().execute(
        update(Task)
        .where(Task.origin == CAMPAIGN, Task.kind.in_(("call", "visit")), Task.state == "open",
               exists().where(and_(is_its_own, is_over, ~is_being_handed)))
        .values(state="dropped", outcome=outcome, done_at=clock.now()))
    return dropped.rowcount
