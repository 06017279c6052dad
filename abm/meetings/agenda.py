"""The agenda: the header's numbers and the items' rows as plain JSON, and what differs between two of them."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from abm.company.queries import company_today, get_company
from abm.meetings.items import ITEMS
from abm.meetings.numbers import numbers_of_both_sides
from abm.meetings.periods import Period
from abm.orders.models import Order
from abm.winback.models import Case
from abm.work.models import Task
from campaigns.models import Delivery, Event
from campaigns.states import states_of
from core import clock

FIRST_LOOK_DAYS = 7
_SENT = states_of("sent")
Agenda = dict[str, Any]
LEADING = ("actions_late", "sla_broken", "qualified", "covered", "at_risk", "replies")
SUBJECTS = (
    ("Actions and hand-offs", ("actions_done", "sla_met", "visits")),
    ("Key accounts", ("covered_2", "covered_3", "centres", "opened", "pipeline", "orders")),
    ("Outreach", ("sent", "kept_back", "per_engaged")),
    ("Win-back", ("open_cases", "won_back")),
)


def build_agenda(session: Session, *, since: datetime | None) -> Agenda:
    """What the data says now about the time since the last meeting (the last seven days before the first one)."""
    zone, today = ZoneInfo(get_company(session).timezone), company_today(session)
    start = since or clock.now() - timedelta(days=FIRST_LOOK_DAYS)
    period = Period(since=start, since_on=start.astimezone(zone).date(), today=today)
    items = []
    for item in ITEMS:
        rows, total = item.rows(session, period)
        items.append({"key": item.key, "title": item.title, "minutes": item.minutes, "decide": item.decide,
                      "rows": rows, "total": total})
    return {"since": start.isoformat(), "made_at": clock.now().isoformat(), "header": _header(session, period),
            "items": items}


def _header(session: Session, period: Period) -> list[dict[str, Any]]:
    def count(table: Any, *conditions: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    at_risk = session.scalar(select(func.sum(Case.yearly_value)).where(Case.closed_at.is_(None))) or 0.0
    orders = (Order.ordered_on >= period.since_on, Order.ordered_on <= period.today, Order.is_cancelled.is_(False))
    numbers = [
        ("open_cases", "Open win-back cases", count(Case, Case.closed_at.is_(None)), "/win-back/cases"),
        ("at_risk", "Value at risk", round(float(at_risk)), "/win-back/cases"),
        ("won_back", "Won back", count(Case, Case.state == "won_back", Case.closed_at >= period.since),
         "/win-back/cases?state=won_back"),
        ("sent", "Messages and calls out", count(Delivery, Delivery.sent_at >= period.since,
                                                 Delivery.state.in_(_SENT)), "/campaigns"),
        ("replies", "Replies", count(Event, Event.kind == "reply", Event.at >= period.since), "/campaigns"),
        ("orders", "Orders", count(Order, *orders), "/accounts"),
        ("actions_late", "Actions late", count(Task, Task.state == "open", Task.due_on < period.today),
         "/tasks?owner=all&due=late"),
        ("actions_done", "Actions done", count(Task, Task.state == "done", Task.done_at >= period.since),
         "/tasks?owner=all&state=done"),
        *numbers_of_both_sides(session, period),
    ]
    return [{"key": key, "title": title, "value": value, "link": link} for key, title, value, link in numbers]


def with_last_values(agenda: Agenda, last: Agenda | None) -> list[dict[str, Any]]:
    """The header's numbers with the last meeting's value beside each: None where there was none."""
    before = {number["key"]: number["value"] for number in (last or {}).get("header", [])}
    return [{**number, "last": before.get(number["key"])} for number in agenda["header"]]


def arrange(header: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[tuple[str, list[dict[str, Any]]]]]:
    """What a meeting decides about first, in that order, and all the rest by subject; no number is lost."""
    known = {number["key"]: number for number in header}
    leading = [known.pop(key) for key in LEADING if key in known]
    groups = [(title, [known.pop(key) for key in keys if key in known]) for title, keys in SUBJECTS]
    return leading, [(title, numbers) for title, numbers in [*groups, ("Besides", list(known.values()))] if numbers]


def find_moves(frozen: Agenda, present: Agenda) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """By item what has come and what has gone since the agenda was frozen; items where nothing moved are left out."""
    moves = {}
    was = {item["key"]: {row["key"]: row for row in item["rows"]} for item in frozen["items"]}
    for item in present["items"]:
        before, now = was.get(item["key"], {}), {row["key"]: row for row in item["rows"]}
        come = [row for key, row in now.items() if key not in before]
        gone = [row for key, row in before.items() if key not in now]
        if come or gone:
            moves[item["key"]] = {"come": come, "gone": gone}
    return moves


def next_meeting_day(last: date, today: date) -> date:
    """A week after the last meeting, never in the past."""
    return max(last + timedelta(days=7), today)
