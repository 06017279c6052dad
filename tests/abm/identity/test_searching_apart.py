"""The search in the background finds what a search in one go finds, and holds nobody up."""

from pathlib import Path

import pytest
from sqlalchemy import select

from abm.accounts.models import Account
from abm.accounts.names import name_key
from abm.identity import finding
from abm.identity.jobs import search_apart, search_now
from abm.identity.models import DuplicatePair
from abm.identity.queries import last_search
from core import clock, db
from tests.factories import make_account, make_contact


def _save(name: str) -> None:
    with db.transaction() as session:
        made = make_account(session, name=name, name_key=name_key(name))
        for _ in range(2):
            make_contact(session, made, email="twice@example.com")


@pytest.fixture
def company(database: Path) -> None:
    for name in ("Nord GmbH", "NORD", "Süd AG"):
        _save(name)


def _pairs() -> set[tuple[str, str]]:
    with db.reading() as session:
        return {(pair.subject, pair.state) for pair in session.scalars(select(DuplicatePair))}


def test_accounts_and_people_are_proposed_and_the_search_is_on_record(company: None) -> None:
    found = search_apart()

    assert (found.accounts, found.contacts) == (1, 3)
    assert _pairs() == {("account", "open"), ("contact", "open")}
    with db.reading() as session:
        assert last_search(session) is not None


def test_others_save_while_names_are_compared(company: None, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = finding._account_pairs

    def compare_while_somebody_saves(session):
        _save("West KG")
        yield from compare(session)
        _save("Ost KG")

    monkeypatch.setattr(finding, "_account_pairs", compare_while_somebody_saves)
    search_now()

    with db.reading() as session:
        assert {"West KG", "Ost KG"} <= set(session.scalars(select(Account.name)))
    assert ("account", "open") in _pairs()


def test_a_pair_that_no_longer_holds_is_proposed_no_longer(company: None) -> None:
    search_now()
    with db.transaction() as session:
        renamed = session.scalars(select(Account).where(Account.name == "NORD")).one()
        renamed.name, renamed.name_key, renamed.updated_at = "Alpen", name_key("Alpen"), clock.now()

    assert search_apart().accounts == 0
