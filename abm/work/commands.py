"""`abm calls`: the desk's order, and how a call ended, for scripts and telephone systems."""

from typing import Any

import click
from sqlalchemy import select

from abm.company.queries import company_today, get_company
from abm.users.models import User
from abm.web.terminal import answer as say
from abm.work.call_queue import QueuedCall, list_due_calls
from abm.work.calls import record_call
from abm.work.dialling import ask_gate
from abm.work.forms import parse_call_result
from abm.work.order_lines import TypedLine
from abm.work.outcomes import OUTCOMES, SENTIMENTS
from core import db
from core.errors import InvalidInput, NotFound


@click.group()
def calls() -> None:
    """The call desk."""


@calls.command("list")
@click.option("--caller", default="", help="E-mail of a user: their own calls and nobody's. Without it everybody's.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True)
def list_(caller: str, limit: int, as_json: bool) -> None:
    """The calls that are due, in the desk's order."""
    with db.reading() as session:
        found = [_facts(call) for call in list_due_calls(session, user_id=_user_id(session, caller), limit=limit)]
    lines = (f"{one['id']:>7}  {one['account']}  {one['person'] or '–'}  {one['opens_at'] or 'now'}" for one in found)
    say({"calls": found}, as_json=as_json, text="\n".join(lines))


@calls.command("next")
@click.option("--caller", default="", help="E-mail of a user.")
@click.option("--json", "as_json", is_flag=True)
def next_(caller: str, as_json: bool) -> None:
    """The call to make now, with the gate's word; nothing is taken."""
    with db.reading() as session:
        found = next((call for call in list_due_calls(session, user_id=_user_id(session, caller), free_only=True)
                      if call.opens_at is None), None)
        if found is None:
            say({"id": None}, as_json=as_json, text="Nobody can be called now")
            return
        verdict = ask_gate(session, found.task).verdict
        facts = {**_facts(found), "script": found.task.script, "gate": verdict.answer.value,
                 "gate_says": verdict.detail,
                 "phone": found.task.contact.phone if found.task.contact and verdict.is_allowed else None}
    words = f"{facts['id']}  {facts['account']}  {facts['phone'] or verdict.detail}"
    say(facts, as_json=as_json, text=words)


@calls.command("record")
@click.argument("call_id", type=int)
@click.option("--outcome", required=True, type=click.Choice(list(OUTCOMES)))
@click.option("--sentiment", type=click.Choice(list(SENTIMENTS)))
@click.option("--note", default="")
@click.option("--minutes", default="", help="4:30 or 4.5")
@click.option("--call-back-on", default="", help="Day, with call_back.")
@click.option("--call-back-time", default="", help="Time on the person's clock, with call_back.")
@click.option("--meeting-on", default="", help="Day, with meeting: a visit is planned for it.")
@click.option("--line", "lines", multiple=True, metavar="SKU:QUANTITY:PRICE[:DISCOUNT%]",
              help="Of an order; repeat it.")
@click.option("--amount", default="", help="What an order without lines is worth.")
@click.option("--code", default="", help="The offer's code, redeemed with the order.")
@click.option("--json", "as_json", is_flag=True)
def record_(call_id: int, as_json: bool, lines: tuple[str, ...], **given: str | None) -> None:
    """How a call ended, with everything that follows from it."""
    typed = [TypedLine(*(part.strip() for part in f"{line}:::".split(":")[:4])) for line in lines]
    try:
        with db.transaction() as session:
            result = parse_call_result({name: value or "" for name, value in given.items()},
                                       today=company_today(session), typed=typed)
            task = record_call(session, task_id=call_id, result=result, company=get_company(session))
            found = {"id": task.id, "state": task.state, "outcome": task.outcome,
                     "due_on": str(task.due_on) if task.state == "open" else None,
                     "ready_at": task.ready_at.isoformat() if task.ready_at and task.state == "open" else None}
    except InvalidInput as error:
        raise click.ClickException("; ".join([str(error), *error.fields.values()])) from error
    say(found, as_json=as_json, text=f"{found['outcome']}: {found['due_on'] or found['state']}")


def _user_id(session: db.Session, email: str) -> int | None:
    if not email:
        return None
    user_id = session.scalar(select(User.id).where(User.email == email.lower()))
    if user_id is None:
        raise NotFound(f"There is no user {email}")
    return user_id


def _facts(call: QueuedCall) -> dict[str, Any]:
    task = call.task
    person = [task.contact.first_name, task.contact.last_name] if task.contact else []
    return {"id": task.id, "title": task.title, "account_id": task.account.external_id if task.account else None,
            "account": task.account.name if task.account else None,
            "contact_id": task.contact.external_id if task.contact else None,
            "person": " ".join(part for part in person if part), "priority": call.priority,
            "due_on": str(task.due_on) if task.due_on else None, "is_promised": call.is_promised,
            "opens_at": call.opens_at.isoformat() if call.opens_at else None}
