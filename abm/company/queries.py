"""Reading the company's settings."""

from dataclasses import fields
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.company.models import CompanySetting
from abm.company.policy import Company
from core import clock
from core.settings import settings

_TIMES = {"working_from", "working_to"}
_TUPLES = {"working_days"}


def get_company(session: Session) -> Company:
    """The company's settings: what was set in the browser, else the environment, else the default. A session that only
    reads asks once."""
    if not session.info.get("only_reads"):
        return _read_company(session)
    if "company" not in session.info:
        session.info["company"] = _read_company(session)
    found: Company = session.info["company"]
    return found


def _read_company(session: Session) -> Company:
    env = settings()
    values: dict[str, Any] = {"timezone": env.timezone, "currency": env.currency, "country": env.country}
    known = {item.name for item in fields(Company)}
    for name, content in session.execute(_SETTINGS):
        if name in known:
            values[name] = _typed(name, content["value"])
    return Company(**values)


_SETTINGS = select(CompanySetting.name, CompanySetting.content)


def company_today(session: Session) -> date:
    """The present day where the company is: what due dates and validities are compared with."""
    return company_now(session).date()


def company_now(session: Session) -> datetime:
    """The present moment on the company's own clock."""
    return clock.now().astimezone(ZoneInfo(get_company(session).timezone))


def _typed(name: str, value: Any) -> Any:
    if name in _TIMES:
        return time.fromisoformat(value)
    return tuple(value) if name in _TUPLES else value
