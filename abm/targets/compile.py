"""Rules as SQL: set-based, the same on both databases, every value bound.

SQL knows three truths, rules know two. A comparison with NULL counts as false where it stands plainly; under `not` the
rule is turned inside out down to the single comparison, which then says in so many words what it means for NULL.
"""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Float, Select, and_, func, literal, not_, or_, select, type_coerce
from sqlalchemy.sql import ColumnElement, FromClause

from abm.accounts.models import Account
from abm.targets import sql_text
from abm.targets.dates import Day
from abm.targets.rule_tree import All, AnyOf, Condition, Has, InList, Not, Rule, Top, fields_in
from abm.targets.sources import Column, Scope, Source, find_column, get_source, make_vocabulary
from abm.targets.values import Value
from abm.targets.vocabulary import Field, FieldType, Operator
from core.db import Id
from core.id_lists import is_among

Truth = ColumnElement[bool]
_O = Operator
_OPPOSITE = {_O.IS_NOT: _O.IS, _O.NOT_IN: _O.IN, _O.IS_EMPTY: _O.IS_KNOWN}


def select_account_ids(rule: Rule | None, top: Top | None, scope: Scope, *also: Truth) -> Select[Any]:
    """SELECT of the internal ids of the accounts for which the rule and `also` hold (None: all), cut to the top ones.

    Where the scope has only some accounts, only these are judged; never before a cut, which all others bear on.
    """
    found = select(Account.id).select_from(accounts_with(fields_in(rule) | ({top.by} if top else set()), scope))
    if scope.only is not None and top is None:
        found = found.where(is_among(Account.id, scope.only))
    for condition in also if rule is None else (holds(rule, scope), *also):
        found = found.where(condition)
    if top is not None:
        found = found.order_by(rank_column(top, scope).desc().nulls_last(), Account.external_id).limit(top.count)
    return found


def accounts_with(fields: set[str], scope: Scope) -> FromClause:
    """The accounts, joined with the tables in which the fields live (the latest analysis, scores, …)."""
    table: FromClause = Account.__table__
    columns = (find_column(get_source("account"), name) for name in sorted(fields))
    joins = {column.join.name: column.join for column in columns if column is not None and column.join is not None}
    for join in joins.values():
        table = table.outerjoin(join.table, join.on(scope))
    return table


def rank_column(top: Top, scope: Scope) -> ColumnElement[Any]:
    source = get_source("account")
    column = find_column(source, top.by)
    return column.of(scope) if column is not None else sql_text.as_number(_custom(source, top.by))


def holds(rule: Rule, scope: Scope, *, source: Source | None = None, is_true: bool = True) -> Truth:
    """The rule (or, with `is_true` False, its exact opposite) as a condition of the source's rows."""
    subject = source or get_source("account")
    inside = partial(holds, scope=scope, source=subject)
    match rule:
        case Condition():
            return _condition(rule, subject, scope, is_true)
        case Not():
            return inside(rule.part, is_true=not is_true)
        case All():
            join = and_ if is_true else or_
            return join(*(inside(part, is_true=is_true) for part in rule.parts))
        case AnyOf():
            join = or_ if is_true else and_
            return join(*(inside(part, is_true=is_true) for part in rule.parts))
        case InList():
            return _is_among(scope.lists(rule.name), scope, is_true)
        case Has():
            return _has(rule, scope, is_true)


def _is_among(ids: Select[Any], scope: Scope, is_true: bool) -> Truth:
    """PostgreSQL tries a NOT IN of many rows one by one but joins for NOT EXISTS; SQLite is quick with NOT IN."""
    if is_true or not scope.is_postgres:
        return Account.id.in_(ids.correlate(None)) if is_true else Account.id.not_in(ids.correlate(None))
    among = ids.correlate(None).subquery()
    return not_(select(literal(1)).select_from(among).where(among.c[0] == Account.id).correlate(Account).exists())


def _has(rule: Has, scope: Scope, is_true: bool) -> Truth:
    source = get_source(rule.subject)
    counted = related_rows(rule, scope)
    if rule.at_least == 1:
        one = counted.add_columns(literal(1)).where(source.account_id == Account.id)
        if scope.only is not None and scope.is_postgres:
            one = one.offset(0)  # else PostgreSQL joins with the whole table, however few accounts are judged
        found = one.correlate(Account).exists()
        return found if is_true else not_(found)
    # Counted per account over its index: PostgreSQL, misjudging a grouped subquery, may run it once for every account.
    own = counted.add_columns(func.count()).where(source.account_id == Account.id).correlate(Account).scalar_subquery()
    return own >= rule.at_least if is_true else own < rule.at_least


def related_rows(rule: Has, scope: Scope) -> Select[Any]:
    """The things that a `has` counts, of all accounts, still without columns."""
    source = get_source(rule.subject)
    rows = select().select_from(source.table)
    if source.usual is not None and not (fields_in(rule.where) & source.lifted_by):
        rows = rows.where(source.usual)
    return rows if rule.where is None else rows.where(holds(rule.where, scope, source=source))


def _condition(condition: Condition, source: Source, scope: Scope, is_true: bool) -> Truth:
    operator = _OPPOSITE.get(condition.operator, condition.operator)
    if operator is not condition.operator:
        is_true = not is_true
    sql = _value_column(condition, source, scope)
    if operator is _O.IS_KNOWN:
        return _is_known(sql, condition, source, is_true)
    comparison = _comparison(sql, condition, operator, source, scope)
    return comparison if is_true else or_(sql.is_(None), not_(comparison))


def _is_known(sql: ColumnElement[Any], condition: Condition, source: Source, is_true: bool) -> Truth:
    """Empty text counts as not known."""
    if _type_of(condition.field, source) in (FieldType.TEXT, FieldType.COUNTRY, FieldType.CUSTOM):
        return and_(sql.is_not(None), sql != "") if is_true else or_(sql.is_(None), sql == "")
    return sql.is_not(None) if is_true else sql.is_(None)


def _type_of(name: str, source: Source) -> FieldType:
    field = make_vocabulary().find_field(source.subject, name)
    return field.type if field else FieldType.CUSTOM


def _custom(source: Source, name: str) -> ColumnElement[Any]:
    if source.custom is None:
        raise LookupError(f"{source.subject.name} has no custom fields")
    return sql_text.custom_text(source.custom, name.removeprefix(source.subject.custom_prefix))


def value_column(condition: Condition, source: Source, scope: Scope) -> ColumnElement[Any]:
    """The field's own value, for showing."""
    column = find_column(source, condition.field)
    return column.of(scope) if column else _custom(source, condition.field)


def _value_column(condition: Condition, source: Source, scope: Scope) -> ColumnElement[Any]:
    """What is compared: the column, or a custom field's text read as its operator asks."""
    column = find_column(source, condition.field)
    if column is not None:
        return type_coerce(column.of(scope), Id) if column.scale != 1 else column.of(scope)
    text = _custom(source, condition.field)
    sample = condition.value[0] if isinstance(condition.value, tuple) else condition.value
    if isinstance(sample, Day):
        return sql_text.as_iso_day(text)
    return sql_text.as_number(text) if isinstance(sample, int | float) else text


def _comparison(sql: ColumnElement[Any], condition: Condition, operator: Operator, source: Source,
                scope: Scope) -> Truth:
    known = find_column(source, condition.field)
    column = known or Column(sql)
    value = condition.value
    sample = value[0] if isinstance(value, tuple) else value
    if isinstance(sample, bool):
        return sql.is_(value)
    if isinstance(sample, Day):
        return _compare_days(sql, operator, value, column, scope, is_text=known is None)
    if isinstance(sample, int | float):
        return _compare_numbers(sql, operator, value, column.scale)
    field = source.subject.fields.get(condition.field)
    return _compare_texts(sql, operator, value, field, scope)


def _many(value: Value) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _compare_numbers(sql: ColumnElement[Any], operator: Operator, value: Value, scale: int) -> Truth:
    first, *rest = (literal(float(each) * scale, Float(53)) for each in _many(value))
    match operator:
        case _O.IS | _O.IN:
            return or_(*(sql == each for each in (first, *rest))) if len(rest) < 8 else sql.in_(
                [float(each) * scale for each in _many(value)])
        case _O.BETWEEN:
            return sql.between(first, rest[0])
    return {_O.MORE_THAN: sql > first, _O.AT_LEAST: sql >= first, _O.LESS_THAN: sql < first,
            _O.AT_MOST: sql <= first}[operator]


def _compare_texts(sql: ColumnElement[Any], operator: Operator, value: Value, field: Field | None,
                   scope: Scope) -> Truth:
    texts = tuple(str(each) for each in _many(value))
    if operator in (_O.CONTAINS, _O.STARTS_WITH):
        return sql_text.like(sql, texts[0], anywhere=operator is _O.CONTAINS)
    if field is not None and field.choices:
        return sql.in_(texts) if len(texts) > 1 else sql == texts[0]
    if field is not None and field.type is FieldType.COUNTRY:
        texts = tuple(dict.fromkeys(name for each in texts for name in scope.country_names(each)))
    return sql_text.is_one_of(sql, texts) if len(texts) > 1 else sql_text.equals(sql, texts[0])


def _compare_days(sql: ColumnElement[Any], operator: Operator, value: Value, column: Column, scope: Scope, *,
                  is_text: bool) -> Truth:
    """Every comparison of days as one of the day's first moment and the next day's; days and texts compare alike."""
    days = [each.on(scope.today) for each in _many(value) if isinstance(each, Day)]

    def start(day: date) -> date | datetime | str:
        if column.is_moment:
            return datetime.combine(day, time(), scope.zone)
        return day.isoformat() if is_text else day

    def next_day(day: date) -> date | datetime | str:
        return start(day + timedelta(days=1))

    first, last = days[0], days[-1]
    match operator:
        case _O.BEFORE:
            return sql < start(first)
        case _O.AFTER:
            return sql >= next_day(first)
        case _O.AT_LEAST:
            return sql >= start(first)
        case _O.AT_MOST:
            return sql < next_day(first)
    return and_(sql >= start(first), sql < next_day(last))


