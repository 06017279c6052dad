"""Counting a rule set on a page neither needs nor takes the right to write, whoever saves meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.targets import addressing
from abm.targets.addressing import keep_addresses_apart
from abm.targets.files import ListDefinition
from abm.targets.jobs import refresh_lists
from abm.targets.models import ContactAddress
from abm.targets.previews import preview
from abm.targets.rule_tree import Condition, Has
from abm.targets.vocabulary import Operator
from campaigns.models import Suppression
from core import clock, db
from core.errors import TookTooLong
from core.signing import keyed_digest
from tests.factories import make_account, make_contact

REACHABLE = ListDefinition("reachable", "Reachable", Has("contact", Condition("contact.can_email", Operator.IS, True)))


def _bring_in_two_people() -> None:
    """One who may be written to, and one whose address is stopped."""
    with db.transaction() as session:
        for name in ("asked@example.com", "free@example.com"):
            make_contact(session, make_account(session), email=name, lawful_basis="consent")
        session.add(Suppression(scope="address", key=keyed_digest("address", "asked@example.com"), reason="asked",
                                created_at=clock.now()))


def test_new_people_are_judged_by_their_stops_though_somebody_saves_meanwhile(database: Path) -> None:
    _bring_in_two_people()
    with db.reading() as session:
        session.scalar(select(func.count(Account.id)))
        with db.transaction() as other:
            make_account(other)
        keep_addresses_apart(session, 5)
        found = preview(session, REACHABLE)

    assert found.accounts == 1


def test_the_digests_made_for_a_count_stay(database: Path) -> None:
    _bring_in_two_people()
    with db.reading() as session:
        keep_addresses_apart(session, 5)

    with db.reading() as session:
        assert session.scalar(select(func.count(ContactAddress.contact_id))) == 2


def test_a_reading_session_asks_for_no_write_lock(database: Path) -> None:
    _bring_in_two_people()
    with db.reading() as session, db.transaction() as other:
        other.scalar(select(func.count(Account.id)))
        assert preview(session, REACHABLE).accounts >= 1


def test_a_count_that_would_wait_too_long_for_new_people_says_so(database: Path) -> None:
    _bring_in_two_people()
    with db.reading() as session, pytest.raises(TookTooLong, match="just come in"):
        keep_addresses_apart(session, -1)


def test_lists_told_of_many_new_people_let_others_save_between(
        database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.transaction() as session:
        for number in range(7):
            make_contact(session, make_account(session), email=f"p{number}@example.com")
    monkeypatch.setattr(addressing, "_CHUNK", 2)
    made, real = [], addressing._make
    monkeypatch.setattr(addressing, "_make", lambda session, people: (made.append(len(people)), real(session, people)))
    with chunks_committed(monkeypatch) as committed:
        refresh_lists()
    assert made[:4] == [2, 2, 2, 1]
    assert committed[:4] == [2, 4, 6, 7]


@contextmanager
def chunks_committed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many digests another session sees after each transaction that made some."""
    found: list[int] = []
    real = db.transaction

    @contextmanager
    def watched(*given: Any) -> Iterator[db.Session]:
        with real(*given) as session:
            yield session
        with db.reading() as other:
            found.append(other.scalar(select(func.count(ContactAddress.contact_id))) or 0)

    monkeypatch.setattr(db, "transaction", watched)
    yield found


def test_digests_of_people_who_changed_or_left_are_made_anew_by_the_job(database: Path) -> None:
    _bring_in_two_people()
    refresh_lists()
    with db.transaction() as session:
        moved = session.scalars(select(Contact).where(Contact.email == "free@example.com")).one()
        moved.email = moved.email_key = "asked@example.com"
        moved.updated_at = clock.now()
    refresh_lists()
    with db.reading() as session:
        assert preview(session, REACHABLE).accounts == 0


def test_digests_made_by_two_at_once_are_made_once(database: Path) -> None:
    _bring_in_two_people()
    with db.transaction() as session:
        people = addressing._next_without_digest(session, None, after=0)
        addressing._make(session, people)
        addressing._make(session, people)
        assert session.scalar(select(func.count(ContactAddress.contact_id))) == 2
