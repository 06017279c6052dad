"""Draining the outbox: everything due leaves the house exactly once, whatever a single row or server does."""

from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest

from campaigns.channels.base import Result
from campaigns.dispatch import DrainOptions, drain
from core.settings import settings
from tests.outbox_factory import CALL_STEP, EMAIL_STEP, deliveries, running_campaign, states
from tests.sink import running_sink


@pytest.fixture
def mail_to(monkeypatch: pytest.MonkeyPatch):
    """Point the product at a sink's port."""

    def point(port: int, connections: int = 3) -> None:
        monkeypatch.setenv("ABM_MAIL_URL", f"smtp://127.0.0.1:{port}?connections={connections}")
        settings.cache_clear()

    return point


def test_every_due_message_reaches_the_relay_once(engine_side: Path, mail_to) -> None:
    running_campaign(250)
    with running_sink() as (sink, port):
        mail_to(port)
        report = drain()
    assert report.results == {Result.SENT: 250}
    assert states() == {"sent": 250}
    assert len(set(sink.record.accepted)) == len(sink.record.accepted) == 250


def test_messages_in_the_folder_are_whole_and_addressed(engine_side: Path) -> None:
    running_campaign(3)
    drain()
    files = sorted(settings().outbox_dir.glob("*.eml"))
    recipients = {message_from_bytes(file.read_bytes())["To"] for file in files}
    assert recipients == {f"Jane{n} Doe <jane{n}@example.com>" for n in (1, 2, 3)}
    assert states() == {"sent": 3}


def test_a_call_becomes_a_task_and_counts_as_sent(engine_side: Path) -> None:
    from sqlalchemy import select

    from abm.work.models import Task
    from core.db import reading

    running_campaign(3, step=CALL_STEP)
    drain()
    with reading() as session:
        tasks = session.scalars(select(Task)).all()
    assert len(tasks) == 3
    assert states() == {"sent": 3}


@pytest.mark.parametrize("step", [EMAIL_STEP, CALL_STEP], ids=["email", "call"])
def test_a_second_drain_hands_nothing_over_again(engine_side: Path, step) -> None:
    running_campaign(4, step=step)
    drain()
    assert drain().batches == 0
    assert [one.attempts for one in deliveries()] == [1, 1, 1, 1]


def test_a_missing_value_fails_one_message_and_names_it(engine_side: Path) -> None:
    from sqlalchemy import update

    from abm.contacts.models import Contact
    from core.db import transaction

    running_campaign(5)
    with transaction() as session:
        session.execute(update(Contact).where(Contact.email == "jane3@example.com").values(first_name=None))
    drain()
    assert states() == {"sent": 4, "failed_render": 1}
    assert "contact.first_name" in next(one.detail for one in deliveries() if one.state == "failed_render")


def test_a_machine_that_cannot_try_content_out_fails_nobody(engine_side: Path, monkeypatch) -> None:
    from campaigns import rendering, sandbox_child

    def fails(*_given: object, **_named: object) -> None:
        raise OSError(11, "no more processes")

    rendering._compiled.cache_clear()
    sandbox_child.prove.cache_clear()
    monkeypatch.setattr(sandbox_child.subprocess, "run", fails)
    running_campaign(3)
    drain()
    assert states() == {"queued": 3}
    assert {row.detail for row in deliveries()} == {
        "The campaign could not be prepared (CannotRun); the log says more, and it is tried again by itself"}


def test_a_suppressed_address_is_blocked_at_the_last_moment(engine_side: Path) -> None:
    from campaigns.keys import address_key
    from campaigns.models import Suppression
    from core import clock
    from core.db import transaction

    running_campaign(2)
    with transaction() as session:
        session.add(Suppression(scope="address", key=address_key("jane1@example.com"), reason="unsubscribed",
                                created_at=clock.now()))
    drain()
    assert states() == {"sent": 1, "suppressed": 1}


def test_the_time_of_a_drain_is_bounded(engine_side: Path) -> None:
    running_campaign(600)
    report = drain(options=DrainOptions(seconds=0))
    assert report.batches == 0
    assert Counter(states()) == {"queued": 600}


def _now_at(changes: dict[str, str]) -> None:
    from sqlalchemy import update

    from abm.contacts.models import Contact
    from core.db import transaction

    with transaction() as session:
        for before, now in changes.items():
            session.execute(update(Contact).where(Contact.email == before).values(email=now))


def test_two_whose_addresses_became_the_same_since_the_plan_get_one_message(engine_side: Path) -> None:
    running_campaign(3)
    _now_at({"jane2@example.com": "Jane1@example.com"})
    drain()
    assert sorted((one.state, one.reason) for one in deliveries()) == [
        ("sent", None), ("sent", None), ("suppressed", "same_mailbox")]
    assert len({message_from_bytes(file.read_bytes())["To"].lower().partition("<")[2]
                for file in settings().outbox_dir.glob("*.eml")}) == 2


def test_two_who_moved_to_one_new_address_get_one_message(engine_side: Path) -> None:
    running_campaign(3)
    _now_at({"jane1@example.com": "both@example.com", "jane2@example.com": "both@example.com"})
    drain()
    assert states() == {"sent": 2, "suppressed": 1}


def test_who_moved_to_an_address_of_their_own_gets_the_message_there(engine_side: Path) -> None:
    running_campaign(2)
    _now_at({"jane1@example.com": "new@example.com"})
    drain()
    assert states() == {"sent": 2}
    assert {one.address for one in deliveries()} == {"new@example.com", "jane2@example.com"}
