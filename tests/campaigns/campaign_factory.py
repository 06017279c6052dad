"""A campaign on real accounts and people, as far on its way as a test needs it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.targets.models import ListMember, TargetList
from campaigns import editing, enrolment
from campaigns.facts import DueDelivery
from campaigns.models import Campaign, Delivery, Enrolment, Run
from core import clock
from core.db import transaction
from tests.factories import make_account, make_contact

HELLO = {"id": "hello", "channel": "email", "subject": "Hello", "html": "<p>Hello</p>"}
CALL = {"id": "call", "channel": "call", "after": "3 working days", "script": "Ask how it went"}
ALWAYS_OPEN = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "00:00", "to": "23:59"}


def make_raw(**values: Any) -> dict[str, Any]:
    """A campaign file's mapping; windows are open all the time unless a test says otherwise."""
    given = {
        "campaign": "hello",
        "list": "key-accounts",
        "window": ALWAYS_OPEN,
        "steps": [HELLO],
        "sender": {"name": "Sales", "email": "sales@example.com", "postal_address": "1 Example Street"},
    }
    return {name: value for name, value in {**given, **values}.items() if value is not None}


def put_in_list(session: Session, accounts: Sequence[Account], name: str = "key-accounts") -> None:
    found = session.scalar(select(TargetList).where(TargetList.name == name))
    if found is None:
        found = TargetList(name=name, title=name, kind="static", created_at=clock.now(), updated_at=clock.now())
        session.add(found)
        session.flush()
    session.add_all(
        ListMember(list_id=found.id, account_id=account.id, added_at=clock.now(), how="hand") for account in accounts
    )
    session.flush()


def make_people(session: Session, count: int = 1, **values: Any) -> list[Contact]:
    """So many people, each at an account of their own that is in the list."""
    people = [make_contact(session, make_account(session), **values) for _ in range(count)]
    put_in_list(session, [person.account for person in people])
    return people


def take_newcomers_in(session: Session) -> int:
    """Look for newcomers and enrol them, how many."""
    return enrolment.enrol_newcomers(session, enrolment.look_for_newcomers(session))


def take_leavers_places(session: Session) -> int:
    """Look for successors of leavers and enrol them, how many."""
    return enrolment.replace_leavers(session, enrolment.look_for_successors(session))


def make_campaign(session: Session, **values: Any) -> Campaign:
    return editing.save_definition(session, raw=make_raw(**values), editor_id=1, editor_name="Author")


def make_approved(session: Session, **values: Any) -> Campaign:
    campaign = make_campaign(session, **values)
    editing.approve(session, campaign=campaign, approver_id=2, approver_name="Second", is_admin=True)
    return campaign


def make_run(session: Session, **values: Any) -> Run:
    """A launched run whose people are all enrolled."""
    run = editing.launch(session, campaign=make_approved(session, **values), launched_by="Second")
    session.info.pop("after_commit", None)  # no queue is wanted here
    while enrolment.plan_chunk(session, run.id):
        pass
    session.refresh(run)
    return run


def launch_committed(**values: Any) -> int:
    """A run, launched and committed with people from `make_people` and not yet planned; its id."""
    with transaction() as session:
        run = editing.launch(session, campaign=make_approved(session, **values), launched_by="Second")
        session.info.pop("after_commit", None)
        return run.id


def deliveries(session: Session, run: Run) -> list[Delivery]:
    return list(
        session.scalars(
            select(Delivery)
            .where(Delivery.run_id == run.id)
            .order_by(Delivery.id)
            .execution_options(populate_existing=True)
        )
    )


def enrolments(session: Session, run: Run) -> list[Enrolment]:
    return list(
        session.scalars(
            select(Enrolment)
            .where(Enrolment.run_id == run.id)
            .order_by(Enrolment.id)
            .execution_options(populate_existing=True)
        )
    )


def due_of(row: Delivery) -> DueDelivery:
    return DueDelivery(
        row.id,
        row.run_id,
        row.version_id,
        row.enrolment_id,
        row.account_id,
        row.contact_id,
        row.position,
        row.step,
        row.channel,
        row.address,
        row.generation,
        row.planned_at,
        row.due_at,
        row.expires_at,
    )
