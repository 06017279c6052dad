"""Files and rules: what is read, what is refused, and where."""

from datetime import date

import pytest

import abm.work.list_fields  # noqa: F401
from abm.targets.dates import Day, parse_day
from abm.targets.files import load_yaml, read_definition, to_yaml
from abm.targets.rule_tree import All, Condition, Not, to_raw
from abm.targets.rules import read_rules
from abm.targets.scopes import make_vocabulary
from abm.targets.sentence import say_list
from abm.targets.values import WrongValue, read_value
from abm.targets.vocabulary import Field, FieldType, Operator
from core.errors import InvalidInput

VOCABULARY = make_vocabulary(custom={"account": frozenset({"segment", "No. of sites"}), "contact": frozenset({"vip"})},
                             lists=frozenset({"tier-1"}))
CONTRACT = """
list: silent-a-accounts
title: A accounts that fall silent
who:
  all:
    - {field: analysis.abc, is: A}
    - {field: rhythm.overdue_ratio, more_than: 2}
    - any:
        - {field: account.industry, in: [Retail, Wholesale]}
        - {field: account.employees, at_least: 200}
    - not: {field: account.country, is: XX}
    - has: contact
      where: {all: [{field: contact.buying_role, is: decision_maker}, {field: contact.can_email, is: true}]}
    - {has: order, where: {field: order.ordered_on, before: 180 days ago}, at_least: 3}
    - {in_list: tier-1}
top: {by: analysis.value, count: 50}
"""


def _read(text: str):
    return read_definition(load_yaml(text), VOCABULARY)


def _complaints(who: object) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        read_rules(who, VOCABULARY)
    return caught.value.fields


def test_the_contract_s_example_is_read_and_written_back_the_same() -> None:
    definition = _read(CONTRACT)

    assert _read(to_yaml(definition)) == definition
    assert definition.top is not None
    assert definition.top.count == 50


def test_a_list_reads_as_a_sentence() -> None:
    definition = _read(CONTRACT)

    sentence = say_list(definition.who, definition.top, VOCABULARY)

    assert sentence.startswith("Accounts whose ABC class is A and whose overdue ratio is more than 2 and (whose")
    assert "that have at least 3 orders whose order day is before 180 days ago" in sentence
    assert sentence.endswith("; of these the 50 with the highest value.")


@pytest.mark.parametrize(("who", "place", "words"), [
    ({"field": "account.contry", "is": "DE"}, "who.field", 'did you mean "account.country"?'),
    ({"all": [{"field": "account.country", "iss": "DE"}]}, "who.all[0].iss", 'did you mean "is"?'),
    ({"all": [{"has": "task"}, {"any": [{"field": "analysis.value", "contains": "3"}]}]},
     "who.all[1].any[0].contains", "does not fit analysis.value, which is a number"),
    ({"field": "account.employees", "more_than": "many"}, "who.more_than", "expected a number"),
    ({"field": "account.created_at", "before": "soon"}, "who.before", "expected a day"),
    ({"field": "analysis.is_new", "is": "maybe"}, "who.is", "expected true or false"),
    ({"field": "analysis.abc", "is": "D"}, "who.is", "it is one of A, B, C"),
    ({"field": "account.employees", "between": ["9", "3"]}, "who.between", "the lower value first"),
    ({"field": "account.employees", "between": ["9"]}, "who.between", "needs two values"),
    ({"field": "account.country", "in": []}, "who.in", "at least one value"),
    ({"field": "account.country", "is": None}, "who.is", "is_empty"),
    ({"field": "account.country"}, "who", "needs an operator"),
    ({"field": "account.country", "is": "DE", "contains": "x"}, "who", "say one per condition"),
    ({"field": "contact.title", "is": "x"}, "who.field", "{has: contact, where: {field: contact.title, …}}"),
    ({"has": "contact", "where": {"field": "account.name", "is": "x"}}, "who.where.field", "is about the account"),
    ({"has": "order", "where": {"has": "contact"}}, "who.where", "can only be said of accounts"),
    ({"has": "contacts"}, "who.has", 'did you mean "contact"?'),
    ({"has": "contact", "at_least": 0}, "who.at_least", "whole number from 1"),
    ({"has": "contact", "were": {}}, "who", 'did you mean "where"?'),
    ({"in_list": "tier-2"}, "who.in_list", 'did you mean "tier-1"?'),
    ({"all": []}, "who.all", "at least one condition"),
    ({"not": ["x"]}, "who.not", "expected a condition"),
    ({"fild": "x"}, "who", 'did you mean "field"?'),
    ({"all": [], "any": []}, "who", "all and any at once"),
    ({"field": "account.custom.segmnt", "is": "x"}, "who.field", 'did you mean "account.custom.segment"?'),
    ({"field": "account.name", "is": "x" * 301}, "who.is", "at most 300"),
    ({"field": "account.name", "is": "a\x00b"}, "who.is", "no text in the database"),
    ("all", "who", "expected a condition"),
])
def test_a_mistake_is_named_with_its_place_and_what_would_be_right(who: object, place: str, words: str) -> None:
    assert words in _complaints(who)[place]


def test_all_mistakes_are_named_at_once() -> None:
    found = _complaints({"any": [{"field": "x"}, {"field": "account.employees", "is": "x"}, {"has": "y"}]})

    assert set(found) == {"who.any[0].field", "who.any[1].is", "who.any[2].has"}


def test_rules_nested_too_deep_are_refused() -> None:
    who: dict[str, object] = {"field": "account.country", "is": "DE"}
    for _ in range(2000):
        who = {"not": who}

    assert "more than 10 deep" in " ".join(_complaints(who).values())


def test_rules_with_too_many_conditions_are_refused() -> None:
    who = {"any": [{"field": "account.country", "is": "DE"}] * 5000}

    assert "more than 200 conditions" in " ".join(_complaints(who).values())


@pytest.mark.parametrize("text", [
    "list: x", "list: x\nwho: {}", "[1, 2", "- list", "", "list: a b\nwho: {in_list: tier-1}", "list: x\nlist: y",
    "list: x\naccounts: [1]\nwho: {in_list: tier-1}", "list: x\naccounts: {a: b}",
    "list: x\ntop: {by: analysis.abc, count: 3}", "list: x\ntop: {by: analysis.value, count: 0}",
    "list: x\nwhos: 3\nwho: {in_list: tier-1}", "list: x\nwho: !!python/name:os.system",
    "a: &a [*a]\nlist: x\nwho: {all: *a}", "list: x\nwho: \x01",
])
def test_a_file_that_says_no_list_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        _read(text)


def test_texts_stay_what_was_written() -> None:
    definition = _read("list: x\nwho: {field: account.country, in: [NO, 007, 1.50, on, 12:30]}")

    assert definition.who == Condition("account.country", Operator.IN, ("NO", "007", "1.50", "on", "12:30"))


def test_ids_of_a_list_by_hand_stay_texts_and_are_named_once() -> None:
    assert _read("list: x\naccounts: [007, 1e3, 12:30, 007, NO]").accounts == ("007", "1e3", "12:30", "NO")


def test_is_empty_false_means_known() -> None:
    rule = read_rules({"not": {"field": "account.city", "is_empty": "false"}}, VOCABULARY)

    assert rule == Not(Condition("account.city", Operator.IS_KNOWN))


def test_where_may_be_one_condition_or_a_group() -> None:
    one = read_rules({"all": [{"has": "contact", "where": {"field": "contact.title", "is": "x"}}]}, VOCABULARY)

    assert isinstance(one, All)
    assert to_raw(one.parts[0]) == {"has": "contact", "where": {"field": "contact.title", "is": "x"}}


@pytest.mark.parametrize(("text", "day"), [
    ("180 days ago", date(2025, 9, 18)), ("1 day ago", date(2026, 3, 16)), ("in 2 weeks", date(2026, 3, 31)),
    ("today", date(2026, 3, 17)), ("Yesterday", date(2026, 3, 16)), ("3 months ago", date(2025, 12, 17)),
    ("in 1 year", date(2027, 3, 17)), ("2026-01-31", date(2026, 1, 31)),
])
def test_days_count_from_today(text: str, day: date) -> None:
    found = parse_day(text)

    assert found is not None
    assert found.on(date(2026, 3, 17)) == day
    assert parse_day(str(found)) == found


def test_a_month_later_than_the_31st_is_the_month_s_last_day() -> None:
    assert Day(amount=1, unit="month").on(date(2026, 1, 31)) == date(2026, 2, 28)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "20260101", "1 fortnight ago", "99999 years ago", "0001-01-01"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert parse_day(text) is None


@pytest.mark.parametrize("raw", ["nan", "inf", "1e15", "", True, [1], {"a": 1}, "1_000", "0x10"])
def test_what_is_no_number_is_refused(raw: object) -> None:
    with pytest.raises(WrongValue):
        read_value(Field("account.employees", "employees", FieldType.NUMBER, "Account"), Operator.IS, raw)


def test_a_custom_field_is_read_as_its_operator_asks() -> None:
    field = Field("account.custom.n", "n", FieldType.CUSTOM, "Custom fields")

    assert read_value(field, Operator.IS, "5")[1] == "5"
    assert read_value(field, Operator.MORE_THAN, "5")[1] == 5
    assert read_value(field, Operator.BEFORE, "yesterday")[1] == Day(amount=-1)
