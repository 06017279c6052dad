"""Forms of tasks and calls → values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from abm.web.fields import Fields
from abm.work.outcomes import OUTCOMES, SENTIMENTS
from abm.work.visit_steps import OUTCOMES as VISIT_OUTCOMES

KINDS = {"task": "Task", "call": "Call", "visit": "Visit"}


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
    """How a call ended. `amount` and `ordered_on` with an order, `call_back_on` with a call back."""

    outcome: str
    sentiment: str | None
    note: str
    call_back_on: date | None = None
    amount: Decimal | None = None
    ordered_on: date | None = None


@dataclass(frozen=True, slots=True)
class VisitResult:
    """How a visit ended. `amount` and `ordered_on` with an order."""

    outcome: str
    sentiment: str | None
    note: str
    amount: Decimal | None = None
    ordered_on: date | None = None
    expenses: Decimal | None = None


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


def parse_call_result(form: Mapping[str, str], *, today: date) -> CallResult:
    """How a call ended. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    outcome = fields.one_of("outcome", OUTCOMES, missing="Say how the call ended.")
    is_order, is_call_back = outcome == "order", outcome == "call_back"
    result = CallResult(
        outcome=outcome, sentiment=fields.one_of("sentiment", SENTIMENTS) or None, note=fields.text("note"),
        call_back_on=fields.day("call_back_on", missing="Say on which day to call back.") if is_call_back else None,
        amount=fields.amount("amount", missing="Say what the order is worth.") if is_order else None,
        ordered_on=fields.day("ordered_on") or today if is_order else None)
    if result.call_back_on and result.call_back_on < today:
        fields.errors["call_back_on"] = "This day is over: choose today or a later one."
    if is_order and result.amount == 0:
        fields.errors["amount"] = "An order is worth more than nothing."
    if result.ordered_on and result.ordered_on > today:
        fields.errors["ordered_on"] = "An order cannot be of a day to come."
    fields.finish()
    return result


def parse_visit_result(form: Mapping[str, str], *, today: date) -> VisitResult:
    """How a visit ended. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    outcome = fields.one_of("outcome", VISIT_OUTCOMES, missing="Say how the visit ended.")
    is_order = outcome == "order"
    result = VisitResult(
        outcome=outcome, sentiment=fields.one_of("sentiment", SENTIMENTS) or None, note=fields.text("note"),
        amount=fields.amount("amount", missing="Say what the order is worth.") if is_order else None,
        ordered_on=fields.day("ordered_on") or today if is_order else None, expenses=fields.amount("expenses"))
    if is_order and result.amount == 0:
        fields.errors["amount"] = "An order is worth more than nothing."
    if result.ordered_on and result.ordered_on > today:
        fields.errors["ordered_on"] = "An order cannot be of a day to come."
    fields.finish()
    return result
