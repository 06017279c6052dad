"""Text of a cell -> value in the form the database stores. Pure: no database, no clock.

Every function takes the text of one cell that is not empty and returns the value, or raises BadValue with one sentence.
Dates and moments come back as ISO text, amounts as whole ten-thousandths (see core.db.Money): both databases load these
forms directly.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from core.db import MONEY_SCALE, to_scaled

_LARGEST_AMOUNT = Decimal(10) ** 14
_PLAIN_AMOUNT = re.compile(r"-?[0-9]{1,13}(?:\.[0-9]{1,4})?")
_PLAIN_AMOUNTS = re.compile(r"(?:-?[0-9]{1,11}(?:\.[0-9]{1,4})?(?:\n(?!\Z)|\Z))+")
_NUMBER = re.compile(r"[+-]?[0-9.,\s'’]+(?:[eE][+-]?[0-9]{1,2})?")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?")
_YEAR_FIRST = re.compile(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?|(\d{4})(\d{2})(\d{2})")
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:[T ]\d{1,2}:\d{2}.*)?")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?:[T ]\d{1,2}:\d{2}.*)?")
_DAY_MONTH = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s.-]+([A-Za-z]+)\.?,?[\s-]+(\d{4})")
_MONTH_DAY = re.compile(r"([A-Za-z]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_YES = {"yes", "y", "true", "t", "1", "x", "on"}
_NO = {"no", "n", "false", "f", "0", "off"}


class BadValue(ValueError):
    """The text cannot be this kind of value; `str()` is the sentence for the rejects file."""


def parse_date(text: str) -> str:
    """ISO text of a day. Forms: 1997-04-03 (with or without a time), 1997/4/3, 19970403, 3.4.1997, 3 April 1997,
    April 3, 1997, and 25/04/1997 or 04/25/1997 where only one reading is possible."""
    text = text.strip()
    for pattern, read in _DATE_FORMS:
        found = pattern.fullmatch(text)
        if found:
            return _day(text, *read(text, found))
    raise BadValue(f"{_short(text)} is not a date such as 1997-04-03")


def _from_slashes(text: str, found: re.Match[str]) -> tuple[int, int, int]:
    first, second, year = (int(part) for part in found.groups())
    if first <= 12 and second <= 12 and first != second:
        raise BadValue(
            f"{text} may be read in two ways; write it as {year}-{second:02d}-{first:02d} "
            f"or {year}-{first:02d}-{second:02d}"
        )
    return (year, second, first) if first > 12 else (year, first, second)


def _month(text: str, name: str) -> int:
    try:
        return _MONTHS[name.casefold()]
    except KeyError:
        raise BadValue(f"{_short(text)} is not a date such as 1997-04-03") from None


def _year_first(_text: str, found: re.Match[str]) -> tuple[int, int, int]:
    year, month, day = (int(part) for part in found.groups() if part)
    return year, month, day


_DATE_FORMS = (
    (_ISO, _year_first),
    (_YEAR_FIRST, _year_first),
    (_DOTTED, lambda _text, found: (int(found[3]), int(found[2]), int(found[1]))),
    (_SLASHED, _from_slashes),
    (_DAY_MONTH, lambda text, found: (int(found[3]), _month(text, found[2]), int(found[1]))),
    (_MONTH_DAY, lambda text, found: (int(found[3]), _month(text, found[1]), int(found[2]))),
)


def _day(text: str, year: int, month: int, day: int) -> str:
    try:
        found = date(year, month, day)
    except ValueError:
        raise BadValue(f"{_short(text)} is not a day of the calendar") from None
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise BadValue(f"{_short(text)} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return found.isoformat()


def parse_moment(text: str) -> str:
    """A moment in UTC as `YYYY-MM-DD HH:MM:SS.ffffff`; without a zone it is UTC, without a time midnight."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        moment = datetime.fromisoformat(parse_date(text))
    return moment_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def moment_text(moment: datetime) -> str:
    """The stored text of an aware moment."""
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0")
    except OverflowError:
        raise BadValue(f"{moment} lies outside the calendar") from None


def parse_number(text: str, *, comma_is_decimal: bool = False) -> Decimal:
    """A number with `.` or `,` as decimal mark and spaces, apostrophes, `.` or `,` between thousands.

    Where both marks stand, the last one is the decimal mark; a mark that stands more than once is for thousands; a
    single comma is for thousands exactly when three digits follow it and `comma_is_decimal` is False; a single point
    is for thousands exactly when three digits follow it and `comma_is_decimal` is True.
    """
    text = text.strip()
    negative = text.startswith("(") and text.endswith(")")
    bare = text[1:-1] if negative else text
    if not _NUMBER.fullmatch(bare):
        raise BadValue(f"{_short(text)} is not a number such as 1234.56")
    digits = re.sub(r"[\s'’]", "", bare)
    try:
        value = Decimal(_with_point(digits, comma_is_decimal))
    except InvalidOperation:
        raise BadValue(f"{_short(text)} is not a number such as 1234.56") from None
    return -value if negative else value


def _with_point(digits: str, comma_is_decimal: bool) -> str:
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        decimal, thousands = (".", ",") if digits.rfind(".") > digits.rfind(",") else (",", ".")
        whole, _, fraction = digits.rpartition(decimal)
        return f"{_ungrouped(whole, thousands)}.{fraction}"
    mark = "," if commas else "."
    if points + commas > 1:
        return _ungrouped(digits, mark)
    groups_thousands = re.fullmatch(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}", digits) is not None
    is_decimal = (mark == ",") == comma_is_decimal
    return digits.replace(mark, "") if groups_thousands and not is_decimal else digits.replace(mark, ".")


def _ungrouped(whole: str, mark: str) -> str:
    """Without its thousands marks. Raises BadValue when the groups are not three digits long."""
    first, *others = whole.lstrip("+-").split(mark)
    if any(len(group) != 3 for group in others) or not 1 <= len(first) <= 3:
        raise BadValue(f"{_short(whole)} is not a number such as 1234.56")
    return whole.replace(mark, "")


def parse_amount(text: str, *, comma_is_decimal: bool = False) -> int:
    """An amount in whole ten-thousandths, rounded half to even."""
    if not comma_is_decimal and _PLAIN_AMOUNT.fullmatch(text):
        whole, _, fraction = text.partition(".")
        return int(whole + fraction.ljust(4, "0"))
    return scaled_amount(parse_number(text, comma_is_decimal=comma_is_decimal))


def plain_amounts(texts: Sequence[str]) -> list[int] | None:
    """What `parse_amount` makes of each text, at once; None where one of them is not plain digits with a point.

    Exact: below 10**11 with four decimals, a product's error stays under a quarter of a ten-thousandth.
    """
    if not _PLAIN_AMOUNTS.fullmatch("\n".join(texts)):
        return None
    return [round(float(text) * MONEY_SCALE) for text in texts]


def scaled_amount(value: Decimal) -> int:
    """Ten-thousandths of `value`. Raises BadValue where the amount is too large to keep."""
    if abs(value) >= _LARGEST_AMOUNT:
        raise BadValue(f"{value:.3g} is too large for an amount")
    return to_scaled(value)


def parse_count(text: str, *, comma_is_decimal: bool = False) -> int:
    """A whole number from 0 to 2,000,000,000."""
    value = parse_number(text, comma_is_decimal=comma_is_decimal)
    if value != value.to_integral_value() or not 0 <= value <= 2_000_000_000:
        raise BadValue(f"{_short(text)} is not a whole number of at least 0")
    return int(value)


def parse_flag(text: str) -> bool:
    word = text.strip().casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise BadValue(f"{_short(text)} is neither yes nor no")


def parse_share(text: str, *, comma_is_decimal: bool = False) -> float:
    """A share between 0 and 1; `15%` is 0.15."""
    percent = text.strip().endswith("%")
    value = parse_number(text.strip().removesuffix("%"), comma_is_decimal=comma_is_decimal)
    share = value / 100 if percent else value
    if not 0 <= share <= 1:
        raise BadValue(f"{_short(text)} is not a share between 0 and 1 (or a percentage such as 15%)")
    return float(share)


def writes_decimal_comma(samples: list[str], default: bool) -> bool:
    """Whether a column's numbers use the comma as decimal mark, judged by those that can be read in one way only."""
    for text in samples:
        bare = text.strip()
        if re.search(r"\.[0-9]{3},|,[0-9]{1,2}$|,[0-9]{4,}$", bare):
            return True
        if re.search(r",[0-9]{3}\.|\.[0-9]{1,2}$|\.[0-9]{4,}$", bare):
            return False
    return default


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")
