"""What the gate decided, with all that each decision came from."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class GateRecord(Base):
    """The decisions about one batch. `terms` held for all of them; `decisions` is packed by `campaigns.gate_log`."""

    __tablename__ = "gate_record"
    __table_args__ = (Index("ix_gate_record_run", "run_id", "at"), Index("ix_gate_record_at", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(Id)
    batch_id: Mapped[int] = mapped_column(Id)
    at: Mapped[datetime]
    count: Mapped[int]
    terms: Mapped[dict[str, Any]]
    decisions: Mapped[bytes] = mapped_column(LargeBinary)
