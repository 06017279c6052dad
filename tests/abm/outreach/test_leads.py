"""Which source or campaign brought which accounts, what became of them, and what a customer cost."""

import csv
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from abm.cli import main
from abm.dossier.models import SourceCost, Tender
from abm.engagement.models import AccountEngagement, EngagementEntry
from abm.meetings.agenda import build_agenda
from abm.outreach.lead_results import (
    PROSPECT_COLUMNS,
    count_paths,
    kept_paths,
    list_paths,
    read_prospect,
    select_prospects,
)
from campaigns.models import Delivery, Run, Touch
from core import clock, db
from tests.factories import make_account, make_contact, make_order
from tests.outbox_factory import make_run

CAME = datetime(2026, 3, 1, 9, tzinfo=UTC)


def answer(session, account, contact_id, kind="reply", at=CAME):
    session.add(EngagementEntry(account_id=account.id, contact_id=contact_id, rules_id=0, source=kind,
                                source_id=contact_id or account.id * 1000, kind=kind, points=1, at=at))
    session.flush()


def touch(session, account, *, cost="18", at=CAME, delivery_id=None):
    session.add(Touch(account_id=account.id, channel="call", points=2, cost_amount=db.to_scaled(Decimal(cost)), at=at,
                      delivery_id=delivery_id))
    session.flush()


def path(session, name, **asked):
    return next(one for one in list_paths(session, **asked) if one.name == name)


@pytest.fixture
def fair(session):
    """Three accounts from a fair: one silent, one where two people answered, one that ordered for the first time."""
    silent, engaged, customer = (make_account(session, source="fair", created_at=CAME) for _ in range(3))
    first, second = make_contact(session, engaged), make_contact(session, engaged)
    for person in (first, second):
        answer(session, engaged, person.id)
    answer(session, engaged, first.id, kind="visit")
    touch(session, engaged)
    touch(session, customer, cost="400")
    make_order(session, customer, on=date(2026, 4, 1), amount="900")
    return silent, engaged, customer


def test_a_source_is_counted_from_lead_to_customer(session, fair):
    found = path(session, "fair")
    assert (found.accounts, found.people, found.contacted, found.answered, found.engaged, found.opportunities,
            found.customers, found.new_customers) == (3, 2, 2, 1, 1, 1, 1, 1)
    assert (found.revenue, found.touch_cost) == (Decimal(900), Decimal(418))


def test_what_was_paid_for_a_source_counts_into_the_cost_of_a_customer(session, fair):
    session.add(SourceCost(source="fair", amount=Decimal(1000), spent_on=date(2026, 2, 20), created_at=CAME))
    session.flush()
    assert path(session, "fair").per_customer == Decimal(1418)


def test_money_for_a_source_that_brought_nobody_is_shown_too(session):
    session.add(SourceCost(source="trade press", amount=Decimal(500), spent_on=date(2026, 2, 20), created_at=CAME))
    session.flush()
    found = path(session, "trade press")
    assert (found.accounts, found.cost, found.per_customer) == (0, Decimal(500), None)


def test_a_customer_who_ordered_before_it_came_is_no_new_one(session):
    account = make_account(session, source="referral", created_at=CAME)
    make_order(session, account, on=date(2025, 1, 1))
    found = path(session, "referral")
    assert (found.customers, found.new_customers) == (1, 0)


def test_one_order_of_many_touches_is_counted_once(session):
    account = make_account(session, source="database", created_at=CAME)
    for _ in range(3):
        touch(session, account)
        make_contact(session, account)
    session.add_all(Tender(account_id=account.id, title=f"Tender {n}", created_at=CAME, updated_at=CAME)
                    for n in range(2))
    make_order(session, account, on=date(2026, 5, 1), amount="70")
    make_order(session, account, on=date(2026, 5, 2), amount="30")
    found = path(session, "database")
    assert (found.people, found.revenue, found.touch_cost, found.opportunities) == (3, 100, 54, 1)


def test_only_accounts_of_the_period_are_counted(session, fair):
    make_account(session, source="fair", created_at=datetime(2025, 1, 1, tzinfo=UTC))
    assert path(session, "fair", since=datetime(2026, 1, 1, tzinfo=UTC)).accounts == 3


@pytest.fixture
def campaign(session):
    """A campaign that wrote to two accounts on the first of March."""
    running = make_run(session)
    run = session.get_one(Run, running.run_id)
    accounts = []
    for number in range(2):
        account = make_account(session)
        delivery = Delivery(run_id=run.id, version_id=run.version_id, enrolment_id=number, account_id=account.id,
                            contact_id=make_contact(session, account).id, position=0, step="hello", channel="email",
                            state="sent", due_at=CAME, planned_at=CAME, sent_at=CAME)
        session.add(delivery)
        session.flush()
        touch(session, account, cost="0.5", delivery_id=delivery.id)
        accounts.append(account)
    return accounts


def test_a_campaign_counts_what_came_after_its_first_message(session, campaign):
    before, after = campaign
    make_order(session, before, on=date(2026, 2, 1), amount="500")
    make_order(session, before, on=date(2026, 3, 5), amount="70")
    make_order(session, after, on=date(2026, 3, 9), amount="30")
    answer(session, after, 1, at=datetime(2026, 2, 1, tzinfo=UTC))
    found = path(session, "Welcome", by="campaign")
    assert (found.accounts, found.answered, found.customers, found.new_customers) == (2, 0, 2, 1)
    assert (found.revenue, found.cost) == (Decimal(100), Decimal(1))


@pytest.mark.parametrize(("channel", "reason", "seconds", "cost"), [
    ("call", None, None, 0), ("call", "call_not_done", None, 0), ("call", "call_not_done", 240, 18),
    ("call", "call_reached", None, 18), ("letter", None, None, 0), ("letter", "letter_posted", None, 18),
    ("visit", "visit_not_done", None, 0), ("visit", "visit_met", None, 18), ("email", None, None, 18)])
def test_a_touch_that_nobody_made_costs_nothing(session, campaign, channel, reason, seconds, cost):
    first, second = session.scalars(select(Touch).order_by(Touch.id))
    delivery = session.get_one(Delivery, first.delivery_id)
    delivery.channel, delivery.reason, first.channel = channel, reason, channel
    first.cost_amount, first.seconds, second.cost_amount = db.to_scaled(Decimal(18)), seconds, 0
    campaign[0].source = "fair"
    session.add(AccountEngagement(account_id=first.account_id, people=2, computed_at=CAME))
    session.flush()
    assert path(session, "Welcome", by="campaign").cost == cost
    assert path(session, "fair").touch_cost == cost
    prospects = [read_prospect(row) for row in session.execute(select_prospects(source="fair"))]
    assert [row[PROSPECT_COLUMNS.index("cost")] for row in prospects] == [cost]
    numbers = {number["key"]: number["value"] for number in build_agenda(session, since=CAME)["header"]}
    assert numbers["per_engaged"] == cost


def test_each_account_says_how_far_it_is(session, fair):
    stages = {row[0].id: read_prospect(row)[4] for row in session.execute(select_prospects(source="fair"))}
    assert stages == dict(zip((one.id for one in fair), ("lead", "opportunity", "customer"), strict=True))


def test_the_page_shows_both_tables_and_the_accounts_behind(client_as):
    with db.transaction() as session:
        make_order(session, make_account(session, name="Alfreds", source="fair"), on=date(2026, 4, 1), amount="900")
    client = client_as("marketer")
    assert "fair brought the most" in client.get("/leads").text.lower()
    assert "No campaign has written" in client.get("/leads?by=campaign").text
    assert "Alfreds" in (page := client.get("/leads/accounts?source=fair&stage=customer").text)
    assert "1 account<" in page
    assert "Alfreds" not in client.get("/leads/accounts?stage=lead").text


def test_a_cost_is_kept_with_its_complaints_beside_the_fields(client_as):
    client = client_as("marketer")
    assert "is not an amount" in client.post("/leads/costs", data={"source": "fair", "amount": "much"}).text
    client.post("/leads/costs", data={"source": "fair", "amount": "1250.50"})
    with db.reading() as session:
        assert path(session, "fair").spent == Decimal("1250.50")


def test_the_command_writes_both_tables(database, tmp_path, capsys):
    with db.transaction() as session:
        make_account(session, external_id="A-1", source="fair", created_at=clock.now())
    assert main(["leads", "--json", "--csv", str(tmp_path / "paths.csv"), "--accounts",
                 str(tmp_path / "accounts.csv")]) == 0
    assert json.loads(capsys.readouterr().out)["paths"][0]["name"] == "fair"
    with (tmp_path / "accounts.csv").open() as file:
        assert [row["account_id"] for row in csv.DictReader(file)] == ["A-1"]


def test_a_large_company_reads_what_was_counted_last(session, fair, monkeypatch):
    monkeypatch.setattr("abm.outreach.lead_results.is_large", lambda _session: True)
    before = kept_paths(session, by="source")
    count_paths(session)
    make_account(session, source="fair", created_at=CAME)
    found, made_at = kept_paths(session, by="source")
    assert (before[1], found) == (None, before[0])
    assert made_at is not None
