"""Finding the accounts that fell silent, and closing the cases of those that ordered again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountEvent
from abm.analysis.loading import load_order_days
from abm.analysis.thresholds import read_thresholds
from abm.audit.actions import actor, record
from abm.company.queries import get_company
from abm.orders.models import AccountDay, Order
from abm.winback.models import Case
from abm.winback.queries import CASE_LINK
from abm.winback.rhythms import Lapsed, find_lapsed
from core import clock
from core.db import is_postgres
from core.errors import Refused
from core.id_lists import is_among


@dataclass(frozen=True, slots=True)
class Detection:
    """What one detection found and did. lapsed = opened + already_open + let_go."""

    as_of: date
    lapsed: int
    opened: int
    already_open: int
    let_go: int
    won_back: int
    open_cases: int
    value_at_risk: float


@dataclass(frozen=True, slots=True)
class Silences:
    """The accounts that are lapsed as of a day."""

    as_of: date
    lapsed: tuple[Lapsed, ...]


def find_silences(session: Session, *, as_of: date | None = None) -> Silences:
    """Who is lapsed. Only reads, so that a large company is looked through while others save.

    `as_of`: the day to look from, the day of the last counted order when left out; later orders are ignored.
    Raises Refused when there is no order up to that day.
    """
    day = session.scalar(select(func.max(AccountDay.day)).where(AccountDay.day <= (as_of or date.max)))
    if day is None:
        raise Refused("There are no orders to look at: import orders first, or give a later day with --as-of")
    orders = load_order_days(session, as_of=as_of or day, from_on=None, value_kind="revenue")
    lapsed = find_lapsed(orders, as_of or day, read_thresholds(get_company(session).analysis_thresholds))
    return Silences(as_of or day, tuple(lapsed))


def detect_lapses(session: Session, *, as_of: date | None = None, found: Silences | None = None) -> Detection:
    """Close the cases that an order has ended, then open one for every lapsed account that has none for this silence.

    `found`: what was read shortly before; who has ordered since then gets no case. Without it, it is read here (see
    `find_silences`). Repeating it changes nothing. An account that was let go gets no second case until it has ordered
    again.
    """
    silences, moment = found or find_silences(session, as_of=as_of), clock.now()
    looked_from, lapsed = silences.as_of, silences.lapsed
    won = _close_won_back(session, looked_from, moment)
    opened = _open_cases(session, lapsed, looked_from, moment)
    _write_timelines(session, moment)
    detection = _count(session, looked_from, lapsed, opened=opened, won=won)
    record(session, action="winback.detect", subject="winback",
           after={key: str(value) for key, value in asdict(detection).items()})
    return detection


def _first_order_after(as_of: date) -> ColumnElement[Any]:
    """The id of the first counted order that came after the case's last one, up to the day."""
    return (
        select(Order.id)
        .where(Order.account_id == Case.account_id, Order.ordered_on > Case.last_order_on, Order.ordered_on <= as_of,
               Order.is_cancelled.is_(False), Order.amount > 0)
        .order_by(Order.ordered_on, Order.id).limit(1).correlate(Case).scalar_subquery()
    )


def _close_won_back(session: Session, as_of: date, moment: datetime) -> int:
    order_id = _first_order_after(as_of)
    closed = session.connection().execute(
        update(Case).where(Case.closed_at.is_(None), order_id.is_not(None))
        .values(state="won_back", won_order_id=order_id, closed_at=moment))
    return closed.rowcount


def _open_cases(session: Session, lapsed: Sequence[Lapsed], as_of: date, moment: datetime) -> int:
    """One case for every account whose silence has none yet. The unique index over open cases makes a detection at the
    same time harmless."""
    known = {account_id: last_on for account_id, last_on in session.execute(
        select(Case.account_id, func.max(Case.last_order_on)).group_by(Case.account_id))}
    wanted = [one for one in lapsed if known.get(one.account_id, date.min) < one.last_order_on]
    last_days = _last_order_days(session, [one.account_id for one in wanted], as_of)
    rows = [
        {**asdict(one), "state": "open", "as_of": as_of, "cause_note": "", "detected_at": moment}
        for one in wanted if last_days.get(one.account_id) == one.last_order_on
    ]
    if not rows:
        return 0
    insert_case = postgres_insert if is_postgres(session) else sqlite_insert
    session.connection().execute(insert_case(Case).on_conflict_do_nothing(), rows)
    is_new = Case.detected_at == moment
    owner = select(Account.owner_id).where(Account.id == Case.account_id).correlate(Case).scalar_subquery()
    session.connection().execute(update(Case).where(is_new).values(owner_id=owner))
    return session.scalar(select(func.count()).select_from(Case).where(is_new)) or 0


def _last_order_days(session: Session, account_ids: Sequence[int], as_of: date) -> dict[int, date]:
    """As of now: an order may have come while the silences were read, or been taken back."""
    if not account_ids:
        return {}
    return {account_id: day for account_id, day in session.execute(
        select(AccountDay.account_id, func.max(AccountDay.day))
        .where(is_among(AccountDay.account_id, account_ids), AccountDay.day <= as_of)
        .group_by(AccountDay.account_id)).all()}


def _write_timelines(session: Session, moment: datetime) -> None:
    """A line on the timeline of every account whose case this detection opened or closed."""
    for happened, kind, title in (
        (and_(Case.detected_at == moment, Case.closed_at.is_(None)), "lapsed", "Fell silent against its own rhythm"),
        (and_(Case.closed_at == moment, Case.state == "won_back"), "won_back", "Ordered again: won back"),
    ):
        lines = select(Case.account_id, literal(moment), literal(kind), literal(title), literal(""),
                       literal(actor().name), literal(CASE_LINK) + cast(Case.id, String)).where(happened)
        session.connection().execute(insert(AccountEvent).from_select(
            ["account_id", "at", "kind", "title", "text", "actor", "link"], lines))


def _count(session: Session, as_of: date, lapsed: Sequence[Lapsed], *, opened: int, won: int) -> Detection:
    open_ids = set(session.scalars(select(Case.account_id).where(Case.closed_at.is_(None))))
    with_case = sum(1 for one in lapsed if one.account_id in open_ids)
    at_risk = session.scalar(select(func.sum(Case.yearly_value)).where(Case.closed_at.is_(None))) or 0.0
    return Detection(as_of=as_of, lapsed=len(lapsed), opened=opened, already_open=with_case - opened,
                     let_go=len(lapsed) - with_case, won_back=won, open_cases=len(open_ids),
                     value_at_risk=round(float(at_risk), 4))
