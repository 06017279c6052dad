"""Facts that are changed in their place."""

import pytest
from sqlalchemy import select

from abm.accounts.facts import find_fact, with_fact
from abm.accounts.models import Account
from abm.audit.models import AuditEntry
from core import db
from tests.factories import make_account


@pytest.fixture
def account_id(database):
    with db.transaction() as session:
        return make_account(session, name="Alpha", industry="Food", employees=40, country="somewhere odd",
                            custom={"Segment": "gold", "Fair": "2025"}).id


def account(account_id):
    with db.reading() as session:
        found = session.get_one(Account, account_id)
        session.expunge(found)
        return found


def save(client, account_id, name, value):
    return client.post(f"/accounts/{account_id}/fact", data={"name": name, "value": value},
                       headers={"HX-Request": "true"})


def test_one_fact_is_saved_and_nothing_else_is_touched(client_as, account_id):
    answer = save(client_as("sales"), account_id, "employees", "1,250")
    assert answer.status_code == 200
    assert "1,250" in answer.text
    assert "<html" not in answer.text
    saved = account(account_id)
    assert (saved.employees, saved.country) == (1250, "somewhere odd")
    assert saved.custom == {"Segment": "gold", "Fair": "2025"}


def test_a_wrong_value_is_kept_with_its_error_beside_the_field(client_as, account_id):
    answer = save(client_as("sales"), account_id, "employees", "many")
    assert answer.status_code == 422
    assert 'value="many"' in answer.text
    assert "A number of zero or more" in answer.text
    assert account(account_id).employees == 40


@pytest.mark.parametrize(("value", "kept"), [
    ("silver", {"Segment": "silver", "Fair": "2025"}), ("", {"Fair": "2025"}),
    ("a: b", {"Segment": "a: b", "Fair": "2025"}),
])
def test_a_custom_field_is_changed_or_emptied_alone(client_as, account_id, value, kept):
    assert save(client_as("sales"), account_id, "custom.Segment", value).status_code == 200
    assert account(account_id).custom == kept


def test_a_new_field_of_ones_own_is_added(client_as, account_id):
    data = {"custom_name": "Shoe size", "value": "43"}
    assert client_as("sales").post(f"/accounts/{account_id}/fact", data=data).status_code == 302
    assert account(account_id).custom["Shoe size"] == "43"


def test_the_change_is_audited_and_a_viewer_may_not(client_as, account_id):
    save(client_as("sales"), account_id, "industry", "Steel")
    assert save(client_as("viewer"), account_id, "industry", "Lead").status_code == 403
    assert account(account_id).industry == "Steel"
    with db.reading() as session:
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "account")).all() == [
            "account.update"]


def test_an_account_cannot_be_put_below_itself_in_place(client_as, account_id):
    answer = save(client_as("sales"), account_id, "parent", account(account_id).external_id)
    assert answer.status_code == 422
    assert "its own parent" in answer.text


@pytest.mark.parametrize("name", ["id", "external_id", "is_sample", "created_at", "custom.", ""])
def test_what_is_no_fact_cannot_be_changed(client_as, account_id, name):
    assert save(client_as("sales"), account_id, name, "7").status_code == 404


def test_a_custom_field_keeps_the_other_lines():
    fact = find_fact("custom.b")
    assert fact is not None
    assert with_fact({"name": "N", "custom": "a: 1\nb: 2\nc: x: y"}, fact, "9")["custom"] == "a: 1\nc: x: y\nb: 9"
