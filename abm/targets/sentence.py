"""Rules read as a sentence in plain words."""

from abm.targets.dates import Day
from abm.targets.rule_tree import All, AnyOf, Condition, Has, InList, Not, Rule, Top
from abm.targets.values import Scalar, Value
from abm.targets.vocabulary import FieldType, Operator, Subject, Vocabulary

_O = Operator
_WORDS = {
    _O.IS: "is", _O.IS_NOT: "is not", _O.IN: "is one of", _O.NOT_IN: "is none of", _O.MORE_THAN: "is more than",
    _O.AT_LEAST: "is at least", _O.LESS_THAN: "is less than", _O.AT_MOST: "is at most", _O.BETWEEN: "is between",
    _O.CONTAINS: "contains", _O.STARTS_WITH: "starts with", _O.BEFORE: "is before", _O.AFTER: "is after",
    _O.IS_EMPTY: "is not known", _O.IS_KNOWN: "is known",
}
_DAY_WORDS = {**_WORDS, _O.AT_LEAST: "is on or after", _O.AT_MOST: "is on or before"}
_MOST_SHOWN = 6


def say_list(rule: Rule | None, top: Top | None, vocabulary: Vocabulary) -> str:
    """The whole list in one sentence: `Accounts whose ABC class is A and that have at least 3 orders.`"""
    who = f"Accounts {say_rule(rule, vocabulary)}" if rule is not None else "All accounts"
    if top is None:
        return f"{who}."
    field = vocabulary.find_field(vocabulary.accounts, top.by)
    return f"{who}; of these the {top.count:,} with the highest {field.label if field else top.by}."


def say_rule(rule: Rule, vocabulary: Vocabulary) -> str:
    """A rule about accounts as a relative clause: `whose country is FR and that are in the list tier-1`."""
    return _say(rule, vocabulary, vocabulary.accounts)


def _say(rule: Rule, vocabulary: Vocabulary, subject: Subject) -> str:
    match rule:
        case Condition():
            return f"whose {say_condition(rule, vocabulary, subject)}"
        case InList():
            return f"that are in the list {rule.name}"
        case Has():
            return f"that have {_say_has(rule, vocabulary)}"
        case Not():
            return f"that are not those {_bracketed(rule.part, vocabulary, subject)}"
        case All():
            return " and ".join(_bracketed(part, vocabulary, subject) for part in rule.parts)
        case AnyOf():
            return " or ".join(_bracketed(part, vocabulary, subject) for part in rule.parts)


def _bracketed(rule: Rule, vocabulary: Vocabulary, subject: Subject) -> str:
    said = _say(rule, vocabulary, subject)
    return f"({said})" if isinstance(rule, All | AnyOf) and len(rule.parts) > 1 else said


def _say_has(rule: Has, vocabulary: Vocabulary) -> str:
    subject = vocabulary.subjects[rule.subject]
    counted = f"at least one {subject.one}" if rule.at_least == 1 else f"at least {rule.at_least:,} {subject.many}"
    return counted if rule.where is None else f"{counted} {_bracketed(rule.where, vocabulary, subject)}"


def say_condition(condition: Condition, vocabulary: Vocabulary, subject: Subject) -> str:
    """`ABC class is A`; also used beside each line of an explanation."""
    field = vocabulary.find_field(subject, condition.field)
    label = field.label if field else condition.field
    words = _DAY_WORDS if field and field.type is FieldType.DATE else _WORDS
    said = _say_value(condition.value, condition.operator)
    return f"{label} {words[condition.operator]} {said}".rstrip()


def _say_value(value: Value, operator: Operator) -> str:
    if value is None:
        return ""
    if not isinstance(value, tuple):
        return _say_one(value)
    shown = [_say_one(each) for each in value[:_MOST_SHOWN]]
    if operator is Operator.BETWEEN:
        return " and ".join(shown)
    more = len(value) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _say_one(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, Day | str) else f"{value:,}"
