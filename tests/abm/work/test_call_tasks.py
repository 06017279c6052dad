"""Calls of campaigns become tasks."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.company.actions import set_company_value
from abm.work.actions import create_call_tasks
from abm.work.models import Task
from campaigns.outside import CallRequest
from tests.factories import make_account, make_contact, make_user


@pytest.fixture
def request_(session: Session) -> CallRequest:
    owner = make_user(session, role="sales")
    contact = make_contact(session, make_account(session, owner_id=owner.id))
    return CallRequest(delivery_id=7, account_id=contact.account_id, contact_id=contact.id, campaign_title="Hello",
                       step="call", script="Ask how it went.", assign_to="account_owner",
                       due_at=datetime(2026, 3, 2, 23, 30, tzinfo=UTC))


def _only_task(session: Session) -> Task:
    return session.scalars(select(Task)).one()


def test_a_call_step_becomes_one_open_call_of_the_accounts_owner(session: Session, request_: CallRequest) -> None:
    create_call_tasks(session, requests=[request_])
    task = _only_task(session)
    assert (task.kind, task.state, task.script, task.origin, task.origin_id) == (
        "call", "open", "Ask how it went.", "campaign", "7")
    assert task.owner_id == task.account.owner_id


def test_the_same_delivery_again_makes_no_second_task(session: Session, request_: CallRequest) -> None:
    create_call_tasks(session, requests=[request_])
    create_call_tasks(session, requests=[request_, request_, replace(request_, script="Other words")])
    assert _only_task(session).script == "Ask how it went."


def test_assign_to_names_a_user_by_address_in_any_case(session: Session, request_: CallRequest) -> None:
    caller = make_user(session, email="caller@example.com")
    create_call_tasks(session, requests=[replace(request_, assign_to="Caller@Example.com")])
    assert _only_task(session).owner_id == caller.id


def test_an_address_nobody_has_falls_to_the_accounts_owner(session: Session, request_: CallRequest) -> None:
    create_call_tasks(session, requests=[replace(request_, assign_to="left@example.com")])
    assert _only_task(session).owner_id == _only_task(session).account.owner_id


def test_the_due_day_is_the_companys_day(session: Session, request_: CallRequest) -> None:
    set_company_value(session, name="timezone", value="Europe/Paris")
    create_call_tasks(session, requests=[request_])
    assert _only_task(session).due_on == date(2026, 3, 3)
