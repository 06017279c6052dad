"""After an erasure nothing that the product stores names, quotes or reaches the person: every table, file and queue."""

import json
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select, types
from sqlalchemy.exc import IntegrityError

from abm.accounts.actions import add_account_event
from abm.accounts.models import Account, AccountEvent
from abm.audit.actions import record
from abm.cli import main
from abm.contacts.actions import update_contact
from abm.contacts.models import Contact
from abm.dossier.models import Dossier
from abm.identity.merging import merge_contacts
from abm.imports.models import ImportRun
from abm.meetings.models import Decision, Meeting
from abm.outreach.erasure_rows import WITHOUT_WORDS, WORDS
from abm.plans.models import AccountReview
from abm.targets.models import ListVeto, TargetList
from abm.wiring import connect_engine
from abm.work.models import CallTry, Task
from campaigns import consent
from campaigns.models import Attempt, Delivery, Event, Letter, Touch
from campaigns.receipts import receive_message
from campaigns.visits import Visitor, record_open
from core import clock
from core.db import Base, engine, reading, transaction
from core.jobs.queue import connection
from core.settings import settings
from tests.campaigns.campaign_factory import deliveries, make_people, make_run
from tests.factories import make_account, make_contact, make_user

FIRST, LAST, ADDRESS, PHONE = "Zebülon", "Quackenbush", "Zeb.Quack@Example.com", "+49 30 5550199"
OLD_ADDRESS = "zq@former.example"
FULL, TURNED = f"{FIRST} {LAST}", f"{LAST.upper()}, {FIRST}"
QUOTED = f"{FULL} ({ADDRESS.lower()}, 0049305550199) said no"
MARKS = (ADDRESS, OLD_ADDRESS, FIRST, LAST, "5550199")
pytestmark = pytest.mark.usefixtures("database")


def fill_everything() -> None:
    """The person's address, name and number wherever the product can keep words about somebody."""
    connect_engine()
    with transaction() as session:
        person = make_people(session, email=ADDRESS, email_key=ADDRESS.lower(), first_name=FIRST, last_name=LAST,
                             phone=PHONE, custom={"note": QUOTED})[0]
        account = session.get_one(Account, person.account_id)
        delivery = deliveries(session, make_run(session))[0]
        delivery.state, delivery.sent_at, delivery.message_id = "sent", clock.now(), "<m@example.com>"
        delivery.detail = QUOTED
        session.flush()
        record_open(session, delivery_id=delivery.id, visitor=Visitor("Firefox", "203.0.113.7", clock.now()))
        receive_message(session, f"From: {FULL} <{ADDRESS}>\nIn-Reply-To: <m@example.com>\n\nI, {FULL}.".encode())
        consent.unsubscribe(session, delivery_id=delivery.id, evidence={"ip": "203.0.113.7", "words": QUOTED})
        add_to_rows(session, person, delivery)
        add_to_account(session, account)
        double = make_contact(session, account, email=OLD_ADDRESS, first_name=FIRST, last_name=f"{LAST}-Old")
        update_contact(session, contact_id=person.id, values={"first_name": "X", "title": QUOTED})
        update_contact(session, contact_id=person.id, values={"first_name": FIRST})
        merge_contacts(session, keep_id=person.id, drop_id=double.id)


def add_to_rows(session: Any, person: Contact, delivery: Delivery) -> None:
    """Rows that bear the person."""
    now = clock.now()
    own = {"contact_id": person.id, "account_id": person.account_id}
    task = Task(kind="call", title=f"Call {FULL}", note=QUOTED, script=f"Ask {FIRST}", outcome_note="she weeps",
                extra={"tries": [{"note": QUOTED}], "who": ADDRESS}, created_at=now, sentiment="angry", **own)
    session.add(task)
    session.flush()
    session.add_all([
        CallTry(task_id=task.id, at=now, outcome="reached", sentiment="angry", seconds=60),
        Touch(channel="visit", at=now, points=4, note=QUOTED, cost_amount=1, **own),
        Letter(delivery_id=delivery.id + 900, campaign_title="C", step="s", address=[FULL, "1 Street"], sender=["We"],
               subject=f"Dear {LAST}", body=QUOTED, made_at=now, **own),
        Attempt(delivery_id=delivery.id, number=1, fence=1, worker="w", phase="dot", at=now, outcome="sent",
                text=f"250 <{ADDRESS}> queued"),
    ])
    record(session, action="call.outcome", subject="task", subject_id=task.id, after={"note": f"{FIRST} was rude"})
    add_account_event(session, account_id=person.account_id, contact_id=person.id, kind="call",
                      title=f"{FIRST} was called", text="and told us about the divorce")


def add_to_account(session: Any, account: Account) -> None:
    """Rows about the account that speak of the person."""
    now = clock.now()
    add_account_event(session, account_id=account.id, kind="note", title=TURNED, text=f"Mrs {LAST} likes tea. {QUOTED}")
    meeting = Meeting(title=f"About {FULL}", held_on=date(2026, 3, 3), agenda={"rows": [QUOTED, {FULL: 1}]},
                      notes=QUOTED, minutes=TURNED, people=[FULL], created_at=now)
    session.add(meeting)
    session.flush()
    session.add_all([
        Task(title=f"Ask {FULL}", note=f"ring {PHONE}", account_id=account.id, created_at=now, extra={"n": [TURNED]}),
        Decision(meeting_id=meeting.id, account_id=account.id, item="gaps", kind="task", text=f"{FULL} leads",
                 reason=QUOTED, decided_by="Boss", effective_on=date(2026, 3, 3), decided_at=now),
        Dossier(account_id=account.id, management=f"Head: {TURNED}", updated_at=now),
        AccountReview(account_id=account.id, as_of=date(2026, 3, 3), proposal="keep", reasons=[QUOTED],
                      value_12m=1.0, why=f"{FULL} stays", proposed_at=now),
        ListVeto(account_id=account.id, list_id=make_listed(session), reason=f"{FULL} asked", by_name="Boss",
                 until_on=date(2027, 3, 3), created_at=now),
        ImportRun(kind="contacts", file_name=f"{ADDRESS}.csv", stored_path="x", state="done",
                  warnings=[f"row 3: {ADDRESS}"], error=QUOTED, created_at=now, started_by="Boss"),
    ])
    record(session, action="note", subject="account", subject_id=account.id, after={"text": QUOTED})


def make_listed(session: Any) -> int:
    return session.scalars(select(TargetList.id)).one()


def fill_files(folder: Path) -> None:
    row = f'P1;A1;{FIRST};{LAST};{ADDRESS};"{PHONE}"'
    for name, octets in {
        "uploads/a.csv": f"contact_id;account_id;first;last;email;phone\n{row}\nP2;A2;Jo;Li;jo@x.example;1\n".encode(),
        "uploads/b.csv": f"\ufeffemail\tname\n{ADDRESS}\t{FIRST}\nother@example.com\tJo\n".encode("utf-16-le"),
        "uploads/c.csv": f"name,email\n{FIRST} {LAST},{ADDRESS}\nJürgen,j@example.com\n".encode("latin-1"),
        "rejects/r.csv": f"{row};_row\n".encode(),
        "outbox/1.eml": f"To: {ADDRESS}\n\nHi".encode(),
        "outbox/2.eml": (b"To: boss@example.com\nContent-Type: text/plain; charset=utf-8\n"
                         b"Content-Transfer-Encoding: quoted-printable\n\nMinutes: Zeb=C3=BClon Quacken=\nbush\n"),
        "outbox/3.eml": b"To: other@example.com\n\nHi",
        "work.log": f'{{"text": "{QUOTED}"}}\n'.encode(),
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(octets)
    book = openpyxl.Workbook()
    book.active.append([FIRST, LAST, ADDRESS])
    book.save(folder / "uploads" / "d.xlsx")


def fill_queue() -> None:
    server = connection()
    server.hset("rq:job:failed-1", mapping={"description": "job", "exc_info": zlib.compress(QUOTED.encode())})
    server.rpush("rq:other", json.dumps({"address": ADDRESS}))
    server.hset("rq:job:fine", mapping={"description": "ids only"})


def words_in_tables() -> Iterator[tuple[str, str]]:
    """(table.column, mark) wherever a mark still stands, whatever the column's type."""
    with reading() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.c:
                if isinstance(column.type, types.LargeBinary):
                    blobs = b" ".join(bytes(one or b"") for one in session.scalars(select(column)))
                    yield from ((f"{table.name}.{column.name}", mark) for mark in MARKS if mark.encode() in blobs)
                    continue
                texts = " ".join(str(value) for value in session.scalars(select(column)) if value is not None)
                found = texts.casefold()
                yield from ((f"{table.name}.{column.name}", mark) for mark in MARKS if mark.casefold() in found)


def words_in_files(folder: Path) -> list[tuple[str, str]]:
    found = []
    for path in (one for one in folder.rglob("*") if one.is_file()):
        octets = path.read_bytes().lower()
        for mark in MARKS:
            forms = (mark.lower().encode(), mark.lower().encode("latin-1"), mark.lower().encode("utf-16-le"))
            found += [(str(path.relative_to(folder)), mark)] if any(form in octets for form in forms) else []
    return found


def words_in_queue() -> list[str]:
    server: Any = connection()
    return sorted(key.decode() for key in server.scan_iter())


def test_nothing_anywhere_names_or_quotes_an_erased_person(queue_server: str, database: Path) -> None:
    fill_everything()
    fill_files(database)
    fill_queue()
    before = {place.split(".")[0] for place, _mark in words_in_tables()}
    assert before >= {"contact", "account_event", "task", "touch", "letter", "delivery", "event", "attempt", "meeting",
                      "decision", "dossier", "account_review", "list_veto", "import_run", "audit_detail", "merge",
                      "merge_step", "consent_event"}
    assert main(["contact", "erase", ADDRESS]) == 0

    assert list(words_in_tables()) == []
    assert words_in_files(database) == []
    assert words_in_queue() == ["rq:job:fine"]
    with reading() as session:
        assert session.scalars(select(Contact).where(Contact.email_key == ADDRESS.lower())).all() == []
        assert consent.is_suppressed(session, address=ADDRESS)
        assert consent.is_suppressed(session, address=OLD_ADDRESS)  # the record that was taken in
        call = session.scalars(select(Task).where(Task.kind == "call")).one()
        told = (call.outcome_note, call.extra, call.sentiment, session.scalars(select(CallTry.sentiment)).one())
        assert told == ("", None, None, None)
        texts = session.scalars(select(Event.text)).all() + session.scalars(select(Letter.body)).all()
        assert not any(texts)


def test_files_of_others_stay_as_they_were(queue_server: str, database: Path) -> None:
    fill_everything()
    fill_files(database)
    main(["contact", "erase", ADDRESS])
    read = {path.name: path.read_bytes() for path in (database / "uploads").iterdir()}
    assert read["a.csv"].decode().splitlines()[2] == "P2;A2;Jo;Li;jo@x.example;1"
    assert "other@example.com\tJo" in read["b.csv"].decode("utf-16-le")
    assert "Jürgen,j@example.com" in read["c.csv"].decode("latin-1")
    assert {path.name for path in (database / "outbox").iterdir()} == {"3.eml"}


def test_the_file_of_the_database_forgets_the_words_of_its_index(queue_server: str, database: Path) -> None:
    if not settings().is_sqlite:
        pytest.skip("only SQLite keeps deleted rows readable in its file")
    fill_everything()
    main(["contact", "erase", ADDRESS])
    engine().dispose()
    octets = b"".join(path.read_bytes().lower() for path in database.glob("abm.db*"))
    assert not [mark for mark in (b"quackenbush", b"5550199", b"zeb.quack", "zebülon".encode()) if mark in octets]


def test_a_namesake_and_a_colleague_of_the_same_name_keep_theirs(queue_server: str) -> None:
    with transaction() as session:
        make_user(session, name="Anna Berg", email="anna@ours.example")
        theirs = make_account(session, name="Theirs")
        other = make_account(session, name="Other")
        make_contact(session, theirs, first_name="Anna", last_name="Berg", email="anna@theirs.example")
        make_contact(session, other, first_name="Anna", last_name="Berg", email="berg@other.example")
        for account in (theirs, other):
            add_account_event(session, account_id=account.id, kind="note", title="Talk", text="Anna Berg; Annaberg")
    main(["contact", "erase", "anna@theirs.example"])
    with reading() as session:
        texts = dict(session.execute(select(AccountEvent.account_id, AccountEvent.text)
                                     .where(AccountEvent.kind == "note")).all())
        assert texts == {theirs.id: "[erased]; Annaberg", other.id: "Anna Berg; Annaberg"}
        assert session.scalars(select(Contact.last_name)).all() == ["Berg"]


def test_what_comes_back_after_an_erasure_is_counted_without_words(queue_server: str) -> None:
    fill_everything()
    main(["contact", "erase", ADDRESS])
    with transaction() as session:
        delivery_id = session.scalars(select(Delivery.id)).one()
        record_open(session, delivery_id=delivery_id, visitor=Visitor("Firefox", "203.0.113.9", clock.now()))
        receive_message(session, f"From: {ADDRESS}\nIn-Reply-To: <m@example.com>\n\nMe, {FULL}, again".encode())
    assert list(words_in_tables()) == []
    with reading() as session:
        assert {event.raw for event in session.scalars(select(Event))} == {None}
        assert session.scalar(select(func.count()).select_from(Event).where(Event.kind == "reply")) == 2


def test_every_table_with_a_person_says_what_an_erasure_clears() -> None:
    """A new table that names a contact must be entered in erasure_rows: in WORDS, or in WITHOUT_WORDS for a reason."""
    tables = {table.name: table for table in Base.metadata.sorted_tables if "contact_id" in table.c}
    assert set(tables) == set(WORDS) | WITHOUT_WORDS
    for name in WORDS:
        assert set(WORDS[name]) <= set(tables[name].c.keys())


def test_errors_of_the_database_tell_no_values() -> None:
    """They end up in logs and in the queue server."""
    with transaction() as session:
        make_contact(session, external_id="P1")
    with pytest.raises(IntegrityError) as caught, transaction() as session:
        make_contact(session, external_id="P1", email=ADDRESS, first_name=FIRST)
    assert ADDRESS not in str(caught.value)
    assert FIRST not in str(caught.value)
