"""Where the addresses of merged accounts and people lead."""

import pytest

from abm.identity.merging import merge_accounts, merge_contacts
from abm.identity.unmerging import unmerge
from abm.web.permissions import Role
from core import db
from tests.factories import make_account, make_contact


@pytest.fixture
def three(database):
    with db.transaction() as session:
        return [make_account(session).id for _ in range(3)]


def test_the_address_of_a_merged_account_leads_to_the_one_that_stands(three, client_as):
    first, second, third = three
    with db.transaction() as session:
        merge_accounts(session, keep_id=second, drop_id=first)
        merge_accounts(session, keep_id=third, drop_id=second)
    viewer = client_as(Role.VIEWER)
    assert viewer.get(f"/accounts/{first}/people").headers["Location"] == f"/accounts/{third}/people"
    assert viewer.get(f"/accounts/{second}?from=mail").headers["Location"] == f"/accounts/{third}?from=mail"
    assert viewer.get("/accounts/987654").status_code == 404


def test_after_the_merge_is_undone_both_addresses_are_their_own_again(three, client_as):
    with db.transaction() as session:
        merge = merge_accounts(session, keep_id=three[1], drop_id=three[0])
        unmerge(session, merge_id=merge.id)
    assert client_as(Role.VIEWER).get(f"/accounts/{three[0]}").status_code == 200


def test_something_else_that_is_missing_there_stays_missing(three, client_as):
    assert client_as(Role.VIEWER).get(f"/accounts/{three[0]}/white-space/cell?category=none").status_code == 404


def test_the_address_of_a_merged_person_leads_on_and_nothing_is_shown_to_strangers(database, client_as):
    with db.transaction() as session:
        account = make_account(session)
        kept, dropped = make_contact(session, account), make_contact(session, account)
        ids = kept.id, dropped.id
        merge_contacts(session, keep_id=ids[0], drop_id=ids[1])
    assert client_as(Role.SALES).get(f"/contacts/{ids[1]}").headers["Location"] == f"/contacts/{ids[0]}"
    stranger = client_as(Role.VIEWER)
    stranger.post("/sign-out")
    assert "sign-in" in stranger.get(f"/contacts/{ids[1]}").headers["Location"]
