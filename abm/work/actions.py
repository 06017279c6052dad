"""Changing tasks by hand. Calls of campaigns are made in `campaign_calls`, their outcomes recorded in `calls`."""

from dataclasses import asdict

from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.models import Account
from abm.audit.actions import actor, record
from abm.contacts.models import Contact
from abm.users.models import User
from abm.work.campaign_calls import create_call_tasks, create_visit_tasks
from abm.work.forms import TaskValues
from abm.work.models import Task
from abm.work.queries import get_task
from core import clock
from core.errors import InvalidInput, Refused

__all__ = ["create_call_tasks", "create_task", "create_visit_tasks",
           "drop_task", "edit_task", "finish_task", "reassign_task", "reopen_task"]


def create_task(session: Session, *, values: TaskValues, origin: str = "hand", origin_id: str | None = None) -> Task:
    """A new open task; it stands on its account's timeline. Raises InvalidInput for an account, person or owner that
    does not exist."""
    _check_references(session, values)
    task = Task(**asdict(values), origin=origin, origin_id=origin_id, created_by=actor().name, created_at=clock.now())
    session.add(task)
    session.flush()
    record(session, action="task.create", subject="task", subject_id=task.id, after={"title": task.title})
    if task.account_id is not None:
        add_account_event(session, account_id=task.account_id, contact_id=task.contact_id, kind="task",
                          title=f"{task.kind.capitalize()} planned: {task.title}",
                          link=f"/tasks/{task.id}")
    return task


def edit_task(session: Session, *, task_id: int, values: TaskValues) -> Task:
    """Change an open task. Raises Refused when it is closed, InvalidInput as `create_task` does."""
    task = _open_task(session, task_id)
    _check_references(session, values)
    before = {name: str(getattr(task, name)) for name in asdict(values)}
    for name, value in asdict(values).items():
        setattr(task, name, value)
    record(session, action="task.edit", subject="task", subject_id=task.id, before=before,
           after={name: str(value) for name, value in asdict(values).items()})
    session.flush()
    session.refresh(task, ["account", "contact", "owner"])
    return task


def finish_task(session: Session, *, task_id: int, note: str = "") -> Task:
    """The task is done. Done again changes nothing. A call of a campaign is ended by its outcome instead."""
    task = get_task(session, task_id)
    if task.state == "done":
        return task
    if task.kind in ("call", "visit") and task.origin == "campaign":
        raise Refused(f"A {task.kind} of a campaign is done by saying how it ended: open the {task.kind} itself")
    return _close(session, _open_task(session, task_id), "done", note)


def drop_task(session: Session, *, task_id: int, reason: str) -> Task:
    """The task will not be done. Raises InvalidInput without a reason."""
    task = _open_task(session, task_id)
    if not reason:
        raise InvalidInput("The task was not dropped", {"reason": "Say why it is dropped."})
    return _close(session, task, "dropped", reason)


def reopen_task(session: Session, *, task_id: int) -> Task:
    """Undo done or dropped. Calls of campaigns stay as they are: their campaign has moved on."""
    task = get_task(session, task_id)
    if task.origin == "campaign":
        raise Refused("The campaign has moved on after this call: make a new task instead")
    task.state, task.done_at = "open", None
    record(session, action="task.reopen", subject="task", subject_id=task.id)
    return task


def reassign_task(session: Session, *, task_id: int, owner_id: int | None) -> Task:
    """Hand an open task to somebody else, or to nobody. Raises InvalidInput for a user who is not active."""
    task = _open_task(session, task_id)
    if owner_id is not None:
        _check_owner(session, owner_id)
    record(session, action="task.reassign", subject="task", subject_id=task.id, before={"owner_id": task.owner_id},
           after={"owner_id": owner_id})
    task.owner_id = owner_id
    session.flush()
    session.refresh(task, ["owner"])
    return task


def _open_task(session: Session, task_id: int) -> Task:
    task = get_task(session, task_id)
    if task.state != "open":
        raise Refused(f"This task is {task.state} already: open it again first")
    return task


def _close(session: Session, task: Task, state: str, note: str) -> Task:
    task.state, task.done_at, task.outcome_note = state, clock.now(), note
    record(session, action=f"task.{state}", subject="task", subject_id=task.id, after={"note": note})
    if task.account_id is not None:
        add_account_event(session, account_id=task.account_id, contact_id=task.contact_id, kind="task", text=note,
                          title=f"{state.capitalize()}: {task.title}", link=f"/tasks/{task.id}")
    return task


def _check_references(session: Session, values: TaskValues) -> None:
    if values.account_id is not None and session.get(Account, values.account_id) is None:
        raise InvalidInput("The task was not saved", {"account_id": "There is no such account."})
    contact = session.get(Contact, values.contact_id) if values.contact_id is not None else None
    if values.contact_id is not None and (contact is None or contact.account_id != values.account_id):
        raise InvalidInput("The task was not saved", {"contact_id": "This person is not at the account."})
    if values.owner_id is not None:
        _check_owner(session, values.owner_id)


def _check_owner(session: Session, owner_id: int) -> None:
    owner = session.get(User, owner_id)
    if owner is None or not owner.is_active:
        raise InvalidInput("The task was not saved", {"owner_id": "Choose somebody who can still sign in."})
