"""Days of moments, counted by the database."""

from typing import Any

from sqlalchemy import ColumnElement, Date, Integer, cast, func, literal
from sqlalchemy.orm import Session

from core.db import is_postgres


def day_of_moment(session: Session, moment: Any, *, plus: int = 0) -> ColumnElement[Any]:
    """The moment's (UTC) day, so many days on."""
    if is_postgres(session):
        return cast(func.timezone("UTC", moment), Date) + cast(literal(plus), Integer)
    return func.date(moment, f"+{plus} days")
