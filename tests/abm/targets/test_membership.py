"""Who is in a list: every operator and type, unknown values, exact opposites, explanations that agree."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.company.actions import set_company_value
from abm.contacts.models import Contact
from abm.targets.explain import explain_rules
from abm.targets.previews import select_by_rules
from abm.targets.rule_tree import Not, Rule, Top
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary, make_scope
from abm.targets.sources import make_vocabulary
from abm.targets.vocabulary import FieldType, Operator
from abm.work.list_fields import register as _tasks_are_known  # noqa: F401
from abm.work.models import Task
from campaigns.models import Suppression
from core import clock
from core.signing import keyed_digest
from tests.abm.targets.judging import judge
from tests.factories import make_account, make_contact, make_order

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
TODAY = NOW.date()
TEXTS = ("Retail", "retail", "Ölhandel", "100%_sure", "O'Brien", "", None)
COUNTRIES = ("DE", "FR", "Atlantis", None)


@pytest.fixture(autouse=True)
def _clock(at: Any) -> None:
    at(NOW)


def _members(session: Session, who: Any, top: Top | None = None) -> set[str]:
    rule = read_rules(who, get_vocabulary(session)) if isinstance(who, dict) else who
    found = select_by_rules(session, rule=rule, top=top)
    return set(session.scalars(select(Account.external_id).where(Account.id.in_(found.correlate(None)))))


@pytest.fixture
def company(session: Session) -> Session:
    """Six accounts with gaps in what is known of them."""
    run = AnalysisRun(state="done", period="month", value_kind="revenue", started_at=NOW)
    session.add(run)
    session.flush()
    facts: list[dict[str, Any]] = [
        {"industry": "Retail", "country": "DE", "employees": 10, "custom": {"segment": "Gold", "n": 5, "vip": True}},
        {"industry": "RETAIL trade", "country": "FR", "employees": 200, "custom": {"segment": "silver", "n": "7.5"}},
        {"industry": "Ölhandel", "country": "Atlantis", "employees": 0, "custom": {"since": "2026-01-10"}},
        {"industry": "100%_sure", "country": None, "employees": None, "custom": {"segment": "", "n": "many"}},
        {"industry": "", "country": "de", "employees": 30},
        {"industry": None, "country": "AT", "employees": 31, "created_at": datetime(2026, 6, 15, 1, tzinfo=UTC)},
    ]
    for number, values in enumerate(facts):
        values.setdefault("created_at", datetime(2026, 1, 1, tzinfo=UTC))
        account = make_account(session, external_id=f"X{number}", **values)
        if number in (0, 1, 2):
            session.add(AccountResult(
                run_id=run.id, account_id=account.id, orders=number, value=100.5 * number, abc="ABC"[number],
                is_new=number == 2, order_days=number, rhythm="active", overdue_ratio=[1.5, None, 3.0][number]))
        for day in range(number):
            make_order(session, account, on=date(2026, 1, 1 + day * 5), amount="99.99")
        if number % 2 == 0:
            basis = "none" if number == 2 else "contract"
            make_contact(session, account, buying_role="decision_maker", lawful_basis=basis)
    session.flush()
    return session


def _all_but(*numbers: int) -> set[str]:
    return {f"X{number}" for number in range(6) if number not in numbers}


def _only(*numbers: int) -> set[str]:
    return {f"X{number}" for number in numbers}


@pytest.mark.parametrize(("who", "members"), [
    ({"field": "account.industry", "is": "retail"}, _only(0)),
    ({"field": "account.industry", "is": "ÖLHANDEL"}, _only(2)),
    ({"field": "account.industry", "is_not": "retail"}, _all_but(0)),
    ({"field": "account.industry", "in": ["retail", "ölhandel"]}, _only(0, 2)),
    ({"field": "account.industry", "not_in": ["Retail", "RETAIL TRADE"]}, _all_but(0, 1)),
    ({"field": "account.industry", "contains": "TAIL"}, _only(0, 1)),
    ({"field": "account.industry", "contains": "%"}, _only(3)),
    ({"field": "account.industry", "contains": "l_h"}, set()),
    ({"field": "account.industry", "starts_with": "öl"}, _only(2)),
    ({"field": "account.industry", "starts_with": "100%_"}, _only(3)),
    ({"field": "account.industry", "is_empty": True}, _only(4, 5)),
    ({"field": "account.industry", "is_known": True}, _all_but(4, 5)),
    ({"field": "account.country", "is": "Germany"}, _only(0, 4)),
    ({"field": "account.country", "is": "atlantis"}, _only(2)),
    ({"field": "account.country", "not_in": ["Germany", "AUT"]}, _only(1, 2, 3)),
    ({"field": "account.employees", "is": 0}, _only(2)),
    ({"field": "account.employees", "is_not": "0"}, _all_but(2)),
    ({"field": "account.employees", "in": [10, 30]}, _only(0, 4)),
    ({"field": "account.employees", "more_than": 30}, _only(1, 5)),
    ({"field": "account.employees", "more_than": 30.5}, _only(1, 5)),
    ({"field": "account.employees", "at_least": 30.5}, _only(1, 5)),
    ({"field": "account.employees", "at_least": 30}, _only(1, 4, 5)),
    ({"field": "account.employees", "less_than": 10}, _only(2)),
    ({"field": "account.employees", "at_most": 10}, _only(0, 2)),
    ({"field": "account.employees", "between": [10, 30]}, _only(0, 4)),
    ({"field": "account.employees", "is_empty": True}, _only(3)),
    ({"not": {"field": "account.employees", "at_most": 10}}, _only(1, 3, 4, 5)),
    ({"field": "account.created_at", "before": "2026-06-15"}, _all_but(5)),
    ({"field": "account.created_at", "is": "today"}, _only(5)),
    ({"field": "account.created_at", "after": "yesterday"}, _only(5)),
    ({"field": "account.created_at", "at_most": "2026-01-01"}, _all_but(5)),
    ({"field": "account.created_at", "between": ["2026-01-01", "yesterday"]}, _all_but(5)),
    ({"field": "account.custom.segment", "is": "gold"}, _only(0)),
    ({"field": "account.custom.segment", "is_empty": True}, _only(2, 3, 4, 5)),
    ({"field": "account.custom.n", "at_least": 5}, _only(0, 1)),
    ({"field": "account.custom.n", "between": [6, 8]}, _only(1)),
    ({"field": "account.custom.n", "is": "5"}, _only(0)),
    ({"field": "account.custom.vip", "is": True}, _only(0)),
    ({"field": "account.custom.since", "before": "2026-02-01"}, _only(2)),
    ({"field": "account.custom.since", "after": "2026-01-10"}, set()),
    ({"field": "analysis.abc", "is": "b"}, _only(1)),
    ({"field": "analysis.abc", "is_not": "B"}, _all_but(1)),
    ({"field": "analysis.is_new", "is": True}, _only(2)),
    ({"field": "analysis.is_new", "is_not": True}, _all_but(2)),
    ({"field": "analysis.value", "is": 100.5}, _only(1)),
    ({"field": "rhythm.overdue_ratio", "more_than": 2}, _only(2)),
    ({"not": {"field": "rhythm.overdue_ratio", "more_than": 2}}, _all_but(2)),
    ({"has": "order", "at_least": 3}, _only(3, 4, 5)),
    ({"not": {"has": "order"}}, _only(0)),
    ({"has": "order", "where": {"field": "order.amount", "at_least": "99.99"}, "at_least": 5}, _only(5)),
    ({"has": "order", "where": {"field": "order.amount", "more_than": "99.99"}}, set()),
    ({"has": "order", "where": {"field": "order.ordered_on", "before": "180 days ago"}}, set()),
    ({"has": "order", "where": {"field": "order.ordered_on", "before": "159 days ago"}, "at_least": 2},
     _only(2, 3, 4, 5)),
    ({"has": "contact", "where": {"all": [{"field": "contact.buying_role", "is": "decision_maker"},
                                         {"field": "contact.can_email", "is": True}]}}, _only(0, 4)),
    ({"has": "contact", "where": {"field": "contact.can_email", "is_not": True}}, _only(2)),
    ({"not": {"has": "contact", "where": {"field": "contact.influence", "is_empty": True}}}, _only(1, 3, 5)),
    ({"not": {"not": {"any": [{"field": "account.country", "is": "FR"}, {"field": "account.employees", "is": 0}]}}},
     _only(1, 2)),
])
def test_the_rule_holds_for(company: Session, who: dict[str, Any], members: set[str]) -> None:
    assert _members(company, who) == members


def test_days_begin_and_end_in_the_company_s_zone(company: Session) -> None:
    set_company_value(company, name="timezone", value="America/New_York")

    assert _members(company, {"field": "account.created_at", "is": "2026-06-14"}) == _only(5)


def test_the_top_accounts_are_those_with_the_highest_value(company: Session) -> None:
    assert _members(company, None, Top("account.employees", 2)) == _only(1, 5)


def test_unknown_values_come_last_in_a_ranking(company: Session) -> None:
    assert _members(company, None, Top("analysis.value", 3)) == _only(0, 1, 2)


def test_people_who_left_count_only_when_asked_for(company: Session) -> None:
    account = company.scalars(select(Account).where(Account.external_id == "X1")).one()
    make_contact(company, account, is_active=False, title="Buyer")

    assert _members(company, {"has": "contact", "where": {"field": "contact.title", "is": "buyer"}}) == set()
    assert _members(company, {"has": "contact", "where": {"field": "contact.is_active", "is": "no"}}) == _only(1)


def test_cancelled_orders_count_only_when_asked_for(company: Session) -> None:
    account = company.scalars(select(Account).where(Account.external_id == "X0")).one()
    make_order(company, account, on=TODAY, is_cancelled=True, status="refunded")

    assert "X0" not in _members(company, {"has": "order"})
    assert _members(company, {"has": "order", "where": {"field": "order.status", "is": "Refunded"}}) == _only(0)


def test_tasks_of_an_account_can_be_asked_for(company: Session) -> None:
    account = company.scalars(select(Account).where(Account.external_id == "X3")).one()
    company.add(Task(title="Call", account_id=account.id, due_on=TODAY, created_at=NOW))
    company.add(Task(title="Nobody's", due_on=TODAY, created_at=NOW))

    rule = {"has": "task", "where": {"all": [{"field": "task.state", "is": "open"},
                                             {"field": "task.due_on", "at_most": "today"}]}}

    assert _members(company, rule) == _only(3)
    assert _members(company, {"not": {**rule, "at_least": 2}}) == _all_but()


@pytest.mark.parametrize(("scope", "key"), [
    ("contact", lambda contact: str(contact.id)), ("account", lambda contact: str(contact.account_id)),
    ("address", lambda contact: keyed_digest("address", contact.email_key)),
    ("domain", lambda contact: keyed_digest("domain", "example.com")),
])
def test_whoever_is_under_a_stop_may_not_be_emailed(company: Session, scope: str, key: Any) -> None:
    contact = company.scalars(select(Contact).join(Account).where(Account.external_id == "X0")).one()
    others = company.scalars(select(Contact).where(Contact.id != contact.id)).all()
    for other in others:
        other.email, other.email_key = f"p{other.id}@elsewhere.example", f"p{other.id}@elsewhere.example"
    company.add(Suppression(scope=scope, key=key(contact), reason="asked", created_at=NOW))
    company.flush()

    rule = {"has": "contact", "where": {"field": "contact.can_email", "is": True}}

    assert _members(company, rule) == _only(4)


def test_a_lifted_stop_and_a_changed_address_are_seen(company: Session, at: Any) -> None:
    contact = company.scalars(select(Contact).join(Account).where(Account.external_id == "X0")).one()
    digest = keyed_digest("address", "old@example.com")
    company.add(Suppression(scope="address", key=digest, reason="asked", created_at=NOW))
    contact.email = contact.email_key = "old@example.com"
    company.flush()
    rule = {"has": "contact", "where": {"field": "contact.can_email", "is": True}}
    before = _members(company, rule)

    contact.email = contact.email_key = "new@example.com"
    contact.updated_at = clock.now()
    company.flush()

    assert before == _only(4)
    assert _members(company, rule) == _only(0, 4)


@pytest.mark.parametrize("text", [
    "'; DROP TABLE account; --", "' OR '1'='1", "\" OR 1=1 --", "%' OR name LIKE '%", "\\", "\\'", "/", "/%", "%(x)s",
    ":x", "?", "{}", "$1", "x' UNION SELECT password_hash FROM app_user --", "\u202e", "𝔘𝔫𝔦", "ﬀ", "İ",
    "𐍈" * 9, "'", ")", "/*", "1e309",
])
def test_hostile_values_are_only_values(company: Session, text: str) -> None:
    company.scalars(select(Account).where(Account.external_id == "X0")).one().industry = text
    company.flush()

    for operator in ("is", "contains", "starts_with"):
        assert "X0" in _members(company, {"field": "account.industry", operator: text})
    assert _members(company, {"field": "account.custom.segment", "is": text}) == set()
    assert _members(company, {"not": {"field": "account.industry", "is": text}}).isdisjoint(
        _members(company, {"field": "account.industry", "is": text}))


def test_a_hostile_custom_field_s_name_is_only_a_name(company: Session) -> None:
    name = "a') OR ('1'='1 ; $.x [0] %s ?"
    company.scalars(select(Account).where(Account.external_id == "X0")).one().custom = {name: "yes"}
    company.flush()

    assert _members(company, {"field": f"account.custom.{name}", "is": "yes"}) == _only(0)


_FIELDS = {name: field for name, field in make_vocabulary().accounts.fields.items()
           if name in ("account.industry", "account.employees", "account.annual_revenue", "account.created_at",
                       "account.city")}
_ORDER = {name: make_vocabulary().subjects["order"].fields[name]
          for name in ("order.amount", "order.ordered_on", "order.currency")}
_TEXT_VALUES = st.sampled_from(["Retail", "retail", "tail", "öl", "%", "_", "100", "é"])
_NUMBER_VALUES = st.sampled_from([0, 1, 10, 99.99, 100, 150.5, -1])
_DAY_VALUES = st.sampled_from(["today", "30 days ago", "2026-06-01", "in 1 month", "2026-05-31"])


def _conditions(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    @st.composite
    def make(draw: st.DrawFn) -> dict[str, Any]:
        field = fields[draw(st.sampled_from(sorted(fields)))]
        operator = draw(st.sampled_from(field.operators))
        values = {FieldType.NUMBER: _NUMBER_VALUES, FieldType.DATE: _DAY_VALUES}.get(field.type, _TEXT_VALUES)
        if operator in (Operator.IS_EMPTY, Operator.IS_KNOWN):
            value: Any = True
        elif operator in (Operator.IN, Operator.NOT_IN):
            value = draw(st.lists(values, min_size=1, max_size=3))
        elif operator is Operator.BETWEEN:
            value = draw(st.sampled_from([[0, 10], [10, 150.5]] if field.type is FieldType.NUMBER
                                         else [["2026-05-31", "2026-06-01"], ["60 days ago", "today"]]))
        else:
            value = draw(values)
        return {"field": field.name, operator.value: value}
    return make()


def _trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(leaves, lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner)), max_leaves=6)


_HAS = st.builds(lambda where, count: {"has": "order", "at_least": count, **({"where": where} if where else {})},
                 st.one_of(st.none(), _trees(_conditions(_ORDER))), st.integers(1, 3))
RULES = _trees(st.one_of(_conditions(_FIELDS), _conditions(_FIELDS), _HAS)).map(
    lambda raw: read_rules(raw, make_vocabulary()))
ACCOUNTS = st.lists(st.fixed_dictionaries({
    "industry": st.sampled_from(["Retail", "RETAIL", "Ölhandel", "100%", "", None]),
    "city": st.sampled_from(["Café", "CAFÉ", None]), "employees": st.sampled_from([0, 1, 10, 100, None]),
    "annual_revenue": st.sampled_from([0.0, 99.99, 150.5, None]),
    "created_on": st.sampled_from([date(2026, 5, 31), date(2026, 6, 1), TODAY]),
    "orders": st.lists(st.tuples(st.sampled_from(["0.01", "99.99", "100", "150.5"]),
                                 st.sampled_from([date(2026, 5, 31), date(2026, 6, 1), TODAY])), max_size=3),
}), min_size=1, max_size=5)


def _store(session: Session, given_accounts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Store the accounts; their facts as the plain judge wants them, by id."""
    facts = {}
    for each in given_accounts:
        values = {name: value for name, value in each.items() if name not in ("orders", "created_on")}
        account = make_account(session, created_at=datetime.combine(each["created_on"], NOW.timetz()), **values)
        for amount, day in each["orders"]:
            make_order(session, account, on=day, amount=amount)
        own = {f"account.{name}": value for name, value in values.items()} | {"account.created_at": each["created_on"]}
        facts[account.external_id] = own | {"order": [
            {"order.amount": float(amount), "order.ordered_on": day, "order.currency": "EUR"}
            for amount, day in each["orders"]]}
    return facts


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=RULES, accounts=ACCOUNTS)
def test_membership_explanation_and_a_plain_judge_agree(session: Session, rule: Rule,
                                                        accounts: list[dict[str, Any]]) -> None:
    with session.begin_nested() as savepoint:
        facts = _store(session, accounts)
        members = _members(session, rule)
        scope = make_scope(session)
        ids = dict(session.execute(select(Account.external_id, Account.id)).all())
        explained = {own: explain_rules(session, rule=rule, account_id=ids[own], scope=scope).is_in
                     for own in facts}
        judged = {own: judge(rule, facts[own], TODAY) for own in facts}
        savepoint.rollback()

    assert members == {own for own, is_in in judged.items() if is_in}
    assert explained == judged


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rule=RULES, accounts=ACCOUNTS)
def test_not_is_the_exact_complement(session: Session, rule: Rule, accounts: list[dict[str, Any]]) -> None:
    with session.begin_nested() as savepoint:
        everyone = set(_store(session, accounts))
        inside, outside = _members(session, rule), _members(session, Not(rule))
        savepoint.rollback()

    assert inside | outside == everyone
    assert not inside & outside
