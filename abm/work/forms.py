"""Forms of tasks and calls → values."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal

from abm.orders.actions import NewLine
from abm.web.fields import Fields
from abm.work.order_lines import TypedLine, read_lines
from abm.work.outcomes import OUTCOMES, SENTIMENTS
from abm.work.visit_steps import EXPENSES
from abm.work.visit_steps import OUTCOMES as VISIT_OUTCOMES

KINDS = {"task": "Task", "call": "Call", "visit": "Visit"}
_NO_AMOUNT = "Say what the order is worth, or add its lines."
_MINUTES = re.compile(r"(\d{1,3})(?::([0-5]\d)|[.,](\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class TaskValues:
    """What a person said about a task; ids are checked when it is stored."""

    title: str
    kind: str
    note: str
    due_on: date | None
    owner_id: int | None
    account_id: int | None
    contact_id: int | None
    script: str


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call ended. With an order `ordered_on`, and `lines` or else `amount`, and the offer's `code` if one was
    given; with a call back the day, and the time on the person's clock; with a meeting its day, if one was agreed.
    `seconds`: how long it took."""

    outcome: str
    sentiment: str | None
    note: str
    call_back_on: date | None = None
    amount: Decimal | None = None
    ordered_on: date | None = None
    call_back_time: time | None = None
    lines: tuple[NewLine, ...] = ()
    code: str = ""
    seconds: int = 0
    meeting_on: date | None = None


@dataclass(frozen=True, slots=True)
class VisitResult:
    """How a visit ended. `amount` and `ordered_on` with an order; `expenses` by kind, those above zero."""

    outcome: str
    sentiment: str | None
    note: str
    amount: Decimal | None = None
    ordered_on: date | None = None
    expenses: Mapping[str, Decimal] = field(default_factory=dict)
    meeting_on: date | None = None


def parse_task(form: Mapping[str, str]) -> TaskValues:
    """The task a form describes. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    values = TaskValues(
        title=fields.text("title", missing="Say what is to be done.", longest=300),
        kind=fields.one_of("kind", KINDS) or "task", note=fields.text("note"), due_on=fields.day("due_on"),
        owner_id=fields.whole("owner_id"), account_id=fields.whole("account_id"), contact_id=fields.whole("contact_id"),
        script=fields.text("script"))
    if values.kind in ("call", "visit") and values.account_id is None:
        fields.errors.setdefault("account_id", f"Say which account is to be {values.kind}ed.")
    fields.finish()
    return values


def parse_call_result(form: Mapping[str, str], *, today: date, typed: Sequence[TypedLine] = ()) -> CallResult:
    """How a call ended; `typed` are the lines of its order. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    outcome = fields.one_of("outcome", OUTCOMES, missing="Say how the call ended.")
    is_order, is_call_back = outcome == "order", outcome == "call_back"
    lines = _lines(fields, typed) if is_order else ()
    needs_amount = is_order and not typed
    result = CallResult(
        outcome=outcome, sentiment=fields.one_of("sentiment", SENTIMENTS) or None, note=fields.text("note"),
        call_back_on=fields.day("call_back_on", missing="Say on which day to call back.") if is_call_back else None,
        call_back_time=_time(fields, "call_back_time") if is_call_back else None,
        amount=fields.amount("amount", missing=_NO_AMOUNT) if needs_amount else None,
        ordered_on=fields.day("ordered_on") or today if is_order else None, lines=lines,
        code=fields.text("code", longest=40) if is_order else "", seconds=_seconds(fields, "minutes"),
        meeting_on=_meeting_day(fields, outcome, today))
    # A person east of us may name a day that has begun only there; a moment that is over is refused with its zone.
    if result.call_back_on and result.call_back_on < today:
        fields.errors["call_back_on"] = "This day is over: choose today or a later one."
    if needs_amount and result.amount == 0:
        fields.errors["amount"] = "An order is worth more than nothing."
    if result.ordered_on and result.ordered_on > today:
        fields.errors["ordered_on"] = "An order cannot be of a day to come."
    fields.finish()
    return result


def _meeting_day(fields: Fields, outcome: str, today: date) -> date | None:
    day = fields.day("meeting_on") if outcome == "meeting" else None
    if day and day < today:
        fields.errors["meeting_on"] = "This day is over: choose today or a later one."
    return day


def _lines(fields: Fields, typed: Sequence[TypedLine]) -> tuple[NewLine, ...]:
    read = read_lines(typed)
    if read.errors:
        fields.errors["lines"] = " ".join(f"Line {number}: {words}" for number, words in read.errors.items())
    elif typed and read.total <= 0:
        fields.errors["lines"] = "The lines come to nothing: an order is worth more."
    return read.lines


def _time(fields: Fields, name: str) -> time | None:
    text = fields.text(name)
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None) if text else None
    except ValueError:
        fields.errors[name] = f"{text} is not a time: write it as 14:30."
        return None


def _seconds(fields: Fields, name: str) -> int:
    """4:30, 4.5 and 4,5 are four and a half minutes."""
    text = fields.text(name)
    found = _MINUTES.fullmatch(text) if text else None
    if found is None:
        if text:
            fields.errors[name] = f"{text} is not a length: write minutes, such as 4:30 or 4.5."
        return 0
    return int(found[1]) * 60 + (int(found[2]) if found[2] else round(float(f"0.{found[3] or 0}") * 60))


def parse_visit_result(form: Mapping[str, str], *, today: date) -> VisitResult:
    """How a visit ended. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    outcome = fields.one_of("outcome", VISIT_OUTCOMES, missing="Say how the visit ended.")
    is_order = outcome == "order"
    result = VisitResult(
        outcome=outcome, sentiment=fields.one_of("sentiment", SENTIMENTS) or None, note=fields.text("note"),
        amount=fields.amount("amount", missing="Say what the order is worth.") if is_order else None,
        ordered_on=fields.day("ordered_on") or today if is_order else None,
        expenses={kind: amount for kind in EXPENSES if (amount := fields.amount(f"expense_{kind}"))},
        meeting_on=_meeting_day(fields, outcome, today))
    if is_order and result.amount == 0:
        fields.errors["amount"] = "An order is worth more than nothing."
    if result.ordered_on and result.ordered_on > today:
        fields.errors["ordered_on"] = "An order cannot be of a day to come."
    fields.finish()
    return result
