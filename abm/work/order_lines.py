"""The lines of an order taken on the telephone: from what was typed to lines with amounts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from abm.orders.actions import NewLine

FIELDS = ("sku", "quantity", "price", "discount")
MOST_LINES = 50
_LARGEST = Decimal("900000000000")


@dataclass(frozen=True, slots=True)
class TypedLine:
    """One row of the form, as it was typed."""

    sku: str = ""
    quantity: str = ""
    price: str = ""
    discount: str = ""


@dataclass(frozen=True, slots=True)
class ReadLines:
    """`errors`: a sentence per row number (from 1) that cannot be understood."""

    lines: tuple[NewLine, ...]
    errors: Mapping[int, str]

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))


def typed_lines(columns: Mapping[str, Sequence[str]]) -> list[TypedLine]:
    """The rows of the form from its repeated fields; rows without product and quantity are left out."""
    rows = zip(*(list(columns.get(name, ())) + [""] * (_count(columns) - len(columns.get(name, ())))
                 for name in FIELDS), strict=True)
    typed = [TypedLine(*(value.strip() for value in row)) for row in rows]
    return [line for line in typed if line.sku or (line.quantity and line.price)][:MOST_LINES]


def _count(columns: Mapping[str, Sequence[str]]) -> int:
    return max((len(columns.get(name, ())) for name in FIELDS), default=0)


def read_lines(typed: Sequence[TypedLine]) -> ReadLines:
    """Lines with numbers. The quantity is one where none is typed; the discount is per cent of the line."""
    lines, errors = [], {}
    for number, line in enumerate(typed, start=1):
        quantity, price = _number(line.quantity or "1"), _number(line.price)
        discount = _number(line.discount.rstrip("% ") or "0")
        wrong = _wrong(line, quantity, price, discount)
        if wrong:
            errors[number] = wrong
        elif quantity is not None and price is not None and discount is not None:
            lines.append(NewLine(line.sku, quantity, price, discount / 100))
    return ReadLines(tuple(lines), errors)


def _wrong(line: TypedLine, quantity: Decimal | None, price: Decimal | None, discount: Decimal | None) -> str:
    if not line.sku:
        return "Say which product."
    if quantity is None or quantity == 0:
        return f"{line.quantity} is not a quantity above zero."
    if price is None:
        return f"{line.price} is not a price." if line.price else f"Say what one {line.sku} costs."
    if discount is None or discount > 100:
        return f"{line.discount} is not a discount from 0 to 100 per cent."
    return ""


def _number(text: str) -> Decimal | None:
    """A number from zero; 12.5 and 12,5 are the same. None for anything else."""
    try:
        number = Decimal(text.replace(" ", "").replace(",", "" if "." in text else "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= _LARGEST else None
