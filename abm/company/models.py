"""Settings that people change in the browser."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base


class CompanySetting(Base):
    """One setting of the company; the value is JSON under the key `value`."""

    __tablename__ = "company_setting"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    content: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
