"""Whole columns of text -> columns of stored values. Working by column, with caches, is what makes imports quick."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from abm.imports.layout import Field, Layout
from abm.imports.mapping import Plan, Source
from abm.imports.tables import RawBatch, Refusal
from abm.imports.values import BadValue, parse_amount, parse_number, plain_amounts, writes_decimal_comma
from abm.web.spreadsheets import without_mark

# The company's name in a file of people, by which their account may be found; it is not stored.
COMPANY = "company_name"
_MOST_CACHED = 20_000
_UNSTORABLE = "contains a character that cannot be stored (NUL, or a byte foreign to the file's encoding)"


@dataclass
class Batch:
    """Rows under way: columns of equal length in stored form (None: empty), and what is wrong, by position."""

    raw: RawBatch
    columns: dict[str, list[Any]]
    custom: list[dict[str, str | None]] = field(default_factory=list)
    errors: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def refuse(self, index: int, column: str, error: str) -> None:
        """Turn a row down; `column` is canonical, `error` one sentence. A row keeps every reason that was found."""
        self.errors.setdefault(index, []).append((column, error))

    def drop_refused(self, header: Sequence[str], plan: Plan) -> list[Refusal]:
        """Take the refused rows out of every column; returns them as they were in the file."""
        if not self.errors:
            return []
        refused = [
            Refusal(
                self.raw.numbers[index],
                self.raw.rows[index],
                _in_file(found[0][0], header, plan),
                "; ".join(error for _, error in found),
            )
            for index, found in sorted(self.errors.items())
        ]
        kept = [index for index in range(len(self.raw.rows)) if index not in self.errors]
        self.raw = RawBatch([self.raw.numbers[index] for index in kept], [self.raw.rows[index] for index in kept])
        self.columns = {name: [values[index] for index in kept] for name, values in self.columns.items()}
        self.custom = [self.custom[index] for index in kept] if self.custom else []
        self.errors = {}
        return refused


def _in_file(column: str, header: Sequence[str], plan: Plan) -> str:
    source = plan.sources.get(column)
    return header[source.index] if source and 0 <= source.index < len(header) else column


class ColumnReader:
    """Turns raw batches of one file into values; remembers what it has parsed and how numbers are written."""

    def __init__(self, layout: Layout, plan: Plan, width: int, *, semicolons: bool) -> None:
        self._layout = layout
        self._plan = plan
        self._width = width
        self._semicolons = semicolons
        self._caches: dict[str, dict[str, Any]] = {name: {} for name in plan.sources}
        self._decimal_comma: dict[str, bool] = {}

    def read(self, raw: RawBatch) -> Batch:
        """Values of every planned column. Refused: rows with a wrong number of cells or without a required value."""
        batch = Batch(raw, {})
        cells = self._rectangle(batch)
        for name, source in self._plan.sources.items():
            texts = self._texts(source, cells, len(raw.rows))
            batch.columns[name] = self._column(self._layout.field(name), source, texts, batch)
        self._read_custom(cells, batch)
        if self._plan.match is not None and self._plan.match >= 0:
            batch.columns[COMPANY] = text_column(Field(COMPANY, limit=300), cells[self._plan.match], batch)
        self._require(batch)
        return batch

    def _rectangle(self, batch: Batch) -> list[tuple[str, ...]]:
        """The cells by column; rows that are too long or too short are refused."""
        rows, width = batch.raw.rows, self._width
        if rows and set(map(len, rows)) != {width}:
            rows = [row if len(row) == width else self._fitted(index, row, batch) for index, row in enumerate(rows)]
        return list(zip(*rows, strict=True)) or [()] * width

    def _fitted(self, index: int, row: list[str], batch: Batch) -> list[str]:
        if len(row) < self._width or any(cell.strip() for cell in row[self._width :]):
            batch.refuse(index, "", f"the row has {len(row)} cells, the header {self._width}")
        return (row + [""] * self._width)[: self._width]

    def _texts(self, source: Source, cells: list[tuple[str, ...]], count: int) -> Sequence[str]:
        if source.index < 0:
            return [source.constant] * count
        if source.parts == 1:
            return cells[source.index]
        return [_part(text, source.part, source.parts) for text in cells[source.index]]

    def _column(self, wanted: Field, source: Source, texts: Sequence[str], batch: Batch) -> list[Any]:
        if wanted.parse is None:
            return text_column(wanted, texts, batch)
        parse = wanted.parse
        if wanted.is_number:
            if wanted.name not in self._decimal_comma:
                self._decimal_comma[wanted.name] = writes_decimal_comma(list(texts), self._semicolons)
            comma = self._decimal_comma[wanted.name]
            if wanted.parse is parse_amount and not (comma or source.factor):
                amounts = plain_amounts(texts)
                if amounts is not None:
                    return amounts
            parse = (
                partial(_multiplied, parse, source.factor, comma)
                if source.factor
                else partial(parse, comma_is_decimal=comma)
            )
        return _parsed(wanted.name, parse, texts, self._caches[wanted.name], batch)

    def _read_custom(self, cells: list[tuple[str, ...]], batch: Batch) -> None:
        if not self._plan.custom:
            return
        columns = {
            name: text_column(Field(name, limit=2_000), cells[index], batch)
            for name, index in self._plan.custom.items()
        }
        rows = (zip(columns, values, strict=True) for values in zip(*columns.values(), strict=True))
        batch.custom = [{name: value for name, value in row if value is not None or self._plan.empty_clears}
                        for row in rows]

    def _require(self, batch: Batch) -> None:
        for name in self._layout.required:
            if name == "account_id" and self._plan.match is not None:
                continue
            values = batch.columns[name]
            if None in values:
                for index, value in enumerate(values):
                    if value is None and index not in batch.errors:
                        batch.refuse(index, name, f"{name} is empty")
        if self._layout.one_of:
            self._require_one_of(batch)

    def _require_one_of(self, batch: Batch) -> None:
        sets = [
            [batch.columns[name] for name in names]
            for names in self._layout.one_of
            if all(name in batch.columns for name in names)
        ]
        for index in range(len(batch.raw.rows)):
            if index not in batch.errors and not any(
                all(column[index] is not None for column in each) for each in sets
            ):
                words = " or ".join(" and ".join(names) for names in self._layout.one_of)
                batch.refuse(index, self._layout.one_of[0][0], f"{words} must be given")


def _part(text: str, part: int, parts: int) -> str:
    pieces = text.split(maxsplit=parts - 1)
    return pieces[part] if part < len(pieces) else ""


def text_column(wanted: Field, texts: Sequence[str], batch: Batch) -> list[str | None]:
    """Trimmed texts without the mark that exports put before what a spreadsheet would run; empty becomes None."""
    values: list[str | None] = [text.strip() or None for text in texts]
    joined = "\n".join(filter(None, values))
    if "\n'" in joined or joined.startswith("'"):
        values = [without_mark(value) if value else None for value in values]
    if "\0" in joined or not _encodable(joined):
        for index, value in enumerate(values):
            if value and ("\0" in value or not _encodable(value)):
                batch.refuse(index, wanted.name, _UNSTORABLE)
                values[index] = None
    if len(joined) > wanted.limit:
        for index, value in enumerate(values):
            if value and len(value) > wanted.limit:
                batch.refuse(
                    index, wanted.name, f"{wanted.name} has {len(value):,} characters, at most {wanted.limit} are kept"
                )
                values[index] = None
    return values


def _encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parsed(name: str, parse: Any, texts: Sequence[str], cache: dict[str, Any], batch: Batch) -> list[Any]:
    try:
        return list(map(cache.__getitem__, texts))
    except KeyError:
        pass
    values: list[Any] = []
    known = cache.get
    for index, text in enumerate(texts):
        value = known(text, parse)
        if value is parse:
            value = _one(name, parse, text, index, batch)
            if len(cache) < _MOST_CACHED and index not in batch.errors:
                cache[text] = value
        values.append(value)
    return values


def _one(name: str, parse: Any, text: str, index: int, batch: Batch) -> Any:
    bare = text.strip()
    if not bare:
        return None
    try:
        return parse(bare)
    except BadValue as error:
        batch.refuse(index, name, str(error))
        return None


def _multiplied(parse: Any, factor: Decimal, comma_is_decimal: bool, text: str) -> Any:
    """The number times the mapping's factor, in the form that `parse` would have given."""
    product = parse_number(text, comma_is_decimal=comma_is_decimal) * factor
    return parse(f"{product:f}", comma_is_decimal=False)
