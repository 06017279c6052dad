"""The pages that people open all day ask the database equally often, whatever the number of accounts and orders."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from sqlalchemy import event, select

from abm.accounts.models import Account
from abm.analysis.actions import run_analysis
from abm.targets.actions import save_list
from abm.targets.files import load_yaml, read_definition
from abm.targets.scopes import get_vocabulary
from core import db
from tests.factories import make_account, make_contact, make_order

LIST = "{list: germans, title: Germans, who: {field: account.country, is: DE}}"
# The most statements of each page, with those of its frame: who is signed in, the company, the menu's counts.
PAGES = {
    "/search": 10,
    "/accounts": 16,
    "/accounts?country=DE&class=A&sort=-value": 16,
    "/accounts?rhythm=active&tier=3&q=client&sort=-last_order": 16,
    "/accounts/{id}": 32,
    "/accounts/{id}/people": 20,
    "/accounts/{id}/orders": 22,
    "/accounts/{id}/scores": 24,
    "/accounts/{id}/dossier": 26,
    "/accounts/{id}/outreach": 24,
    "/accounts/{id}/timeline": 22,
    "/lists/germans": 19,
    "/lists/germans?class=A&sort=-value": 20,
    "/analysis": 11,
    "/contacts": 12,
    "/contacts?q=client&role=champion": 12,
    "/sources": 12,
}


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection, _cursor, statement, *_more):
        statements.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    yield statements
    event.remove(db.engine(), "before_cursor_execute", note)


def grow(accounts: int) -> int:
    """So many more accounts, each with people and orders, analysed and on the list; the id of one of them."""
    with db.transaction() as session:
        parent = session.scalars(select(Account.id).limit(1)).first()
        made = [make_account(session, country="DE", tier="3", industry="Steel", parent_id=parent,
                             name=f"Client {number}") for number in range(accounts)]
        for account in made:
            for role in ("champion", "user", "decision_maker"):
                make_contact(session, account, buying_role=role, lawful_basis="consent")
            for number in range(4):
                make_order(session, account, on=date(2026, 1, 1) + timedelta(days=7 * number))
        session.flush()
        run_analysis(session)
        save_list(session, definition=read_definition(load_yaml(LIST), get_vocabulary(session)))
        return parent or made[0].id


def count_queries(client, account_id: int) -> dict[str, int]:
    found = {}
    for page in PAGES:
        assert client.get(page.format(id=account_id)).status_code == 200, page
        with counted() as statements:
            client.get(page.format(id=account_id))
        found[page] = len(statements)
    return found


@pytest.fixture
def both(client_as, database) -> tuple[dict[str, int], dict[str, int]]:
    """Statements of each page with a few accounts and with many more than a page shows."""
    client = client_as("admin")
    account_id = grow(4)
    grow(1)
    few = count_queries(client, account_id)
    grow(70)
    return few, count_queries(client, account_id)


def test_pages_ask_as_often_for_many_accounts_as_for_few(both):
    few, many = both
    grown = {page: (few[page], count) for page, count in many.items() if count > few[page]}
    assert grown == {}
    over = {page: count for page, count in few.items() if count > PAGES[page]}
    assert over == {}, few
