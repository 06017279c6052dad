import csv
import io
import json
from datetime import timedelta

import pytest

from abm import cli
from abm.accounts.models import Account
from abm.outreach.people import select_list_people
from abm.plans.actions import answer_question
from abm.plans.models import AccountReview, Qualification
from abm.plans.qualifying import qualify_accounts
from abm.targets.actions import save_list
from abm.targets.files import ListDefinition
from core import clock, db
from tests.factories import make_account, make_contact, make_order


@pytest.fixture
def accounts(database):
    with db.transaction() as session:
        key = make_account(session, external_id="KEY", name="Key Ltd", tier="1")
        make_order(session, key, on=clock.today() - timedelta(days=5), amount="500")
        prospect = make_account(session, external_id="NEW", name="New Ltd")
        make_contact(session, key)
        make_contact(session, prospect)
        qualify_accounts(session)
        return key.id, prospect.id


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, path
    return response.get_data(as_text=True)


def test_the_list_filters_by_standing_kind_and_chase(client_as, accounts):
    client = client_as("viewer")
    assert "2 accounts</span>" in page(client, "/qualification")
    assert "No account fits" in page(client, "/qualification?state=key")
    assert "2 accounts</span>" in page(client, "/qualification?state=nonsense")
    assert "1 account</span>" in page(client, "/qualification?q=key+ltd")


def test_answers_are_given_on_the_page_with_errors_beside_the_field(client_as, accounts):
    _key, prospect = accounts
    client = client_as("sales")
    wrong = client.post(f"/qualification/{prospect}", data={"solvency": "no", "solvency_evidence": ""})
    assert wrong.status_code == 422
    assert "Say what it rests on" in wrong.get_data(as_text=True)
    client.post(f"/qualification/{prospect}", data={"solvency": "no", "solvency_evidence": "Credit report of May"})
    assert "it fails: can it pay" in page(client, f"/qualification/{prospect}")
    assert "fails: can it pay" in page(client, "/qualification?chase=stop")
    assert "it fails: can it pay" in page(client, f"/accounts/{prospect}/scores")
    assert client_as("viewer").post(f"/qualification/{prospect}", data={}).status_code == 403


def test_a_prospect_that_fails_a_question_is_not_targeted(database, accounts):
    key, prospect = accounts
    with db.transaction() as session:
        save_list(session, definition=ListDefinition("both", "Both", accounts=("KEY", "NEW")))

        def targeted():
            rows = session.execute(select_list_people(list_name="both", roles=(), per_account=None))
            return {row.account_id for row in rows}

        assert targeted() == {key, prospect}
        for account_id in (key, prospect):
            answer_question(session, account_id=account_id, question="need", answer="no", evidence="Makes it itself")
        assert targeted() == {key}


def test_a_review_is_proposed_decided_and_shown_everywhere(client_as, accounts):
    client = client_as("sales")
    assert "Never reviewed" in page(client, f"/accounts/{accounts[0]}/scores")
    client.post("/reviews/propose")
    with db.reading() as session:
        review_id = session.query(AccountReview.id).scalar()
    assert "Key Ltd" in page(client, "/reviews?proposal=keep")
    assert "Key accounts to review" in page(client, "/")
    assert "Decide: keep?" in page(client, f"/accounts/{accounts[0]}/scores")
    wrong = client.post(f"/reviews/{review_id}", data={"decision": "keep", "why": "", "next_review_on": "soon"})
    assert wrong.status_code == 422
    assert "is not a day" in wrong.get_data(as_text=True)
    decided = client.post(f"/reviews/{review_id}", data={
        "decision": "downgrade", "why": "One branch only", "changes_tier": "yes",
        "next_review_on": (clock.today() + timedelta(days=90)).isoformat()})
    assert decided.status_code == 302
    assert "One branch only" in page(client, "/reviews?show=decided")
    assert "1 → 2" in page(client, f"/reviews/{review_id}")
    assert "Key accounts to review" not in page(client, "/")
    with db.reading() as session:
        assert session.get(Account, accounts[0]).tier == "2"


def test_a_review_of_any_account_is_begun_by_hand(client_as, accounts):
    client = client_as("marketer")
    where = client.post(f"/reviews/account/{accounts[1]}").headers["Location"]
    assert "nothing speaks against it" in page(client, where).lower()
    assert client_as("viewer").post(f"/reviews/account/{accounts[1]}").status_code == 403


def test_both_tables_are_exported(client_as, accounts):
    client = client_as("sales")
    client.post("/reviews/propose")
    rows = list(csv.DictReader(io.StringIO(page(client, "/qualification/export.csv"))))
    assert {row["account_id"] for row in rows} == {"KEY", "NEW"}
    rows = list(csv.DictReader(io.StringIO(page(client, "/reviews/export.csv"))))
    assert [(row["account_id"], row["proposal"]) for row in rows] == [("KEY", "keep")]


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    return code, capsys.readouterr()


def test_qualification_by_command(accounts, capsys):
    assert json.loads(run(capsys, "qualification", "compute", "--json")[1].out)["accounts"] == 2
    assert run(capsys, "qualification", "answer", "NEW", "need", "no")[0] == 2
    assert run(capsys, "qualification", "answer", "NEW", "need", "no", "--evidence", "Said so")[0] == 0
    found = json.loads(run(capsys, "qualification", "list", "--chase", "stop", "--json")[1].out)["accounts"]
    assert [(row["account_id"], row["need"]) for row in found] == [("NEW", "no")]
    shown = json.loads(run(capsys, "qualification", "show", "NEW", "--json")[1].out)
    assert shown["said"]["need"]["evidence"] == "Said so"
    run(capsys, "qualification", "answer", "NEW", "need", "back")
    with db.reading() as session:
        assert session.get(Qualification, accounts[1]).need == "ask"


def test_reviews_by_command(accounts, capsys):
    assert json.loads(run(capsys, "reviews", "propose", "--json")[1].out) == {
        "opened": 1, "keep": 1, "downgrade": 0, "drop": 0}
    listed = json.loads(run(capsys, "reviews", "list", "--json")[1].out)["reviews"]
    assert [(row["account_id"], row["proposal"]) for row in listed] == [("KEY", "keep")]
    assert run(capsys, "reviews", "decide", "NEW", "keep", "--why", "x")[0] == 2
    assert run(capsys, "reviews", "decide", "KEY", "keep", "--why", "Grows")[0] == 0
    decided = json.loads(run(capsys, "reviews", "list", "--decided", "--json")[1].out)["reviews"]
    assert (decided[0]["why"], decided[0]["decided_by"]) == ("Grows", "system")
    assert decided[0]["next_review_on"] == (clock.today() + timedelta(days=182)).isoformat()
