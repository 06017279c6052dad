"""A campaign that met everything: the books, counted by the product, by the sink and by SQL of the test's own."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text, update

from abm.cli import main
from abm.outreach.account_results import list_account_results
from abm.outreach.results import count_people_under_way
from abm.wiring import connect_engine
from campaigns import consent, planning_jobs
from campaigns.channels.base import HandOverJournal, MayBegin
from campaigns.channels.relay import read_relay
from campaigns.channels.smtp import SmtpCarrier
from campaigns.dispatch import DrainOptions, drain
from campaigns.models import Campaign, Delivery
from campaigns.receipts import receive_message
from core import clock, db
from tests.abm.outreach.companies import WORKING_MOMENT
from tests.campaigns.campaign_factory import HELLO, launch_committed, make_people
from tests.campaigns.test_receipts import bounce
from tests.campaigns.test_smtp_faults import QUICK
from tests.factories import make_order
from tests.outbox_factory import lift_caps
from tests.sink import Script, running_sink

NAMED = {**HELLO, "html": "<p>Hello {{ contact.first_name }}</p>"}
CALL = {"id": "call", "channel": "call", "after": "1 hour", "script": "Call", "assign_to": "account_owner"}


def through(port: int) -> DrainOptions:
    def open_carrier(journal: HandOverJournal, may_begin: MayBegin) -> SmtpCarrier:
        return SmtpCarrier(read_relay(f"smtp://127.0.0.1:{port}?connections=1"), journal, may_begin, QUICK)

    return DrainOptions(open_carrier=open_carrier)


def send(script: Script) -> list[str]:
    """Hand over what is due through a sink that answers so; the ids it accepted."""
    with running_sink(script) as (sink, port):
        drain(options=through(port))
    return sink.record.accepted


@pytest.fixture
def met_everything(database: Path, at: Callable[..., None]) -> set[str]:
    """20 people: one suppressed, one without a basis, one without a value; then one refused, one in doubt, 15 sent, of
    which two bounce, one answers and orders; a call follows for those who go on. The ids that the sink accepted."""
    connect_engine()
    at(WORKING_MOMENT)
    with db.transaction() as session:
        lift_caps(session)
        people = make_people(session, 20, phone="+44 20 7946 0000")
        people[1].lawful_basis, people[2].first_name = "none", None
        consent.suppress_address(session, address=str(people[0].email), reason="manual", source="test")
        make_order(session, people[19].account, on=WORKING_MOMENT.date(), amount="500")
        make_order(session, people[18].account, on=WORKING_MOMENT.date() - timedelta(days=5), amount="900")
    launch_committed(steps=[NAMED, CALL], stop_when=["reply", "hard_bounce"])
    planning_jobs.advance_runs()
    accepted = send(Script({"rcpt": "550 5.1.1 no such user"}, times=1))
    return set(accepted)


def count(statement: str) -> Any:
    with db.reading() as session:
        return session.execute(text(statement)).all()


def books(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["campaigns", "books", "hello", "--json", *options]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def answer(delivery: Delivery) -> bytes:
    return (f"From: {delivery.address}\nTo: sales@example.com\nSubject: Re: Hello\nMessage-ID: <a@customer.example>\n"
            f"In-Reply-To: {delivery.message_id}\n\nYes, please.\n").encode()


def test_every_figure_of_the_books_is_the_one_of_the_rows_and_of_the_sink(
        met_everything: set[str], capsys: pytest.CaptureFixture[str], at: Callable[..., None], tmp_path: Path,
        client_as: Callable[..., Any]) -> None:
    with db.transaction() as session:
        sent = session.query(Delivery).where(Delivery.state == "sent").order_by(Delivery.id).all()
        for delivery in sent[:2]:
            receive_message(session, bounce(delivery))
        receive_message(session, answer(sent[-1]))
    at(WORKING_MOMENT + timedelta(hours=2))
    planning_jobs.advance_runs()
    drain()
    found = books(capsys)
    assert found["balanced"]
    assert found["planned"] == count("SELECT count(*) FROM delivery")[0][0] == sum(found["books"].values())
    by_hand = {(state, reason or ""): number for state, reason, number in count(
        "SELECT state, reason, count(*) FROM delivery GROUP BY state, reason")}
    assert {(line["state"], line["reason"]): line["messages"] for line in found["lines"]} == by_hand
    emails = Counter(row[0] for row in count("SELECT state FROM delivery WHERE channel = 'email'"))
    assert emails["sent"] + emails["bounced_hard"] == len(met_everything)
    assert (emails["bounced_hard"], found["books"]["failed"], emails["suppressed"]) == (2, 2, 2)
    assert len(met_everything) == 20 - 2 - 2
    calls = Counter(row[0] for row in count("SELECT state FROM delivery WHERE channel = 'call'"))
    assert sum(step["planned"] for step in found["steps"]) == found["planned"]
    people = emails["sent"] + emails["bounced_hard"] + calls["sent"]
    assert people == found["books"]["sent"]
    assert found["cost"] == pytest.approx(0.05 * len(met_everything))  # nobody has made the calls yet
    reached = count("SELECT count(DISTINCT contact_id) FROM delivery WHERE state IN ('sent', 'bounced_hard') "
                    "AND channel = 'email'")[0][0]
    assert found["per_contact"] == pytest.approx(found["cost"] / reached)
    assert found["per_response"] == pytest.approx(found["cost"])
    assert found["per_win"] == pytest.approx(found["cost"])
    with db.reading() as session:
        under_way = count_people_under_way(session, session.scalars(select(Campaign.id)).one())
    assert (under_way.total, under_way.waiting, under_way.at_a_step) == (20, 0, calls["sent"])
    _check_rows(found, capsys, tmp_path)
    _check_pages(found, client_as)


def _check_rows(found: dict[str, Any], capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    for book, number in found["books"].items():
        file = folder / f"{book}.csv"
        assert books(capsys, "--book", book, "--rows", str(file))["rows"] == number
        assert len(list(csv.DictReader(file.open(encoding="utf-8")))) == number
    for line in found["lines"]:
        options = ["--book", line["book"], "--reason", line["reason"] or "-"]
        total = sum(one["messages"] for one in found["lines"] if (one["book"], one["reason"]) == (
            line["book"], line["reason"]))
        assert books(capsys, *options, "--rows", str(folder / "rows.xlsx"))["rows"] == total
    assert load_workbook(folder / "rows.xlsx").active.max_row == total + 1


def _check_pages(found: dict[str, Any], client_as: Callable[..., Any]) -> None:
    client = client_as("marketer")
    [(campaign_id,)] = count("SELECT id FROM campaign")
    page = client.get(f"/campaigns/{campaign_id}/results").text
    assert "do not balance" not in page
    assert page.count(f"/campaigns/{campaign_id}/people?book=") >= len(found["lines"])
    for line in found["lines"]:
        asked = f"book={line['book']}&state={line['state']}&reason={line['reason'] or '-'}"
        rows = client.get(f"/campaigns/{campaign_id}/messages.csv?{asked}").text.splitlines()
        assert len(rows) == line["messages"] + 1
    lines = list(csv.DictReader(client.get(f"/campaigns/{campaign_id}/books.csv").text.splitlines()))
    assert sum(int(line["messages"]) for line in lines) == found["planned"]
    with db.reading() as session:
        accounts = list_account_results(session, campaign_id)
    assert sum(row.planned for row in accounts) == found["planned"]
    assert sum(row.sent for row in accounts) == found["books"]["sent"]
    assert [(row.orders, row.order_value) for row in accounts if row.orders] == [(1, 500)]
    status = client.get(f"/campaigns/{campaign_id}/account-results.csv").text.splitlines()
    assert len(status) == len(accounts) + 1


def test_a_message_in_doubt_is_a_line_of_the_books_until_a_person_settles_it(
        database: Path, at: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    connect_engine()
    at(WORKING_MOMENT)
    with db.transaction() as session:
        lift_caps(session)
        make_people(session, 5)
    launch_committed(steps=[HELLO])
    planning_jobs.advance_runs()
    accepted = send(Script({"dot": "accept and drop"}, times=1))
    assert (len(accepted), books(capsys)["books"]) == (
        5, {"sent": 4, "suppressed": 0, "failed": 0, "unknown": 1, "queued": 0})
    [(doubtful,)] = count("SELECT id FROM delivery WHERE state = 'unknown'")
    assert main(["campaigns", "confirm", "hello", str(doubtful), "--json"]) == 0
    capsys.readouterr()
    assert books(capsys)["books"]["sent"] == 5
    assert clock.now() == WORKING_MOMENT


@pytest.mark.parametrize(("command", "sent", "unknown"), [("confirm", 5, 0), ("resend", 5, 5)])
def test_all_that_is_in_doubt_is_settled_at_once(command: str, sent: int, unknown: int, database: Path,
                                                 at: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    connect_engine()
    at(WORKING_MOMENT)
    with db.transaction() as session:
        lift_caps(session)
        make_people(session, 5)
    launch_committed(steps=[HELLO])
    planning_jobs.advance_runs()
    with db.transaction() as session:
        session.execute(update(Delivery).values(state="unknown", first_tried_at=WORKING_MOMENT))
    assert main(["campaigns", command, "hello"]) == 2
    capsys.readouterr()
    for expected in (5, 0):
        assert main(["campaigns", command, "hello", "--all", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"messages": expected}
    send(Script())
    found = books(capsys)
    assert (found["books"]["sent"], found["books"]["unknown"], found["balanced"]) == (sent, unknown, True)


def test_a_step_that_is_not_there_is_named(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    connect_engine()
    with db.transaction() as session:
        make_people(session, 1)
    launch_committed(steps=[HELLO])
    assert main(["campaigns", "books", "hello", "--step", "nonsense"]) == 2
    assert "there are hello" in capsys.readouterr().err
