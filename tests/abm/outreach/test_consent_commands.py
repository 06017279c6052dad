"""Stops and the rights of a person, from the command line."""

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Text, cast, func, select

from abm.cli import main
from abm.outreach.consent_commands import wipe_deleted_pages
from abm.work.models import Task
from campaigns import consent
from campaigns.models import Delivery, EarlierMessageId, Event, Suppression
from campaigns.receipts import receive_message
from core import clock
from core.db import Base, reading, transaction
from tests.campaigns.campaign_factory import deliveries, make_people, make_run

ADDRESS = "Jane.Unique@Example.com"
MESSAGE_ID = "<m1@example.com>"
pytestmark = pytest.mark.usefixtures("database")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def make_history() -> int:
    """Somebody who got a message, opened it, complained by answer, and is named in a task."""
    from abm.wiring import connect_engine

    connect_engine()
    with transaction() as session:
        person = make_people(session, email=ADDRESS, first_name="Jane", last_name="Unique")[0]
        delivery = deliveries(session, make_run(session))[0]
        delivery.state, delivery.sent_at, delivery.message_id = "sent", clock.now(), MESSAGE_ID
        session.add(EarlierMessageId(message_id=MESSAGE_ID, delivery_id=delivery.id))
        delivery.detail = f"250 accepted for <{ADDRESS.lower()}>"
        session.flush()
        receive_message(session, f"From: Jane <{ADDRESS}>\nIn-Reply-To: {MESSAGE_ID}\n\nCall {ADDRESS}".encode())
        consent.unsubscribe(session, delivery_id=delivery.id, evidence={"ip": "10.0.0.1"})
        session.add(
            Task(
                title="Call Jane Unique",
                note=f"at {ADDRESS}",
                contact_id=person.id,
                account_id=person.account_id,
                extra={"who": [ADDRESS]},
                created_at=clock.now(),
            )
        )
        return person.id


def tables_with(word: str) -> list[str]:
    with reading() as session:
        return [
            f"{table.name}.{column.name}"
            for table in Base.metadata.sorted_tables
            for column in table.c
            if session.scalar(
                select(func.count()).select_from(table).where(func.lower(cast(column, Text)).contains(word.lower()))
            )
        ]


def test_suppress_and_unsuppress_are_on_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "suppress", ADDRESS, "--reason", "asked by phone")[0] == 0
    code, out, _err = run(capsys, "suppress", ADDRESS.upper(), "--reason", "again", "--json")
    assert (code, json.loads(out)["changed"]) == (0, False)
    assert run(capsys, "unsuppress", ADDRESS, "--reason", "asked again")[0] == 0
    with reading() as session:
        row = session.scalars(select(Suppression)).one()
        assert (row.reason, row.lifted_reason, row.purpose) == ("asked by phone", "asked again", "*")


@pytest.mark.parametrize(
    "arguments",
    [
        ("suppress", "nonsense", "--reason", "x"),
        ("suppress", ADDRESS),
        ("suppress", ADDRESS, "--reason", " "),
        ("unsuppress", ADDRESS, "--reason", "x"),
        ("contact", "export", ADDRESS),
        ("contact", "erase", ADDRESS),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, *arguments)

    assert (code, out) == (2, "")
    assert err.strip()


def test_the_export_holds_everything_about_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    make_history()
    code, out, _err = run(capsys, "contact", "export", ADDRESS.lower(), "--json")
    found = json.loads(out)

    assert (code, found["contacts"][0]["first_name"]) == (0, "Jane")
    assert {event["kind"] for event in found["events"]} == {"reply", "unsubscribe"}
    assert [row["kind"] for row in found["consent"]] == ["withdrawn"]
    assert len(found["suppressions"]) == 2
    assert {task["title"] for task in found["other"]["task"]} == {"Call Jane Unique",
                                                                  "Answer the reply to hello: hello"}


def test_after_an_erasure_no_table_and_no_file_holds_the_address(
    capsys: pytest.CaptureFixture[str], database: Path
) -> None:
    make_history()
    (database / "outbox").mkdir()
    (database / "outbox" / "1.eml").write_text(f"To: {ADDRESS}\n\nHi")
    (database / "uploads").mkdir()
    (database / "uploads" / "people.csv").write_text(f"email\n{ADDRESS}\nother@example.com\n")
    code, _out, _err = run(capsys, "contact", "erase", ADDRESS)

    assert (code, tables_with(ADDRESS), tables_with("Jane Unique")) == (0, [], [])
    assert not (database / "outbox" / "1.eml").exists()
    assert (database / "uploads" / "people.csv").read_text() == "email\n[erased]\nother@example.com\n"


def test_after_an_erasure_the_address_stays_suppressed_and_the_books_stay_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_history()
    run(capsys, "contact", "erase", ADDRESS)

    with reading() as session:
        assert consent.is_suppressed(session, address=ADDRESS)
        assert [(row.state, row.address) for row in session.scalars(select(Delivery))] == [("sent", None)]
        assert {row.raw for row in session.scalars(select(Event))} == {None}


def test_the_database_file_itself_forgets(capsys: pytest.CaptureFixture[str], database: Path) -> None:
    file = database / "abm.db"
    if not file.exists():
        pytest.skip("only SQLite keeps deleted rows readable in its file")
    make_history()
    sqlite3.connect(file).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert ADDRESS.encode() in file.read_bytes()
    run(capsys, "contact", "erase", ADDRESS)

    assert not [path for path in database.glob("abm.db*") if b"jane.unique@" in path.read_bytes().lower()]
    wipe_deleted_pages()


def test_erasing_one_leaves_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    make_history()
    with transaction() as session:
        make_people(session, email="jane.uniqueX@example.com")
    run(capsys, "contact", "erase", ADDRESS)

    assert "contact.email" in tables_with("jane.uniquex@example.com")
