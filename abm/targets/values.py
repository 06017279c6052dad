"""Values in conditions: read by the field's type, or refused with a sentence."""

import math
from typing import Any

from abm.targets.dates import Day, parse_day
from abm.targets.vocabulary import Field, FieldType, Operator
from campaigns.raw_fields import describe

Scalar = str | int | float | bool | Day
Value = Scalar | tuple[Scalar, ...] | None

MOST_VALUES = 2000
LONGEST_TEXT = 300
LARGEST_NUMBER = 1e14
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_LISTS = frozenset({Operator.IN, Operator.NOT_IN})
_WITHOUT_VALUE = frozenset({Operator.IS_EMPTY, Operator.IS_KNOWN})
_NUMERIC = frozenset({Operator.MORE_THAN, Operator.AT_LEAST, Operator.LESS_THAN, Operator.AT_MOST})
_DATED = frozenset({Operator.BEFORE, Operator.AFTER})


class WrongValue(ValueError):
    """The value does not fit; the message says what was expected."""


def read_value(field: Field, operator: Operator, raw: Any) -> tuple[Operator, Value]:
    """The typed value, and the operator in its plain form (`is_empty: false` is `is_known`). Raises WrongValue."""
    if operator in _WITHOUT_VALUE:
        return _emptiness(operator, raw), None
    if operator in _LISTS:
        return operator, _several(field, operator, raw)
    if operator is Operator.BETWEEN:
        return operator, _pair(field, raw)
    return operator, _one(field, operator, raw)


def _emptiness(operator: Operator, raw: Any) -> Operator:
    if _truth(raw):
        return operator
    return Operator.IS_KNOWN if operator is Operator.IS_EMPTY else Operator.IS_EMPTY


def _several(field: Field, operator: Operator, raw: Any) -> tuple[Scalar, ...]:
    listed = raw if isinstance(raw, list | tuple) else [raw]
    if not listed:
        raise WrongValue("needs at least one value")
    if len(listed) > MOST_VALUES:
        raise WrongValue(f"has {len(listed):,} values, at most {MOST_VALUES:,} are possible")
    return tuple(dict.fromkeys(_one(field, operator, each) for each in listed))


def _pair(field: Field, raw: Any) -> tuple[Scalar, ...]:
    if not isinstance(raw, list | tuple) or len(raw) != 2:
        raise WrongValue(f"between needs two values, [lowest, highest], found {describe(raw)}")
    low, high = (_one(field, Operator.BETWEEN, each) for each in raw)
    if isinstance(low, Day) != isinstance(high, Day):
        raise WrongValue("between needs two days or two numbers, not one of each")
    both_fixed = isinstance(low, Day) and isinstance(high, Day) and low.fixed and high.fixed and low.fixed > high.fixed
    if both_fixed or (isinstance(low, int | float) and isinstance(high, int | float) and low > high):
        raise WrongValue(f"between needs the lower value first, found {low} and {high}")
    return (low, high)


def _one(field: Field, operator: Operator, raw: Any) -> Scalar:
    if raw is None or isinstance(raw, dict | list | tuple):
        raise WrongValue(f"expected a value, found {describe(raw)}" + ("; to find empty ones say is_empty: true"
                                                                      if raw is None else ""))
    if field.type is FieldType.TRUTH:
        return _truth(raw)
    if field.type is FieldType.NUMBER:
        return read_number(raw)
    if field.type is FieldType.DATE:
        return _day(raw)
    return _custom(operator, raw) if field.type is FieldType.CUSTOM else _text(raw)


def _custom(operator: Operator, raw: Any) -> Scalar:
    """A custom field has no type of its own: the operator says how its text is to be read."""
    if operator in _DATED:
        return _day(raw)
    if operator in _NUMERIC:
        return read_number(raw)
    if operator is Operator.BETWEEN:
        return parse_day(str(raw)) or read_number(raw)
    return _text(raw)


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    found = _TRUTHS.get(str(raw).strip().casefold())
    if found is None:
        raise WrongValue(f"expected true or false, found {describe(raw)}")
    return found


def read_number(raw: Any) -> int | float:
    """A number below 10^14 in size; whole ones as int. Raises WrongValue."""
    try:
        number = math.nan if isinstance(raw, bool) else float(str(raw).strip().replace("_", "x"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or abs(number) > LARGEST_NUMBER:
        raise WrongValue(f"expected a number such as 200 or 2.5, found {describe(raw)}")
    return int(number) if number.is_integer() else number


def _day(raw: Any) -> Day:
    day = parse_day(str(raw))
    if day is None:
        raise WrongValue(f'expected a day such as 2026-01-31, "180 days ago" or "in 2 weeks", found {describe(raw)}')
    return day


def _text(raw: Any) -> str:
    text = str(raw).lower() if isinstance(raw, bool) else str(raw).strip()
    if not text:
        raise WrongValue("expected a value, found nothing; to find empty ones say is_empty: true")
    if len(text) > LONGEST_TEXT:
        raise WrongValue(f"has {len(text)} characters, at most {LONGEST_TEXT} are possible")
    if any(letter in "\x00\n\r" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise WrongValue("has line breaks or characters that no text in the database can have")
    return text


def plain_value(value: Value) -> Any:
    """The value as files and JSON say it."""
    if isinstance(value, tuple):
        return [plain_value(each) for each in value]
    return str(value) if isinstance(value, Day) else value
