"""Reading sources."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.imports.models import ImportRun
from abm.integrations.models import Source
from core.errors import NotFound


def get_source(session: Session, source_id: int) -> Source:
    """Raises NotFound."""
    found = session.get(Source, source_id)
    if found is None:
        raise NotFound(f"There is no source {source_id}")
    return found


def get_source_by_name(session: Session, name: str) -> Source:
    """Raises NotFound."""
    found = session.scalar(select(Source).where(Source.name == name))
    if found is None:
        names = ", ".join(session.scalars(select(Source.name).order_by(Source.name))) or "none yet"
        raise NotFound(f"There is no source called {name}; there are: {names}")
    return found


def list_sources(session: Session) -> Sequence[tuple[Source, ImportRun | None]]:
    """Every source with its last import."""
    found = select(Source, ImportRun).outerjoin(ImportRun, ImportRun.id == Source.import_id).order_by(Source.name)
    return [(source, run) for source, run in session.execute(found)]


def list_due(session: Session, now: datetime) -> Sequence[int]:
    return session.scalars(select(Source.id).where(Source.next_at <= now).order_by(Source.next_at)).all()
