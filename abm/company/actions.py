"""Changing the company's settings."""

from dataclasses import fields
from typing import Any

from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.company.models import CompanySetting
from abm.company.policy import Company
from core import clock
from core.errors import NotFound


def set_company_value(session: Session, *, name: str, value: Any) -> None:
    """Store one setting (JSON value; times as HH:MM). Raises NotFound for a name that does not exist."""
    if name not in {item.name for item in fields(Company)}:
        raise NotFound(f"There is no company setting called {name}")
    row = session.get(CompanySetting, name)
    before = row.content["value"] if row else None
    if row is None:
        row = CompanySetting(name=name)
        session.add(row)
    row.content, row.updated_at = {"value": value}, clock.now()
    record(session, action="company.set", subject="setting", subject_id=name, before={"value": before},
           after={"value": value})
