"""The items of the weekly agenda: for each the rows that the data has since the last meeting.

A row is plain JSON (`periods.make_row`). Each item shows at most SHOWN rows and counts them all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Float, Row, Select, cast, func, select, type_coerce
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.meetings.periods import SHOWN, AgendaRow, Period, make_row
from abm.meetings.sharing_items import hand_offs, one_experiment
from abm.orders.models import Order
from abm.plans.models import AccountReview
from abm.plans.queries import due_since, select_reviews
from abm.targets.models import ListMember, TargetList
from abm.users.models import User
from abm.winback.models import Case
from abm.work.models import Task
from campaigns.models import Campaign, Event, Run
from core.db import MONEY_SCALE


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the agenda; `rows` answers (the first SHOWN rows, how many there are)."""

    key: str
    title: str
    minutes: int
    decide: str
    rows: Callable[[Session, Period], tuple[list[AgendaRow], int]]


def _fetch(session: Session, query: Select[*tuple[Any, ...]],
           row: Callable[[Row[*tuple[Any, ...]]], AgendaRow]) -> tuple[list[AgendaRow], int]:
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    return [row(found) for found in session.execute(query.limit(SHOWN))], total


def _days_late(days: int) -> str:
    return "due today" if not days else "1 day late" if days == 1 else f"{days} days late"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def due_actions(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
    """Open tasks that are due or late, the latest first."""
    query = (
        select(Task.id, Task.title, Task.due_on, Task.extra, Account.id, Account.name, User.name, Task.kind)
        .outerjoin(Account, Account.id == Task.account_id).outerjoin(User, User.id == Task.owner_id)
        .where(Task.state == "open", Task.due_on <= period.today).order_by(Task.due_on, Task.id)
    )

    def show(found: Row[*tuple[Any, ...]]) -> AgendaRow:
        task_id, title, due_on, extra, account_id, account, owner, kind = found
        late, carried = (period.today - due_on).days, int((extra or {}).get("carried", 0))
        return {**make_row("task", task_id, title, [
            account or "", owner or "nobody", _days_late(late),
            f"carried over {_times(carried)}" if carried else ""], link=f"/tasks/{task_id}", value=late,
            account_id=account_id), "carried": carried, "task_id": task_id, "is_call": kind == "call"}

    return _fetch(session, query, show)


def new_cases(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
    """Accounts that fell silent, the dearest first."""
    query = (
        select(Case.id, Account.id, Account.name, Case.yearly_value, Case.overdue_ratio, Case.cause, Case.last_order_on)
        .join(Account, Account.id == Case.account_id)
        .where(Case.detected_at >= period.since, Case.closed_at.is_(None)).order_by(Case.yearly_value.desc(), Case.id)
    )
    return _fetch(session, query, lambda row: make_row(
        "case", row[0], row[2], [f"{row[3]:,.0f} a year", f"{row[4]:.1f} times its usual gap", f"last order {row[6]}",
                                 row[5] or "cause not known"],
        link=f"/win-back/cases/{row[0]}", value=row[3], account_id=row[1]))


def recovered_cases(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
    """Accounts that came back or were let go."""
    query = (
        select(Case.id, Account.id, Account.name, Case.yearly_value, Case.state)
        .join(Account, Account.id == Case.account_id)
        .where(Case.closed_at >= period.since).order_by(Case.yearly_value.desc(), Case.id)
    )
    return _fetch(session, query, lambda row: make_row(
        "closed", row[0], row[2], [row[4].replace("_", " "), f"{row[3]:,.0f} a year"],
        link=f"/win-back/cases/{row[0]}", value=row[3], account_id=row[1]))


def key_orders(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
    """Orders of class A accounts of the latest analysis, the largest account first."""
    is_done = AnalysisRun.totals.is_not(None) & (AnalysisRun.factor == "account")
    latest = select(func.max(AnalysisRun.id)).where(is_done).scalar_subquery()
    value = cast(func.sum(type_coerce(Order.amount, BigInteger)), Float) / MONEY_SCALE
    query = (
        select(Account.id, Account.name, func.count(), value.label("value"), Order.currency)
        .join(Account, Account.id == Order.account_id)
        .join(AccountResult, (AccountResult.account_id == Account.id) & (AccountResult.run_id == latest))
        .where(AccountResult.abc == "A", Order.ordered_on >= period.since_on, Order.ordered_on <= period.today,
               Order.is_cancelled.is_(False), Order.amount > 0)
        .group_by(Account.id, Account.name, Order.currency).order_by(value.desc(), Account.id)
    )
    return _fetch(session, query, lambda row: make_row(
        "orders", f"{row[0]}:{row[4]}", row[1],
        ["1 order" if row[2] == 1 else f"{row[2]} orders", f"{row[3]:,.0f} {row[4]}"],
        link=f"/accounts/{row[0]}", value=row[3], account_id=row[0]))


def _events(kinds: Sequence[str], word: str) -> Callable[[Session, Period], tuple[list[AgendaRow], int]]:
    def rows(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
        number = func.count()
        query = (
            select(Account.id, Account.name, Event.kind, number, func.max(Event.at))
            .join(Account, Account.id == Event.account_id)
            .where(Event.kind.in_(kinds), Event.at >= period.since, Event.is_machine.is_(False))
            .group_by(Account.id, Account.name, Event.kind).order_by(number.desc(), Account.id, Event.kind)
        )
        return _fetch(session, query, lambda row: make_row(
            word, f"{row[0]}:{row[2]}", row[1], [row[2].replace("_", " "), _times(row[3]) if row[3] > 1 else ""],
            link=f"/accounts/{row[0]}", value=row[3], account_id=row[0]))

    return rows


def campaign_changes(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
    """Campaigns that were launched or have finished."""
    query = (
        select(Run.id, Campaign.id, Campaign.title, Run.state, Run.launched_at, Run.finished_at, Run.launched_by)
        .join(Campaign, Campaign.id == Run.campaign_id)
        .where((Run.launched_at >= period.since) | (Run.finished_at >= period.since)).order_by(Run.id.desc())
    )
    return _fetch(session, query, lambda row: make_row(
        "run", f"{row[0]}:{row[3]}", row[2], [row[3], f"launched {row[4]:%Y-%m-%d} by {row[6]}",
                                             f"ended {row[5]:%Y-%m-%d}" if row[5] else ""],
        link=f"/campaigns/{row[1]}"))


def list_changes(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
    """Lists that accounts have entered."""
    number = func.count()
    query = (
        select(TargetList.id, TargetList.title, number, TargetList.member_count, TargetList.name)
        .join(ListMember, ListMember.list_id == TargetList.id).where(ListMember.added_at >= period.since)
        .group_by(TargetList.id, TargetList.title, TargetList.member_count, TargetList.name)
        .order_by(number.desc(), TargetList.id)
    )
    return _fetch(session, query, lambda row: make_row(
        "list", row[0], row[1], [f"{row[2]} accounts entered", f"{row[3]} in all"], link=f"/lists/{row[4]}",
        value=row[2]))


def open_tasks(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
    """What is planned for the days to come, the next first."""
    query = (
        select(Task.id, Task.title, Task.due_on, Account.id, Account.name, User.name)
        .outerjoin(Account, Account.id == Task.account_id).outerjoin(User, User.id == Task.owner_id)
        .where(Task.state == "open", Task.kind == "task", (Task.due_on > period.today) | Task.due_on.is_(None))
        .order_by(func.coalesce(Task.due_on, date.max), Task.id)
    )
    return _fetch(session, query, lambda row: make_row(
        "task", row[0], row[1], [row[4] or "", row[5] or "nobody", f"due {row[2]}" if row[2] else "no day"],
        link=f"/tasks/{row[0]}", account_id=row[3]))


def reviews(session: Session, _period: Period) -> tuple[list[AgendaRow], int]:
    """Key accounts whose review waits for a decision, the dearest first."""
    query = select_reviews(is_open=True).add_columns(due_since().label("due_since"))
    query = query.order_by(AccountReview.value_12m.desc(), AccountReview.id)

    def show(found: Row[*tuple[Any, ...]]) -> AgendaRow:
        review, account, due = found
        asked = f"due since {due}" if due else "never reviewed"
        told = [f"proposed: {review.proposal}", review.reasons[0]["text"], asked]
        return make_row("review", review.id, account.name, told, link=f"/reviews/{review.id}", value=review.value_12m,
                        account_id=account.id)

    return _fetch(session, query, show)


ITEMS = (
    Item("actions", "Last week's actions", 3, "Done, moved (date, why) or dropped", due_actions),
    Item("hand_offs", "Hand-offs", 6, "Accept (owner, first step, date), reject (reason), or back to nurture (until)",
         hand_offs),
    Item("lapsed", "At risk and lapsed", 4, "Offer up to a rung, hold out, or let go", new_cases),
    Item("recovered", "Recovered and let go", 2, "What helped, what to repeat", recovered_cases),
    Item("key_orders", "Orders of class A accounts", 4, "Who speaks with whom", key_orders),
    Item("replies", "Replies", 6, "Who has the conversation, until when", _events(("reply",), "reply")),
    Item("bounces", "Bounces and complaints", 3, "Who finds the new address or person", _events(
        ("bounce_hard", "bounce_soft", "complaint", "unsubscribe"), "bounce")),
    Item("reviews", "Key accounts to review", 4, "Keep, downgrade or drop, and when to ask again", reviews),
    Item("campaigns", "Campaigns", 4, "Start, stop or change", campaign_changes),
    Item("lists", "Lists", 2, "Accept who enters", list_changes),
    Item("experiment", "One experiment", 2, "Keep, stop or extend", one_experiment),
    Item("tasks", "Open tasks", 2, "Still right?", open_tasks),
)
