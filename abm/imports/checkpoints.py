"""How far an import has come, noted in the transactions that bring its rows in: a killed one goes on from there.

A process that works on an import holds a lock on a file of the data folder; the lock goes with the process.
"""

import fcntl
import socket
from datetime import timedelta
from pathlib import Path
from typing import IO

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from abm.audit.actions import actor
from abm.imports.merging import Counts
from abm.imports.models import ImportRun
from abm.imports.staging import Stage
from core import clock, db
from core.settings import settings

_CONTINUED_WITHIN = timedelta(days=1)
_MARK_PRIME = 9_973


class Checkpoint:
    """One import's place. `import_id` 0: found by `source`, or made, once the file has been read."""

    def __init__(self, *, kind: str, file_name: str, import_id: int = 0, source: str = "") -> None:
        self.import_id = import_id
        self._kind = kind
        self._file_name = file_name[:255]
        self._source = source
        self._lock: IO[bytes] | None = take_lock(import_id) if import_id else None

    def begin(self, stage: Stage) -> tuple[int, Counts]:
        """The position up to which this very stage was merged before, and what became of those rows."""
        mark = _mark(stage)
        with db.transaction() as session:
            run = session.get(ImportRun, self.import_id) if self.import_id else self._find(session)
            if run is None:
                run = self._make(session)
            if run.stage_mark != mark:
                run.stage_mark, run.merged_up_to = mark, 0
                run.created = run.updated = run.unchanged = 0
            run.state, run.error, run.finished_at = "running", None, None
            run.seen_at, run.holder = clock.now(), socket.gethostname()
            session.flush()
            self.import_id = run.id
            found = run.merged_up_to, Counts(run.created, run.updated, run.unchanged)
        self._lock = self._lock or take_lock(self.import_id)
        return found

    def note(self, session: Session, *, position: int, counts: Counts) -> None:
        session.execute(
            update(ImportRun)
            .where(ImportRun.id == self.import_id)
            .values(
                merged_up_to=position,
                created=counts.created,
                updated=counts.updated,
                unchanged=counts.unchanged,
                seen_at=clock.now(),
            )
        )

    def close(self) -> None:
        if self._lock:
            self._lock.close()
            lock_path(self.import_id).unlink(missing_ok=True)

    def _find(self, session: Session) -> ImportRun | None:
        """The newest import of the kind, if it is of this source and its process ended before it was done."""
        newest = session.scalar(
            select(ImportRun)
            .where(ImportRun.kind == self._kind, ImportRun.is_dry_run.is_(False))
            .order_by(ImportRun.id.desc())
            .limit(1)
        )
        if newest is None or newest.state not in ("running", "failed") or newest.stage_mark == "":
            return None
        is_same = (newest.options or {}).get("source") == self._source
        is_fresh = newest.created_at > clock.now() - _CONTINUED_WITHIN
        if not (is_same and is_fresh) or is_held(newest.id):
            return None
        return newest

    def _make(self, session: Session) -> ImportRun:
        run = ImportRun(
            kind=self._kind,
            file_name=self._file_name,
            options={"source": self._source},
            state="running",
            started_by=actor().name,
            created_at=clock.now(),
            started_at=clock.now(),
        )
        session.add(run)
        return run


def _mark(stage: Stage) -> str:
    """The same for the same rows in the same order only."""
    rows = stage.rows.c
    with stage.preparing() as session:
        weighed = func.coalesce(func.sum(rows.row_number * (rows.position % _MARK_PRIME)), 0)
        count, total = session.execute(select(func.count(), weighed).select_from(stage.rows)).one()
    return f"{count}:{total}"


def lock_path(import_id: int) -> Path:
    return settings().data_dir / "imports" / f"{import_id}.lock"


def take_lock(import_id: int) -> IO[bytes] | None:
    """The lock, held until it is closed or the process ends; None when another process has it."""
    path = lock_path(import_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def is_held(import_id: int) -> bool:
    """Whether a process of this machine works on the import now."""
    if not lock_path(import_id).exists():
        return False
    taken = take_lock(import_id)
    if taken:
        taken.close()
    return taken is None
