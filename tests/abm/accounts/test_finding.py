"""Accounts by the words that people and files use for them."""

import pytest

from abm.accounts.aliases import add_alias
from abm.accounts.queries import find_account_by_name
from abm.targets.files import load_yaml, read_definition
from abm.targets.previews import preview
from abm.targets.scopes import get_vocabulary
from tests.factories import make_account


@pytest.fixture
def acme(session):
    account = make_account(session, name="Acme Tools", external_id="A-1")
    make_account(session, name="Beta", external_id="B-1")
    add_alias(session, account_id=account.id, kind="name", value="ACME Werkzeuge")
    add_alias(session, account_id=account.id, kind="id", value="OLD-7")
    return account


@pytest.mark.parametrize("text", ["acme  tools", "A-1", "Acme werkzeuge", "OLD-7"])
def test_an_account_is_found_by_its_name_id_and_what_it_is_known_as(session, acme, text):
    assert find_account_by_name(session, text) == acme.id


def test_two_of_a_name_are_nobody_and_an_own_name_goes_before_an_alias(session, acme):
    make_account(session, name="Beta", external_id="B-2")
    other = make_account(session, name="ACME Werkzeuge", external_id="C-1")
    assert find_account_by_name(session, "beta") is None
    assert find_account_by_name(session, "acme werkzeuge") == other.id


def test_a_list_by_hand_knows_the_other_ids_and_counts_an_account_once(session, acme):
    definition = read_definition(load_yaml("{list: l, accounts: [A-1, OLD-7, B-1, gone]}"), get_vocabulary(session))
    found = preview(session, definition)
    assert (found.accounts, found.unknown) == (2, ("gone",))
