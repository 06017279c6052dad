"""Calls and visits that campaigns ask for: made with the hand-over, dropped when the campaign no longer wants them."""

from collections.abc import Iterable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, and_, cast, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.queries import get_company
from abm.users.models import User
from abm.work.models import Task
from campaigns.models import Delivery, Enrolment
from campaigns.outside import CallRequest
from campaigns.states import DeliveryState, EnrolmentState
from core import clock
from core.db import is_postgres

ACCOUNT_OWNER = "account_owner"
CAMPAIGN = "campaign"


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


def drop_unwanted_calls(session: Session) -> int:
    """Drop the open calls and visits whose step is over without the seller (not made in time, the person has opted out,
    the campaign was cancelled), so that nobody is called who should not be. Returns how many."""
    is_over = or_(
        Delivery.reason.is_not(None), Delivery.state != DeliveryState.SENT,
        exists().where(Enrolment.id == Delivery.enrolment_id,
                       Enrolment.state.in_([EnrolmentState.STOPPED, EnrolmentState.CANCELLED])))
    delivery_id = cast(Task.origin_id, BigInteger)
    is_being_handed = Delivery.state == DeliveryState.HANDING
    dropped = session.connection().execute(
        update(Task)
        .where(Task.origin == CAMPAIGN, Task.kind.in_(("call", "visit")), Task.state == "open",
               exists().where(and_(Delivery.id == delivery_id, is_over, ~is_being_handed)))
        .values(state="dropped", outcome="not_wanted", done_at=clock.now()))
    return dropped.rowcount
