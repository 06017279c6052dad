"""Our ids for the source system's ids, looked up once per new one and in bounded memory."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

_MOST_KEPT = 200_000
_AT_ONCE = 10_000


class Lookup:
    """From the values of one column to another column's, such as external_id to id.

    `also` selects further (value, result) pairs, such as the ids of records that were merged; what is asked for is
    compared with its first column."""

    def __init__(self, outside: InstrumentedAttribute[Any], inside: InstrumentedAttribute[Any],
                 also: Select[Any, Any] | None = None) -> None:
        self._outside = outside
        self._inside = inside
        self._also = also
        self._known: dict[str, Any] = {}

    def find(self, session: Session, wanted: Iterable[str | None]) -> dict[str, Any]:
        """Every known one of `wanted` with its value; what is not there is not known."""
        asked = {value for value in wanted if value is not None}
        if len(self._known) + len(asked) > _MOST_KEPT:
            self._known = {}
        missing = iter(asked - self._known.keys())
        while some := list(islice(missing, _AT_ONCE)):
            found = session.execute(select(self._outside, self._inside).where(self._outside.in_(some)))
            self._known.update(found.all())
            if self._also is not None:
                value = self._also.selected_columns[0]
                for outside, inside in session.execute(self._also.where(value.in_(some))):
                    self._known.setdefault(outside, inside)
        return self._known
