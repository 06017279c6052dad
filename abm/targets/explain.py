"""Why an account is in a list or not: each condition, true or false, with the account's own value, in one SELECT."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.targets.compile import accounts_with, holds, related_rows, value_column
from abm.targets.ranking import Cut
from abm.targets.rule_tree import All, AnyOf, Condition, Has, InList, Not, Rule, fields_in, parts_of
from abm.targets.sentence import say_condition, say_rule
from abm.targets.sources import Scope, get_source, make_vocabulary
from abm.targets.vocabulary import FieldType, Vocabulary


@dataclass(frozen=True, slots=True)
class Line:
    """A condition at its depth. `value` is the account's own (how many, for `has`), None where it is unknown."""

    depth: int
    place: str
    text: str
    is_true: bool
    value: Any = None
    has_value: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """`is_in`: whether the account belongs to the list now; `rank` where only the top ones do, among `candidates` as
    long as there are places left; `cut`: by what it is cut off where there are none."""

    is_in: bool
    lines: tuple[Line, ...]
    rank: int | None = None
    candidates: int | None = None
    cut: Cut | None = None


def explain_rules(session: Session, *, rule: Rule | None, account_id: int, scope: Scope) -> Explanation:
    """Judge one account (its internal id) by the rules, part by part; a cut to the top ones comes afterwards."""
    vocabulary = make_vocabulary()
    nodes = list(_nodes(rule, "who", 0)) if rule is not None else []
    columns: list[ColumnElement[Any]] = [literal(1)]
    for _, _, node in nodes:
        columns += [case((holds(node, scope), 1), else_=0), _own_value(node, scope)]
    table = accounts_with(fields_in(rule), scope)
    row = session.execute(select(*columns).select_from(table).where(Account.id == account_id)).one()
    lines = tuple(
        Line(depth, place, _say(node, vocabulary), bool(row[1 + 2 * index]), _plain(node, row[2 + 2 * index]),
             isinstance(node, Condition | Has))
        for index, (depth, place, node) in enumerate(nodes))
    return Explanation(lines[0].is_true if lines else True, lines)


def _nodes(rule: Rule, place: str, depth: int) -> Iterator[tuple[int, str, Rule]]:
    yield depth, place, rule
    for index, part in enumerate(parts_of(rule)):
        step = {All: f".all[{index}]", AnyOf: f".any[{index}]", Not: ".not"}[type(rule)]
        yield from _nodes(part, place + step, depth + 1)


def _own_value(node: Rule, scope: Scope) -> ColumnElement[Any]:
    match node:
        case Condition():
            return value_column(node, get_source("account"), scope)
        case Has():
            own = get_source(node.subject).account_id == Account.id
            return related_rows(node, scope).add_columns(func.count()).where(own).correlate(Account).scalar_subquery()
    return literal(None)


def _plain(node: Rule, value: Any) -> Any:
    """SQLite knows no booleans."""
    field = get_source("account").subject.fields.get(node.field) if isinstance(node, Condition) else None
    return bool(value) if field is not None and field.type is FieldType.TRUTH and value is not None else value


def _say(node: Rule, vocabulary: Vocabulary) -> str:
    match node:
        case Condition():
            return say_condition(node, vocabulary, vocabulary.accounts)
        case All():
            return "all of these hold"
        case AnyOf():
            return "at least one of these holds"
        case Not():
            return "this does not hold"
        case InList():
            return f"is in the list {node.name}"
        case Has():
            return say_rule(node, vocabulary).removeprefix("that ").replace("have", "has", 1)


def say_cut(cut: Cut, vocabulary: Vocabulary) -> str:
    """`cut off: the 50 places go to those with at least 900 by value, it has 700`."""
    field = vocabulary.find_field(vocabulary.accounts, cut.by)
    return (f"cut off: the {cut.count:,} places go to those with at least {say_value(cut.last)} by "
            f"{field.label if field else cut.by}, it has {say_value(cut.own)}")


def say_value(value: object) -> str:
    """The account's own value for people; `unknown` where there is none."""
    if value is None or value == "":
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime | date):
        return value.isoformat()[:10]
    return f"{value:,.6g}" if isinstance(value, float) and not value.is_integer() else str(value)

