"""Imports that were started in the browser, done by a worker."""

import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import update

from abm.audit.actions import Actor, act_as
from abm.imports.actions import JOB
from abm.imports.mapping import mapping_from
from abm.imports.models import ImportRun
from abm.imports.recording import write_report
from abm.imports.registry import find_importer
from abm.imports.running import Task, bring_in
from abm.imports.tables import ReadingOptions
from core import clock, db
from core.errors import Refused
from core.jobs import every, job, ring
from core.logs import logger
from core.settings import settings

_log = logger(__name__)
_SAY_EVERY = 0.5
_LOST_AFTER = timedelta(minutes=5)
_SWEEP_SECONDS = 10


@job(JOB)
def run_import(import_id: int) -> None:
    """Bring one uploaded file in. Rung twice, it runs once; what ends it is kept on its row."""
    run = _claim(import_id)
    if run is None:
        return
    act_as(Actor(run.started_by or "system"))
    try:
        report = bring_in(_task(run), _progress(import_id))
    except Refused as error:
        _end(import_id, "refused", str(error).replace(Path(run.stored_path).name, run.file_name))
        return
    except Exception:  # whatever it was, the person who waits must see that it ended; the log has the cause
        _end(
            import_id,
            "failed",
            "The import stopped on an error of ours; the log has the details. Import the file again",
        )
        raise
    with db.transaction() as session:
        kept = session.get_one(ImportRun, import_id)
        write_report(session, kept, report)


def _claim(import_id: int) -> ImportRun | None:
    now = clock.now()
    with db.transaction() as session:
        taken = session.connection().execute(
            update(ImportRun)
            .where(ImportRun.id == import_id, ImportRun.state == "waiting")
            .values(state="running", started_at=now, seen_at=now)
        )
        return session.get(ImportRun, import_id) if taken.rowcount else None


def _task(run: ImportRun) -> Task:
    options = run.options or {}
    layout = find_importer(run.kind).layout
    return Task(
        kind=run.kind,
        path=Path(run.stored_path),
        name=run.file_name,
        is_dry_run=run.is_dry_run,
        mapping=mapping_from(options.get("mapping", {}), layout),
        rejects=settings().uploads_dir / f"rejects-{run.id}.csv",
        options=ReadingOptions(*(str(options.get(name, "")) for name in ("encoding", "delimiter", "sheet"))),
    )


def _progress(import_id: int) -> Callable[[int, int], None]:
    said = [time.monotonic()]

    def say(done: int, _total: int) -> None:
        if time.monotonic() - said[0] < _SAY_EVERY:
            return
        said[0] = time.monotonic()
        with db.transaction() as session:
            session.execute(
                update(ImportRun).where(ImportRun.id == import_id).values(progress=done, seen_at=clock.now())
            )

    return say


def _end(import_id: int, state: str, error: str) -> None:
    _log.warning("import ended", import_id=import_id, state=state)
    with db.transaction() as session:
        session.execute(
            update(ImportRun).where(ImportRun.id == import_id).values(state=state, error=error, finished_at=clock.now())
        )


@job("imports.sweep")
def sweep_imports() -> None:
    """Ring again for imports that nobody has taken, and for those whose worker has died: repeating one is harmless."""
    with db.transaction() as session:
        session.execute(
            update(ImportRun)
            .where(ImportRun.state == "running", ImportRun.seen_at < clock.now() - _LOST_AFTER)
            .values(state="waiting")
        )
        waiting = [run.id for run in session.query(ImportRun).filter(ImportRun.state == "waiting")]
    for import_id in waiting:
        ring(JOB, import_id=import_id)


every(_SWEEP_SECONDS, "imports.sweep")
