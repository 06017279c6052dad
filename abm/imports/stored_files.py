"""Files that were uploaded or pulled: they hold people's addresses, so none is kept longer than it is of use."""

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.imports.models import ImportRun
from core import clock
from core.settings import settings

KEPT = timedelta(days=30)


def _is_needed(session: Session, path: Path) -> bool:
    readers = select(ImportRun.id).where(ImportRun.state.in_(("waiting", "running")))
    return session.scalar(readers.where(ImportRun.stored_path == str(path)).limit(1)) is not None


def drop_file(session: Session, path: Path) -> None:
    """Remove a file of ours, unless an import that is under way reads it."""
    if path.is_file() and not _is_needed(session, path):
        path.unlink()


def drop_old_files(session: Session) -> int:
    """Remove uploads, pulled rows and refused rows of more than 30 days ago; how many."""
    folder, until, dropped = settings().uploads_dir, clock.now() - KEPT, 0
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        written = datetime.fromtimestamp(path.stat().st_mtime, until.tzinfo)
        if path.is_file() and written < until and not _is_needed(session, path):
            path.unlink()
            dropped += 1
    return dropped
