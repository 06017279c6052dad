import json
from datetime import timedelta

import pytest

from abm.engagement.actions import refresh_engagement
from abm.engagement.commands import engagement
from abm.targets.actions import save_list
from abm.targets.files import load_yaml, read_definition
from abm.targets.previews import preview
from abm.targets.scopes import get_vocabulary
from campaigns.models import Event
from core import clock, db
from tests.factories import make_account, make_contact


@pytest.fixture
def engaged(database) -> int:
    with db.transaction() as session:
        account = make_account(session, external_id="ENGAGED")
        for n in range(2):
            person = make_contact(session, account)
            for k in range(2):
                session.add(Event(event_key=f"r{n}{k}", kind="reply", account_id=account.id, contact_id=person.id,
                                  at=clock.now() - timedelta(minutes=5)))
        session.flush()
        refresh_engagement(session)
        return account.id


def test_the_score_opens_into_its_rows_and_the_expression(client_as, engaged):
    client = client_as("viewer")
    assert "Engagement" in client.get(f"/accounts/{engaged}").get_data(as_text=True)
    text = client.get(f"/accounts/{engaged}/engagement").get_data(as_text=True)
    assert text.count("A reply") == 4
    assert "became qualified" in text
    rows = client_as("sales").get(f"/accounts/{engaged}/engagement/export.csv").get_data(as_text=True)
    assert len(rows.splitlines()) == 5


def test_rules_are_published_by_those_who_analyse(client_as, engaged):
    client = client_as("marketer")
    assert "defaults are in force" in client.get("/settings/engagement").get_data(as_text=True)
    wrong = client.post("/settings/engagement", data={"rules": "decay_days: soon"})
    assert wrong.status_code == 422
    assert "decay_days is a number" in wrong.get_data(as_text=True)
    assert client.post("/settings/engagement", data={"rules": "points: {reply: 1}", "note": "less"}).status_code == 302
    assert "less" in client.get("/settings/engagement").get_data(as_text=True)
    assert client_as("sales").post("/settings/engagement", data={"rules": ""}).status_code == 403
    assert "ceased to be qualified" in client.get(f"/accounts/{engaged}/engagement").get_data(as_text=True)


def test_a_list_can_ask_for_qualified_accounts(engaged):
    rules = ("list: q\ntitle: Q\nwho: {all: [{field: engagement.is_qualified, is: true}, "
             "{field: engagement.points, more_than: 30}]}")
    with db.transaction() as session:
        make_account(session)
        definition = read_definition(load_yaml(rules), get_vocabulary(session))
        save_list(session, definition=definition)
        assert preview(session, definition).accounts == 1


def test_the_command_says_why(engaged, capsys):
    engagement.main(["refresh", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["qualified"] == 1
    engagement.main(["why", "ENGAGED", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert (len(told["rows"]), told["people"], told["is_qualified"]) == (4, 2, True)
