"""List rules about the buying centre, tenders and competitors agree with the account page; the command shows it all."""

import json
from datetime import date
from random import Random

import pytest
from sqlalchemy import select

from abm.accounts.models import Account
from abm.cli import main
from abm.company.actions import set_company_value
from abm.company.queries import get_company
from abm.contacts.buying_centre import ROLES
from abm.contacts.centre_queries import read_centre
from abm.contacts.models import Acquaintance, FurtherSeat
from abm.dossier.list_fields import completeness_of_account, single_threaded
from abm.dossier.models import Competitor, Tender
from abm.targets.files import load_yaml, read_definition
from abm.targets.previews import preview
from abm.targets.scopes import get_vocabulary
from core import clock, db
from tests.factories import make_account, make_contact, make_order, make_user


def fill(session, seed):
    """Twelve accounts with random people, ties and guests; a few of all accounts stay empty."""
    chance, now = Random(seed), clock.now()
    users = [make_user(session), make_user(session, is_active=False), make_user(session)]
    accounts = [make_account(session) for _ in range(12)]
    people = [make_contact(session, chance.choice(accounts[:10]), buying_role=chance.choice([*ROLES, None, "other"]),
                           is_active=chance.random() > 0.2) for _ in range(40)]
    for person in people:
        if chance.random() < 0.3:
            session.add(Acquaintance(user_id=chance.choice(users).id, contact_id=person.id, strength=1, created_at=now))
        if chance.random() < 0.2:
            other = chance.choice([one for one in accounts if one.id != person.account_id])
            session.add(FurtherSeat(contact_id=person.id, account_id=other.id, buying_role=chance.choice(list(ROLES)),
                                    created_at=now))
    session.flush()


@pytest.mark.parametrize("required", [None, {"user": 2, "champion": 1}, {}])
@pytest.mark.parametrize("seed", [1, 2])
def test_sql_and_page_agree_on_completeness_and_single_threads(session, seed, required):
    fill(session, seed)
    if required is not None:
        set_company_value(session, name="required_roles", value=required)
        session.flush()
    company = get_company(session)
    rows = session.execute(select(Account.id, completeness_of_account(), single_threaded()))
    for account_id, complete, is_single in rows.all():
        centre = read_centre(session, account_id, required=company.required_roles, at=clock.now(), fresh_days=180)
        assert (None if complete is None else float(complete)) == pytest.approx(centre.completeness)
        assert bool(is_single) is centre.is_single_threaded


def count(session, rule):
    raw = load_yaml(f"list: x\ntitle: X\nwho: {rule}")
    return preview(session, read_definition(raw, get_vocabulary(session))).accounts


def test_rules_ask_for_the_buying_centre_tenders_and_competitors(session):
    whole, lone = make_account(session), make_account(session)
    for role in ("decision_maker", "champion", "influencer", "user"):
        make_contact(session, whole, buying_role=role)
    make_contact(session, lone, buying_role="user")
    now = clock.now()
    session.add(Tender(account_id=whole.id, title="T", result="lost", reason="price", created_at=now, updated_at=now))
    session.add(Competitor(account_id=lone.id, name="Rival", strength=4, created_at=now, updated_at=now))
    session.flush()
    assert count(session, "{field: account.completeness, at_least: 100}") == 1
    assert count(session, "{field: account.completeness, less_than: 50}") == 1
    assert count(session, "{field: account.is_single_threaded, is: true}") == 1
    assert count(session, "{field: account.people, at_least: 2}") == 1
    lost = "{field: tender.result, is: lost}"
    assert count(session, f"{{has: tender, where: {{all: [{lost}, {{field: tender.reason, is: price}}]}}}}") == 1
    assert count(session, "{has: competitor, where: {field: competitor.strength, at_least: 4}}") == 1


def test_the_command_shows_an_account_as_json_and_in_words(database, capsys):
    with db.transaction() as session:
        account = make_account(session, name="Alpha", external_id="A-1", custom={"Segment": "gold"})
        make_contact(session, account, buying_role="champion", influence=7)
        make_order(session, account, on=date(2026, 1, 1))
    assert main(["account", "show", "A-1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["custom"]) == ("Alpha", {"Segment": "gold"})
    assert found["buying_centre"]["completeness"] == 25
    assert found["rolled_up"]["orders"]["max"] in (0, 1)
    assert main(["account", "show", "A-1"]) == 0
    assert "Buying centre complete to 25 %" in capsys.readouterr().out
    assert main(["account", "show", "nobody"]) == 2
