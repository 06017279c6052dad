"""Reading the history of imports, a file's rejects and remembered mappings."""

import csv
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.imports.guesses import header_digest
from abm.imports.models import ImportRun, SavedMapping
from core.errors import NotFound

SHOWN_REJECTS = 25
_LISTED = 100


def get_import(session: Session, import_id: int) -> ImportRun:
    """Raises NotFound."""
    run = session.get(ImportRun, import_id)
    if run is None:
        raise NotFound(f"There is no import {import_id}")
    return run


def list_imports(session: Session, *, limit: int = _LISTED) -> Sequence[ImportRun]:
    """The latest imports, newest first."""
    return session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(limit)).all()


def find_saved_mapping(
    session: Session, *, kind: str, header: Sequence[str], source: str = ""
) -> dict[str, Any] | None:
    """The mapping last used for a file of this kind from this source, else for one with this header."""
    own = select(SavedMapping.mapping).where(SavedMapping.kind == kind).order_by(SavedMapping.id.desc()).limit(1)
    found = session.scalar(own.where(SavedMapping.source == source)) if source else None
    by_header = own.where(SavedMapping.source == "", SavedMapping.header_digest == header_digest(header))
    return session.scalar(by_header) if found is None else found


def list_sources(session: Session) -> Sequence[str]:
    """The names of sources that a mapping is remembered for."""
    query = select(SavedMapping.source).where(SavedMapping.source != "").distinct()
    return session.scalars(query.order_by(SavedMapping.source).limit(_LISTED)).all()


def list_rejects(run: ImportRun) -> list[dict[str, Any]]:
    """The first refused rows: number, column, error and the row's own cells as one text."""
    path = Path(run.rejects_path)
    if not run.rejects_path or not path.is_file():
        return []
    csv.field_size_limit(1 << 20)
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        rows = csv.DictReader(file)
        return [
            {
                "row": row.pop("_row"),
                "column": row.pop("_column"),
                "error": row.pop("_error"),
                "cells": " · ".join(str(cell) for cell in row.values() if isinstance(cell, str) and cell)[:200],
            }
            for row in islice(rows, SHOWN_REJECTS)
        ]
