"""Outreach on an account's page."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from abm.accounts.timeline import TimelineFilter
from abm.company.actions import set_company_value
from abm.outreach.account_panel import read_account_outreach
from abm.outreach.timeline import read_messages
from campaigns.models import ConversationLock, Delivery, Run, Touch
from core import clock, db
from tests.abm.outreach.companies import WORKING_MOMENT
from tests.factories import make_account, make_contact, make_user
from tests.outbox_factory import make_run


def touch(session: Session, account_id: int, *, days_ago: int, points: int) -> None:
    session.add(Touch(account_id=account_id, channel="email", points=points, at=clock.now() - timedelta(days=days_ago)))
    session.flush()


def test_points_are_those_of_the_last_7_and_30_days(session: Session, at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)
    account = make_account(session)
    for days_ago, points in ((1, 1), (8, 2), (31, 4)):
        touch(session, account.id, days_ago=days_ago, points=points)
    found = read_account_outreach(session, account.id)
    assert (found.points_7, found.points_30) == (1, 3)


def test_a_conversation_that_is_over_is_not_shown(session: Session, at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)
    account = make_account(session)
    session.add(ConversationLock(account_id=account.id, reason="replied", until=clock.now() - timedelta(hours=1)))
    session.flush()
    assert read_account_outreach(session, account.id).lock is None


def test_the_account_page_names_who_has_the_conversation(client_as: Callable[..., Any]) -> None:
    client = client_as("sales")
    with db.transaction() as session:
        owner, account = make_user(session, name="Olga Owner"), make_account(session)
        session.add(ConversationLock(account_id=account.id, owner_id=owner.id, reason="replied",
                                     until=clock.now() + timedelta(days=3)))
    page = client.get(f"/accounts/{account.id}/outreach", follow_redirects=True).text
    assert "Olga Owner has the conversation until" in page


def test_an_account_nobody_ever_touched_has_no_panel(session: Session) -> None:
    assert read_account_outreach(session, make_account(session).id).is_empty


def test_an_account_nobody_ever_touched_says_what_to_do_first(client_as: Callable[..., Any]) -> None:
    client = client_as("sales")
    with db.transaction() as session:
        account = make_account(session).id
    page = client.get(f"/accounts/{account}/outreach", follow_redirects=True).text
    assert "Nobody here has been written to, called or visited yet" in page


def test_the_budget_shown_is_that_of_the_tier(client_as: Callable[..., Any]) -> None:
    client = client_as("sales")
    with db.transaction() as session:
        set_company_value(session, name="account_points_by_tier", value={"1": [12, 30]})
        first, other = (make_account(session, tier=tier) for tier in ("1", "2"))
        for account in (first, other):
            touch(session, account.id, days_ago=1, points=2)
    told = {account.id: " ".join(client.get(f"/accounts/{account.id}", follow_redirects=True).text.split())
            for account in (first, other)}
    assert "2 of 30" in told[first.id]
    assert "2 of 16" in told[other.id]


def test_messages_that_left_stand_on_the_timeline_and_open_what_is_known_of_them(session: Session) -> None:
    account = make_account(session)
    person, run = make_contact(session, account, first_name="Ines", last_name="Ito"), make_run(session)
    for number, (channel, sent) in enumerate((("email", True), ("email", False), ("call", True))):
        session.add(Delivery(
            run_id=run.run_id, version_id=1, enrolment_id=number, account_id=account.id, contact_id=person.id,
            position=number, step=f"step-{number}", channel=channel, state="sent", due_at=WORKING_MOMENT,
            planned_at=WORKING_MOMENT, sent_at=WORKING_MOMENT if sent else None))
    session.flush()

    def read(**chosen: Any) -> list[str]:
        return [line.title for line in read_messages(session, account.id, TimelineFilter(**chosen), 10)]

    campaign_id = session.get_one(Run, run.run_id).campaign_id
    line = read_messages(session, account.id, TimelineFilter(), 10)[0]
    assert line.link == f"/campaigns/{campaign_id}/messages/{line.id}"
    assert [title.endswith("step-0 to Ines Ito") for title in read()] == [True]
    assert read(contact_id=person.id) == read(since=WORKING_MOMENT.date()) == read()
    assert read(contact_id=person.id + 1) == read(actor="Olga") == read(until=date(2026, 3, 2)) == []
