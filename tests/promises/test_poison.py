"""One row in a hundred is poisoned: the others go out, and each bad one fails alone, by name."""

import os
import signal
from collections import Counter
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DataError

from abm.contacts.models import Contact
from campaigns import preparing, sweeps
from campaigns.dispatch import drain
from campaigns.models import Delivery
from core import db
from core.db import transaction
from core.settings import settings
from tests.outbox_factory import deliveries, running_campaign, states

PEOPLE, EVERY = 1_000, 100
LONG_LOCAL = "x" * 300 + "@example.com"
# What cannot be made or addressed: the row fails and says why.
POISONS: dict[str, dict[str, Any]] = {
    "a header in an address": {"email": "jane@example.com\r\nBcc: x@example.com"},
    "no first name": {"first_name": None},
    "ten megabytes of a name": {"first_name": "x" * 10_000_000},
    "an endless local part": {"email": LONG_LOCAL},
    "no address at all": {"email": "nobody"},
}
# What looks like poison and is nothing but a value.
HARMLESS: dict[str, dict[str, Any]] = {
    "a header in a name": {"first_name": "Jane\r\nBcc: everybody@example.com"},
    "a template in a name": {"first_name": "{{ 7 * 7 }}{% for a in range(9) %}"},
    "markup in a name": {"first_name": "<script>alert(1)</script>"},
    "a domain of its own letters": {"email": "jane@bücher.example"},
    "control characters": {"first_name": "Ja\x01ne\x7f"},
}


def _poison(values: dict[str, Any], contact_id: int) -> bool:
    """False where the database itself refuses such a value (PostgreSQL: what is longer than its column)."""
    try:
        with transaction() as session:
            session.execute(update(Contact).where(Contact.id == contact_id).values(**values))
            if "email" in values:
                session.execute(update(Delivery).where(Delivery.contact_id == contact_id)
                                .values(address=values["email"][:320]))
    except DataError:
        return False
    return True


def _whole(file: Path) -> Any:
    return message_from_bytes(file.read_bytes(), policy=default)


def test_of_a_thousand_rows_ten_poisoned_ones_fail_alone_and_by_name(engine_side: Path) -> None:
    running_campaign(PEOPLE)
    contacts = [row.contact_id for row in deliveries()][::EVERY]
    poisoned = {contact_id for contact_id, values in zip(contacts, 2 * list(POISONS.values()), strict=True)
                if _poison(values, contact_id)}
    drain()
    failed = [row for row in deliveries() if row.state == "failed_render"]
    assert len(poisoned) >= 6
    assert {row.contact_id for row in failed} == poisoned
    assert all(row.detail for row in failed)
    assert Counter(states()) == {"sent": PEOPLE - len(poisoned), "failed_render": len(poisoned)}
    assert len(list(settings().outbox_dir.glob("*.eml"))) == PEOPLE - len(poisoned)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_poison_is_sent_as_it_is(engine_side: Path, name: str) -> None:
    running_campaign(2)
    _poison(HARMLESS[name], deliveries()[0].contact_id)
    drain()
    assert states() == {"sent": 2}
    for file in settings().outbox_dir.glob("*.eml"):
        message = _whole(file)
        assert len(message.get_all("To")) == 1
        assert message["Bcc"] is None
        assert "<script>" not in message.get_body(("html",)).get_content()
        assert "49" not in message["Subject"]


def _prepare_or_die(victim: int) -> Any:
    """As `prepare`, but the process is killed as soon as it meets the victim's row."""
    real = preparing._try_to_make

    def killing(row: Any, *given: Any) -> Any:
        if row.due.contact_id == victim:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(row, *given)

    return killing


def test_a_row_that_kills_its_worker_is_quarantined_after_two_lone_deaths(engine_side: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    """Four processes die of it: the one that had it in a batch, one that had it among a few, and two that had it
    alone."""
    running_campaign(40)
    victim = deliveries()[20].contact_id
    monkeypatch.setattr(preparing, "_try_to_make", _prepare_or_die(victim))
    deaths = 0
    for _ in range(10):
        db.engine().dispose()
        pid = os.fork()
        if not pid:
            try:
                db.dispose()
                drain()
            finally:
                os._exit(0)
        deaths += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        sweeps.settle_left_batches()
        if states().get("quarantined"):
            break
    assert states()["quarantined"] == 1
    drain()
    assert states() == {"sent": 39, "quarantined": 1}
    assert deaths == 4
    [quarantined] = [row for row in deliveries() if row.state == "quarantined"]
    assert quarantined.contact_id == victim
    assert "died twice" in (quarantined.detail or "")
