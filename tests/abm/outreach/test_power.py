"""What the launch check says before a launch: what could be seen, who else is there; and the callers' load."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import Session

from abm.cli import main
from abm.company.actions import set_company_value
from abm.orders.models import AccountDay
from abm.outreach.call_load import find_call_load
from abm.outreach.power import find_power
from abm.wiring import connect_engine
from abm.work.models import Task
from core import clock, db
from tests.abm.outreach.companies import WORKING_MOMENT
from tests.campaigns.campaign_factory import CALL, HELLO, make_campaign, make_people, put_in_list
from tests.factories import make_account, make_contact

TODAY = WORKING_MOMENT.date()


@pytest.fixture(autouse=True)
def _working_hours(database: Path, at: Callable[..., None]) -> None:
    connect_engine()
    at(WORKING_MOMENT)


def order(session: Session, account_id: int, day: date, amount: int = 100) -> None:
    session.add(AccountDay(account_id=account_id, day=day, orders=1, amount=amount, margin_amount=0, units=0))
    session.flush()


def test_the_smallest_visible_effect_follows_from_the_groups_and_what_was_ordered_before(session: Session) -> None:
    people = make_people(session, 100)
    for person in people[:20]:
        order(session, person.account_id, TODAY - timedelta(days=30))
    order(session, people[50].account_id, TODAY - timedelta(days=91))
    found = find_power(session, make_campaign(session, holdout="20%"))
    assert (found.treated, found.held_out, found.past_rate, found.past_value) == (80, 20, 0.2, 20)
    assert found.rate_effect == pytest.approx(0.341, abs=0.01)
    assert found.value_effect == pytest.approx(2.8016 * found.past_deviation * (1 / 80 + 1 / 20) ** 0.5, rel=1e-4)
    assert "20 left alone" in found.sentence


def test_an_account_with_its_sites_is_one_before_a_launch_too(session: Session) -> None:
    people = make_people(session, 4)
    people[1].account.parent_id = people[0].account_id
    session.flush()
    order(session, people[0].account_id, TODAY)
    order(session, people[1].account_id, TODAY)
    found = find_power(session, make_campaign(session, holdout="33%"))
    assert (found.treated + found.held_out, found.past_rate) == (3, pytest.approx(1 / 3))


def test_a_holdout_that_can_show_nothing_is_called_so(session: Session) -> None:
    make_people(session, 5)
    assert "Nobody is left alone" in find_power(session, make_campaign(session)).sentence
    small = find_power(session, make_campaign(session, campaign="small", holdout="20%"))
    assert small.rate_effect is None or small.rate_effect > 0.5


def test_the_launch_check_tells_it_on_its_page_and_by_command(client_as: Callable[..., Any],
                                                              capsys: pytest.CaptureFixture[str]) -> None:
    with db.transaction() as session:
        make_people(session, 40)
        campaign_id = make_campaign(session, holdout="25%").id
    assert main(["campaigns", "check", "hello", "--json"]) == 2  # its words lack the link to unsubscribe
    found = json.loads(capsys.readouterr().out)
    assert (found["power"]["treated"], found["power"]["held_out"]) == (30, 10)
    assert (found["headroom"]["full"], found["conflicts"]) == (0, [])
    page = client_as("marketer").get(f"/campaigns/{campaign_id}/check").text
    assert "What could be seen" in page
    assert "30 accounts written to and 10 left alone" in page


def test_calls_beyond_the_callers_hours_are_told_with_what_is_planned_already(capsys: pytest.CaptureFixture[str],
                                                                              ) -> None:
    with db.transaction() as session:
        set_company_value(session, name="available_hours", value={"callers": 65})
        make_people(session, 12, phone="+44 20 7946 0000")
        make_campaign(session, steps=[{**CALL, "after": "0 days"}])
        for _ in range(3):
            session.add(Task(kind="call", title="Call", due_on=TODAY - timedelta(days=1), created_at=clock.now()))
    assert main(["campaigns", "dry-run", "hello", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["calls_a_day"], found["calls_over"]) == (12, 3)
    assert (found["by_day"][0]["calls_planned"], found["by_day"][0]["calls_over"]) == (3, 3)


def test_without_the_callers_hours_no_load_is_claimed(session: Session) -> None:
    load = find_call_load(session, first=TODAY, last=TODAY)
    assert (load.a_day, load.over(TODAY, 1_000)) == (None, 0)


def test_a_dry_run_opens_into_accounts_by_page_export_and_command(client_as: Callable[..., Any],
                                                                  capsys: pytest.CaptureFixture[str]) -> None:
    with db.transaction() as session:
        make_people(session, 1)
        blocked = make_contact(session, make_account(session, name="Blocked Ltd", external_id="B-1"), email=None)
        put_in_list(session, [blocked.account])
        campaign_id = make_campaign(session, steps=[HELLO]).id
    assert main(["campaigns", "dry-run", "hello", "--accounts", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["accounts"]
    assert [(row["account_id"], row["outcome"], row["reason"]) for row in rows if row["account"] == "Blocked Ltd"] == [
        ("B-1", "blocked", "no_address")]
    client = client_as("marketer")
    day = TODAY.isoformat()
    assert "Blocked Ltd" in client.get(f"/campaigns/{campaign_id}/dry-run/{day}").text
    assert "B-1" in client.get(f"/campaigns/{campaign_id}/dry-run-accounts.csv").text
    assert client.get(f"/campaigns/{campaign_id}/dry-run/nonsense").status_code == 404
    assert f"/dry-run/{day}" in client.get(f"/campaigns/{campaign_id}/dry-run").text
