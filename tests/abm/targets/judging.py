"""A second, independent judge of rules, in plain Python: what tests hold the SQL against."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from abm.targets.dates import Day
from abm.targets.rule_tree import All, AnyOf, Condition, Has, Not, Rule
from abm.targets.vocabulary import Operator

_Op = Operator
Facts = Mapping[str, Any]


def judge(rule: Rule, facts: Facts, today: date) -> bool:
    """`facts` are values by field name; things the account has are lists of facts under their subject's name."""
    match rule:
        case Condition():
            return _judge_condition(rule, facts, today)
        case Not():
            return not judge(rule.part, facts, today)
        case All():
            return all(judge(part, facts, today) for part in rule.parts)
        case AnyOf():
            return any(judge(part, facts, today) for part in rule.parts)
        case Has():
            things = facts.get(rule.subject, [])
            fitting = [thing for thing in things if rule.where is None or judge(rule.where, thing, today)]
            return len(fitting) >= rule.at_least
    raise AssertionError(rule)


def _judge_condition(rule: Condition, facts: Facts, today: date) -> bool:
    own = facts.get(rule.field)
    is_known = own is not None and own != ""
    if rule.operator in (_Op.IS_KNOWN, _Op.IS_EMPTY):
        return is_known == (rule.operator is _Op.IS_KNOWN)
    opposite = {_Op.IS_NOT: _Op.IS, _Op.NOT_IN: _Op.IN}.get(rule.operator)
    if opposite is not None:
        return not _judge_condition(Condition(rule.field, opposite, rule.value), facts, today)
    return own is not None and _compare(_plain(own), rule.operator, _wanted(rule.value, today))


def _plain(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _wanted(value: Any, today: date) -> Any:
    if isinstance(value, tuple):
        return tuple(_wanted(each, today) for each in value)
    return value.on(today) if isinstance(value, Day) else _plain(value)


def _compare(own: Any, operator: Operator, wanted: Any) -> bool:
    comparisons = {
        _Op.IS: lambda: own == wanted, _Op.IN: lambda: own in wanted, _Op.MORE_THAN: lambda: own > wanted,
        _Op.AFTER: lambda: own > wanted, _Op.AT_LEAST: lambda: own >= wanted, _Op.LESS_THAN: lambda: own < wanted,
        _Op.BEFORE: lambda: own < wanted, _Op.AT_MOST: lambda: own <= wanted, _Op.CONTAINS: lambda: wanted in own,
        _Op.STARTS_WITH: lambda: own.startswith(wanted), _Op.BETWEEN: lambda: wanted[0] <= own <= wanted[1],
    }
    return comparisons[operator]()
