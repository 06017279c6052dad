"""Reading a form field by field: values out, one sentence per field that cannot be accepted."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from core.errors import InvalidInput

_GROUPED = re.compile(r"\d{1,3}(,\d{3})+")
LARGEST_AMOUNT = Decimal("900000000000")


class Fields:
    """Reads one form. Every reader returns a value even after an error, so that all errors are found at once;
    call `finish` before using them."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form
        self.errors: dict[str, str] = {}

    def text(self, name: str, *, missing: str = "", longest: int = 10_000) -> str:
        """Trimmed text. `missing`: the sentence shown when it is left empty (none: it may be)."""
        value = self._form.get(name, "").replace("\r\n", "\n").replace("\x00", "").strip()
        if not value and missing:
            self.errors[name] = missing
        elif len(value) > longest:
            self.errors[name] = f"This is too long: at most {longest} characters."
        return value

    def day(self, name: str, *, missing: str = "") -> date | None:
        """A day as YYYY-MM-DD."""
        value = self.text(name, missing=missing)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.errors[name] = f"{value} is not a day: write it as 2026-12-31."
            return None

    def amount(self, name: str, *, missing: str = "") -> Decimal | None:
        """An amount of money, zero or more: 1250.50, 1,250.50 and 1250,50 are the same; 1,250 is above a thousand."""
        value = self.text(name, missing=missing).replace(" ", "")
        if not value:
            return None
        is_grouped = "." in value or _GROUPED.fullmatch(value)
        try:
            amount = Decimal(value.replace(",", "" if is_grouped else "."))
        except InvalidOperation:
            amount = Decimal(-1)
        if not (amount.is_finite() and 0 <= amount <= LARGEST_AMOUNT):
            self.errors[name] = f"{value} is not an amount: write a number such as 1250.50."
            return None
        return amount

    def whole(self, name: str, *, least: int = 0, most: int = 1_000_000_000, missing: str = "") -> int | None:
        """A whole number between `least` and `most`."""
        value = self.text(name, missing=missing)
        if not value:
            return None
        number = int(value) if value.isascii() and value.lstrip("-").isdigit() and len(value) < 12 else least - 1
        if not least <= number <= most:
            self.errors[name] = f"{value} is not a whole number from {least:,} to {most:,}."
            return None
        return number

    def one_of(self, name: str, options: Collection[str], *, missing: str = "") -> str:
        """One of the words offered; empty when nothing was chosen and that is allowed."""
        value = self.text(name, missing=missing)
        if value and value not in options:
            self.errors[name] = f"{value} is not one of {', '.join(options)}."
        return value

    def finish(self) -> None:
        """Raises InvalidInput with every field's sentence, if there is one."""
        if self.errors:
            raise InvalidInput("Please look at the marked fields", self.errors)
