"""Imports, with progress and report."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class ImportRun(Base):
    """One file brought in, or tried in a dry run. A draft is a file that waits for its mapping.

    `progress` is in thousandths; `seen_at` is when the working process last said so, on the machine `holder`. The rows
    of the stage that `stage_mark` tells are merged up to the position `merged_up_to`.
    """

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint("state IN ('draft','waiting','running','done','refused','failed','cancelled')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    file_name: Mapped[str] = mapped_column(String(255))
    stored_path: Mapped[str] = mapped_column(String(500), default="")
    options: Mapped[dict[str, Any] | None]
    is_dry_run: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    progress: Mapped[int] = mapped_column(default=0)
    seen_at: Mapped[datetime | None]
    holder: Mapped[str] = mapped_column(String(255), default="", server_default="")
    merged_up_to: Mapped[int] = mapped_column(default=0, server_default="0")
    stage_mark: Mapped[str] = mapped_column(String(60), default="", server_default="")
    wants_cancel: Mapped[bool] = mapped_column(default=False, server_default=false())
    rows_read: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    rejects_path: Mapped[str] = mapped_column(String(500), default="")
    warnings: Mapped[list[Any] | None]
    error: Mapped[str | None] = mapped_column(Text)
    started_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class SavedMapping(Base):
    """A mapping remembered per kind and header, proposed when a file with the same header comes again; and per `source`
    (the name of where files come from, "" for the one by header), proposed whatever the header is then."""

    __tablename__ = "saved_mapping"
    __table_args__ = (UniqueConstraint("kind", "source", "header_digest"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(100), default="", server_default="")
    header_digest: Mapped[str] = mapped_column(String(64))
    mapping: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]
