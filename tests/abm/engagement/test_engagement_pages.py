import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from abm.engagement.actions import refresh_engagement
from abm.engagement.commands import engagement
from abm.engagement.models import AccountEngagement
from abm.scorecards.actions import apply_scorecard, publish_scorecard
from abm.scorecards.measures import MEASURES
from abm.scorecards.models import AccountScore
from abm.scorecards.reading import read_definition as read_scorecard
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


def is_qualified(account_id):
    with db.reading() as session:
        return session.get_one(AccountEngagement, account_id).is_qualified


def test_an_account_is_handed_back_to_nurture_and_let_out_again(client_as, engaged):
    client, address = client_as("marketer"), f"/accounts/{engaged}/engagement"
    assert client.post(f"{address}/cool-down", data={"days": "0", "reason": ""}).status_code == 422
    assert is_qualified(engaged)
    client.post(f"{address}/cool-down", data={"days": "30", "reason": "no budget"})
    assert not is_qualified(engaged)
    assert "Cooling down until" in client.get(address).text
    client.post(f"{address}/end-cool-down")
    assert is_qualified(engaged)
    assert client_as("viewer").post(f"{address}/cool-down", data={"days": "30", "reason": "x"}).status_code == 403


def test_cooling_down_by_command(engaged, capsys):
    engagement.main(["cool-down", "ENGAGED", "--days", "7", "--reason", "later", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["account_id"] == "ENGAGED"
    assert not is_qualified(engaged)
    engagement.main(["end-cool-down", "ENGAGED", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["was_cooling"] is True
    assert is_qualified(engaged)


def test_points_are_a_measure_of_scorecards(engaged):
    card = ("{scorecard: warm, criteria: [{id: points, by: engagement.points, scale: min-max, from: 0, to: 60}, "
            "{id: people, by: engagement.people, scale: min-max, from: 0, to: 4}]}")
    with db.transaction() as session:
        make_account(session)
        scorecard = apply_scorecard(session, definition=read_scorecard(load_yaml(card), MEASURES))
        publish_scorecard(session, scorecard=scorecard)
        scores = dict(session.execute(select(AccountScore.account_id, AccountScore.score)).all())
    assert (scores.pop(engaged) > 50, list(scores.values())) == (True, [0.0])
