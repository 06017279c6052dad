"""The ten filters content may use: our own, bounded, on plain values; and what stands for a value that is not known."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from urllib.parse import quote

from jinja2 import Undefined
from markupsafe import escape

from campaigns.personalisation import MAX_LIST_LENGTH, NOT_PRINTED, BadValue, MissingValue, Values, look_up

MAX_TEXT = 100_000
_LARGEST_AMOUNT = Decimal(10) ** 15
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DATE_FORMATS = {"short": "%d/%m/%Y", "long": "%-d %B %Y", "iso": "%Y-%m-%d"}
_DIRECTIVE = re.compile(r"%(-?.?)", re.DOTALL)
_DATE_PARTS: dict[str, Callable[[date], str]] = {
    "d": lambda day: f"{day.day:02}",
    "-d": lambda day: str(day.day),
    "m": lambda day: f"{day.month:02}",
    "-m": lambda day: str(day.month),
    "Y": lambda day: f"{day.year:04}",
    "y": lambda day: f"{day.year % 100:02}",
    "B": lambda day: _MONTHS[day.month - 1],
    "b": lambda day: _MONTHS[day.month - 1][:3],
    "A": lambda day: _WEEKDAYS[day.weekday()],
    "a": lambda day: _WEEKDAYS[day.weekday()][:3],
    "%": lambda _day: "%",
}


class Blank(Undefined):
    """Empty and NULL: false in `if`, empty in `for`, replaced by `default`; printing is noted in `sink` or raises."""

    __slots__ = ("sink",)

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = None,
        name: str | None = None,
        exc: type[Exception] = Exception,
        *,
        sink: list[str] | None = None,
    ) -> None:
        super().__init__(hint, obj, name)
        self.sink = sink

    def __str__(self) -> str:
        name = self._undefined_name or "a value"
        if self.sink is None:
            raise MissingValue([name])
        if name not in self.sink:
            self.sink.append(name)
        return ""

    def __html__(self) -> str:
        return str(self)

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blank) or other in (None, "")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash("")

    def _never(self, _other: object) -> bool:
        return False

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = _never  # type: ignore[assignment]

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(name)


def look_up_or_blank(values: Values, path: Sequence[str], missing: list[str]) -> Any:
    """The value of a name; where there is none, what adds the name to `missing` when it is printed. Raises BadValue."""
    found = look_up(values, path)
    return Blank(name=".".join(path), sink=missing) if found is None else found


class Dash(Blank):
    """Nothing known, in words for one of ours: a dash where it is printed, else as blank as any."""

    __slots__ = ()

    def __str__(self) -> str:
        return "–"


def filter_default(value: Any, fallback: Any = "") -> Any:
    """The fallback where there is no value, an empty text or only spaces."""
    return (
        fallback
        if value is None or isinstance(value, Blank) or (isinstance(value, str) and not value.strip())
        else value
    )


def filter_date(value: Any, form: Any = "long") -> Any:
    """A day in words: `long` (5 January 2026), `short`, `iso`, or a pattern of %d %-d %m %-m %Y %y %B %b %A %a."""
    if isinstance(value, Blank):
        return value
    day = _as_day(value)
    pattern = DATE_FORMATS.get(form, form)
    if not isinstance(pattern, str) or len(pattern) > 60:
        raise BadValue(f"The date form {str(form)[:20]!r} is not one of short, long, iso or a pattern such as %d %B %Y")
    return _DIRECTIVE.sub(lambda found: _date_part(found[1], day), pattern)


def _date_part(directive: str, day: date) -> str:
    if directive not in _DATE_PARTS:
        raise BadValue(f"The date form %{directive} is not known; use %d %m %Y %B %b %A")
    return _DATE_PARTS[directive](day)


def _as_day(value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value).date()
    except (TypeError, ValueError) as error:
        raise BadValue(f"{str(value)[:30]!r} is not a date") from error


def filter_money(value: Any, currency: Any = "") -> Any:
    """An amount with two decimals and separated thousands, and the currency after it when given: 1,234.50 EUR."""
    if isinstance(value, Blank):
        return value
    try:
        amount = Decimal(str(value).strip()) if isinstance(value, str | int | float | Decimal) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= _LARGEST_AMOUNT:
        raise BadValue(f"{str(value)[:30]!r} is not an amount")
    unit = "" if isinstance(currency, Blank) else str(currency)
    return f"{amount:,.2f} {unit}".rstrip()


def filter_upper(value: Any) -> Any:
    return value if isinstance(value, Blank) else _bounded(_text(value).upper())


def filter_lower(value: Any) -> Any:
    return value if isinstance(value, Blank) else _bounded(_text(value).lower())


def filter_title(value: Any) -> Any:
    """Each word with a capital first letter."""
    if isinstance(value, Blank):
        return value
    return _bounded(re.sub(r"[^\s({\[<-]+", lambda word: word[0][:1].upper() + word[0][1:].lower(), _text(value)))


class Lines(str):
    """Text whose line ends stay when it is printed into HTML; what it says is escaped as ever."""

    __slots__ = ()

    def __html__(self) -> str:
        return "<br>".join(str(escape(line)) for line in self.splitlines())


def filter_lines(value: Any) -> Any:
    """The text with its line ends kept, such as a signature: line breaks in HTML, as it is in text."""
    return value if isinstance(value, Blank) else Lines(_text(value))


def filter_trim(value: Any) -> Any:
    return value if isinstance(value, Blank) else _text(value).strip()


def filter_length(value: Any) -> int:
    """How many items or characters; 0 where there is no value."""
    return len(value) if isinstance(value, str | list | dict | Blank) else len(_text(value))


def filter_join(value: Any, separator: Any = ", ") -> Any:
    """The items of a list in one text."""
    if isinstance(value, Blank):
        return value
    between = _text(separator)
    items = [_text(item) for item in each(value) if not isinstance(item, Blank) and item is not None]
    if sum(map(len, items)) + len(between) * len(items) > MAX_TEXT:
        raise BadValue(f"join makes a text longer than {MAX_TEXT} characters")
    return between.join(items)


def filter_first(value: Any) -> Any:
    """The first item of a list, or the first letter of a text."""
    if isinstance(value, Blank):
        return value
    if isinstance(value, str):
        return value[:1]
    return next(iter(each(value)), Blank(name="first"))


def each(value: Any) -> list[Any]:
    """What a `for` may go over: a list of at most 200 items; nothing where there is no value."""
    if isinstance(value, Blank) or value is None:
        return []
    if not isinstance(value, list):
        raise BadValue("for and join go over lists only, and this value is not a list")
    return value[:MAX_LIST_LENGTH]


def printable(value: Any) -> Any:
    """What `{{ }}` may print: everything but lists and dicts."""
    if isinstance(value, list | dict):
        raise BadValue(NOT_PRINTED)
    return value


def _text(value: Any) -> str:
    return str(printable(value))


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise BadValue(f"A text became longer than {MAX_TEXT} characters")
    return text


def url_part(value: Any) -> Any:
    """A value inside a web address, percent-encoded."""
    return value if isinstance(value, Blank) else quote(_text(value), safe="@", errors="strict")


def mail_address(value: Any) -> Any:
    """A value behind `mailto:` or `tel:`."""
    return value if isinstance(value, Blank) else quote(_text(value), safe="@+.")


def web_address(value: Any) -> Any:
    """A value that is a whole web address: https is added where no scheme is given, other schemes are refused."""
    if isinstance(value, Blank):
        return value
    written = _text(value).strip()
    if not re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", written, re.IGNORECASE):
        written = f"https://{written}"
    if not re.match(r"(https?://[^/?#\\\s@]+([/?#]|$)|mailto:)", written, re.IGNORECASE):
        raise BadValue(f"{written[:40]!r} is not a web address and cannot be a link")
    return quote(written, safe=":/?#[]@!$&'()*+,;=%~")


EACH, URL_PART, MAIL_ADDRESS, WEB_ADDRESS = "_each", "_url_part", "_mail_address", "_web_address"
OUR_FILTERS: dict[str, Callable[..., Any]] = {
    EACH: each,
    URL_PART: url_part,
    MAIL_ADDRESS: mail_address,
    WEB_ADDRESS: web_address,
}
FILTERS: dict[str, Callable[..., Any]] = {
    "default": filter_default,
    "date": filter_date,
    "money": filter_money,
    "upper": filter_upper,
    "lower": filter_lower,
    "title": filter_title,
    "trim": filter_trim,
    "lines": filter_lines,
    "length": filter_length,
    "join": filter_join,
    "first": filter_first,
}
ARGUMENTS = {"default": (1, 1), "date": (0, 1), "money": (0, 1), "join": (0, 1)}
