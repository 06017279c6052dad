"""Gates, kinds and questions as the database computes them, against a second, independent judge in plain Python."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from abm.accounts.models import AccountEvent
from abm.analysis.actions import run_analysis
from abm.audit.models import AuditEntry
from abm.contacts.models import FurtherSeat
from abm.plans.actions import answer_question
from abm.plans.gates import QUESTIONS
from abm.plans.jobs import qualify
from abm.plans.models import Qualification
from abm.plans.qualifying import qualify_accounts
from abm.plans.queries import is_stale
from abm.targets.compile import select_account_ids
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary, make_scope
from abm.wiring import connect_engine
from core import clock, db
from core.errors import InvalidInput
from tests.factories import make_account, make_contact, make_order

ROLES = ("decision_maker", "economic_buyer", "champion", "user", None)


def judge(*, abc, orders, roles, sites, said):
    """What the rules of the page say, in other words than the SQL."""
    signs = [len(roles) >= 3, len({role for role in roles if role}) >= 3, sites >= 1]
    found = {
        "potential": {"A": "yes", "C": "no"}.get(abc, "ask"),
        "complexity": "yes" if sum(signs) >= 2 else "ask",
        "partnership": "ask", "need": "yes" if orders else "ask", "solvency": "yes" if orders else "ask",
        "authority": "yes" if {"decision_maker", "economic_buyer"} & set(roles) else "ask",
    } | said
    gates = [found[name] for name in ("potential", "complexity", "partnership")]
    chase = [found[name] for name in ("need", "solvency", "authority")]
    found["state"] = "not_key" if "no" in gates else "key" if gates == ["yes"] * 3 else "open"
    found["chase"] = "stop" if "no" in chase else "go" if chase == ["yes"] * 3 else "ask"
    found["gates_passed"] = gates.count("yes")
    return found


def row(session, account):
    return session.get(Qualification, account.id, populate_existing=True)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(roles=st.lists(st.sampled_from(ROLES), max_size=4), sites=st.integers(0, 2),
       amount=st.sampled_from([None, 1, 80, 900]),
       said=st.dictionaries(st.sampled_from(list(QUESTIONS)), st.sampled_from(["yes", "no"]), max_size=4))
def test_the_database_judges_as_the_rules_say(session, roles, sites, amount, said):
    account = make_account(session)
    for _ in range(sites):
        make_account(session, parent_id=account.id)
    for role in roles:
        make_contact(session, account, buying_role=role)
    make_contact(session, account, buying_role="decision_maker", is_active=False)
    if amount:
        make_order(session, account, on=date(2026, 5, 1), amount=str(amount))
    other = make_account(session)
    make_order(session, other, on=date(2026, 5, 2), amount="1000")
    run_analysis(session)
    for question, answer in said.items():
        answer_question(session, account_id=account.id, question=question, answer=answer, evidence="Said so")
    qualify_accounts(session)
    found = row(session, account)
    expected = judge(abc=found.abc, orders=1 if amount else 0, roles=roles, sites=sites, said=said)
    assert {name: getattr(found, name) for name in expected} == expected
    session.rollback()


def test_guests_from_other_accounts_count_as_people_known(session):
    account = make_account(session)
    for role in ("champion", "user"):
        make_contact(session, account, buying_role=role)
    guest = make_contact(session, buying_role="user")
    session.add(FurtherSeat(contact_id=guest.id, account_id=account.id, buying_role="decision_maker",
                            created_at=clock.now()))
    qualify_accounts(session)
    found = row(session, account)
    assert (found.people, found.roles, found.deciders, found.complexity) == (3, 3, 1, "yes")


@pytest.mark.parametrize(("amounts", "kinds"), [
    ([100, 5], ["breadwinner", None]), ([50, 45, 5], ["breadwinner", "breadwinner", None]),
    ([8] * 20, ["breadwinner", *[None] * 19])])
def test_a_breadwinner_brings_a_tenth_or_is_the_largest(session, amounts, kinds):
    accounts = [make_account(session) for _ in amounts]
    for account, amount in zip(accounts, amounts, strict=True):
        make_order(session, account, on=date(2026, 5, 1), amount=str(amount))
    run_analysis(session)
    qualify_accounts(session)
    assert [row(session, account).kind for account in accounts] == kinds


def test_prospects_and_image_makers_are_proposed_and_an_answer_settles_it(session):
    buyers = [make_account(session, employees=size, industry="Retail") for size in (10, 20, 30)]
    for account in buyers:
        make_order(session, account, on=date(2026, 5, 1), amount="10")
    small, large = make_account(session, employees=19), make_account(session, employees=20)
    unknown = make_account(session)
    run_analysis(session)
    qualify_accounts(session)
    assert [row(session, one).kind_proposed for one in (small, large, unknown)] == [None, "prospect", None]
    assert row(session, large).kind is None
    answer_question(session, account_id=large.id, question="kind", answer="expert", evidence="Knows the market")
    assert (row(session, large).kind, row(session, large).kind_proposed) == ("expert", None)


def test_the_largest_of_an_industry_is_proposed_as_image_maker(session):
    sizes = [make_account(session, employees=size, industry="Food") for size in (5, 500, 50)]
    make_account(session, employees=9000, industry="Alone in it")
    qualify_accounts(session)
    assert [row(session, one).kind_proposed for one in sizes] == [None, "image_maker", None]
    proposed = session.scalars(select(Qualification).where(Qualification.kind_proposed.is_not(None))).all()
    assert len(proposed) == 1


def test_an_answer_is_kept_with_who_when_and_why_and_can_be_taken_back(session):
    account = make_account(session)
    answer_question(session, account_id=account.id, question="need", answer="no", evidence="Makes it itself")
    assert row(session, account).chase == "stop"
    events = session.scalars(select(AccountEvent).where(AccountEvent.account_id == account.id)).all()
    assert [(event.title, event.text) for event in events] == [("Does it need what we sell: no", "Makes it itself")]
    answer_question(session, account_id=account.id, question="need", answer="", evidence="")
    assert row(session, account).need == "ask"
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "qualification.answer")).all()) == 2


@pytest.mark.parametrize(("question", "answer", "evidence", "field"), [
    ("need", "yes", " ", "need_evidence"), ("need", "perhaps", "x", "need"), ("kind", "yes", "x", "kind"),
    ("luck", "yes", "x", None)])
def test_an_answer_without_evidence_or_of_another_kind_is_refused(session, question, answer, evidence, field):
    account = make_account(session)
    with pytest.raises(InvalidInput) as refused:
        answer_question(session, account_id=account.id, question=question, answer=answer, evidence=evidence)
    assert field is None or field in refused.value.fields


@pytest.mark.parametrize(("rule", "expected"), [
    ({"field": "qualification.chase", "is": "stop"}, {"STOPPED"}),
    ({"not": {"field": "qualification.chase", "is": "stop"}}, {"FREE"}),
    ({"field": "qualification.need", "is": "no"}, {"STOPPED"}),
    ({"field": "qualification.gates_passed", "at_least": 1}, {"FREE"})])
def test_lists_may_ask_for_gates_and_questions(session, rule, expected):
    connect_engine()
    stopped, free = make_account(session, external_id="STOPPED"), make_account(session, external_id="FREE")
    qualify_accounts(session)
    answer_question(session, account_id=stopped.id, question="need", answer="no", evidence="x")
    answer_question(session, account_id=free.id, question="partnership", answer="yes", evidence="x")
    tree = read_rules(rule, get_vocabulary(session))
    found = set(session.scalars(select_account_ids(tree, None, make_scope(session))))
    assert found == {account.id for account in (stopped, free) if account.external_id in expected}


def test_it_is_computed_again_when_something_has_changed_and_not_before(database, at):
    moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
    at(moment)
    with db.transaction() as session:
        account = make_account(session)
        assert is_stale(session)
    at(moment + timedelta(minutes=1))
    qualify()
    with db.transaction() as session:
        assert not is_stale(session)
        at(moment + timedelta(minutes=2))
        make_contact(session, account, buying_role="decision_maker")
        assert is_stale(session)
    at(moment + timedelta(minutes=3))
    qualify()
    with db.reading() as session:
        assert session.get(Qualification, account.id).authority == "yes"


def test_computing_again_touches_only_the_accounts_that_differ(session):
    accounts = [make_account(session) for _ in range(3)]
    qualify_accounts(session)
    make_contact(session, accounts[1], buying_role="decision_maker")
    session.execute(text("DELETE FROM account_change"))
    assert qualify_accounts(session) == 3
    noted = session.scalars(text("SELECT account_id FROM account_change WHERE kind = 'qualification'")).all()
    assert noted == [accounts[1].id]
