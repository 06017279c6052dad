"""Every field that rules know, with every operator that fits it: file, builder, sentence and database agree on it."""

from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from abm.targets.files import ListDefinition, load_yaml, read_definition, to_yaml
from abm.targets.forms import form_of, to_text
from abm.targets.previews import preview
from abm.targets.rule_tree import AnyOf, Condition, Has, Rule, to_raw
from abm.targets.rules import read_rules
from abm.targets.sentence import say_list
from abm.targets.sources import make_vocabulary
from abm.targets.vocabulary import Field, FieldType, Operator, Subject
from abm.wiring import load_list_fields

load_list_fields()
_ONE = {FieldType.TEXT: "a: 'b' #", FieldType.COUNTRY: "NO", FieldType.NUMBER: 2.5, FieldType.DATE: "180 days ago",
        FieldType.TRUTH: True}
_TWO = {FieldType.NUMBER: [1, 2], FieldType.DATE: ["1 year ago", "in 2 weeks"]}


def _value(field: Field, operator: Operator) -> object:
    if operator in (Operator.IS_EMPTY, Operator.IS_KNOWN):
        return True
    if operator is Operator.BETWEEN:
        return _TWO[field.type]
    one = field.choices[-1] if field.choices else _ONE[field.type]
    return [one] if operator in (Operator.IN, Operator.NOT_IN) else one


def _conditions(subject: Subject) -> Iterator[dict[str, object]]:
    for field in subject.fields.values():
        for operator in field.operators:
            yield {"field": field.name, operator.value: _value(field, operator)}


def _rules(subject: Subject) -> list[Rule]:
    def wrapped(raw: dict[str, object]) -> dict[str, object]:
        return raw if subject.name == "account" else {"has": subject.name, "where": raw}

    return [read_rules(wrapped(raw), make_vocabulary()) for raw in _conditions(subject)]


SUBJECTS = [pytest.param(each, id=name) for name, each in make_vocabulary().subjects.items()]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_condition_survives_the_file_and_the_builder(subject: Subject) -> None:
    for rule in _rules(subject):
        definition = ListDefinition("a-list", "A list", rule)
        assert read_definition(load_yaml(to_yaml(definition)), make_vocabulary()) == definition
        assert read_definition(load_yaml(to_text(form_of(definition))), make_vocabulary()) == definition


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_condition_is_said_in_words(subject: Subject) -> None:
    for rule in _rules(subject):
        said = say_list(rule, None, make_vocabulary())
        leaf = rule.where if isinstance(rule, Has) else rule
        assert isinstance(leaf, Condition)
        assert leaf.field not in said, to_raw(rule)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_condition_can_be_asked_of_the_database(session: Session, subject: Subject) -> None:
    rules = _rules(subject)
    for first in range(0, len(rules), 40):
        several = tuple(rules[first:first + 40])
        assert preview(session, ListDefinition("a-list", "A list", AnyOf(several))).accounts == 0
