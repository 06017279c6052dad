"""Imports that were started in the browser, done by a worker."""

import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from abm.audit.actions import Actor, act_as
from abm.imports.actions import JOB
from abm.imports.checkpoints import Checkpoint, is_held
from abm.imports.mapping import mapping_from
from abm.imports.models import ImportRun
from abm.imports.recording import write_report
from abm.imports.registry import find_importer
from abm.imports.running import Task, bring_in
from abm.imports.stored_files import drop_old_files
from abm.imports.tables import stored_options
from core import clock, db
from core.errors import Refused
from core.jobs import JobQueue, every, job, ring, stopping
from core.logs import logger
from core.settings import settings

_log = logger(__name__)
_SAY_EVERY = 0.5
_LOST_AFTER = timedelta(minutes=5)
_QUIET = timedelta(seconds=15)
_SWEEP_SECONDS = 10
_DROP_SECONDS = 6 * 3600


class ImportEnded(Exception):
    """Somebody cancelled the import, or the worker was asked to stop: the rows merged so far stay."""

    def __init__(self, state: str, sentence: str) -> None:
        super().__init__(sentence)
        self.state = state


@job(JOB)
def run_import(import_id: int) -> None:
    """Bring one uploaded file in. Rung twice, it runs once; what ends it is kept on its row."""
    run = _claim(import_id)
    if run is None:
        return
    act_as(Actor(run.started_by or "system"))
    task = _task(run)
    try:
        report = bring_in(task, _progress(import_id))
    except ImportEnded as ended:
        _end(import_id, ended.state, str(ended))
        return
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
    finally:
        if task.place:
            task.place.close()
    with db.transaction() as session:
        kept = session.get_one(ImportRun, import_id)
        write_report(session, kept, report)


def _claim(import_id: int) -> ImportRun | None:
    now = clock.now()
    with db.transaction() as session:
        taken = session.connection().execute(
            update(ImportRun)
            .where(ImportRun.id == import_id, ImportRun.state == "waiting")
            .values(state="running", started_at=now, seen_at=now, holder=socket.gethostname())
        )
        return session.get(ImportRun, import_id) if taken.rowcount else None


def _task(run: ImportRun) -> Task:
    options = run.options or {}
    layout = find_importer(run.kind).layout
    return Task(
        kind=run.kind,
        path=Path(run.stored_path),
        place=None if run.is_dry_run else Checkpoint(kind=run.kind, file_name=run.file_name, import_id=run.id),
        name=run.file_name,
        is_dry_run=run.is_dry_run,
        mapping=mapping_from(options.get("mapping", {}), layout),
        rejects=settings().uploads_dir / f"rejects-{run.id}.csv",
        options=stored_options(options),
    )


def _progress(import_id: int) -> Callable[[int, int], None]:
    said = [time.monotonic()]

    def say(done: int, _total: int) -> None:
        if time.monotonic() - said[0] < _SAY_EVERY:
            return
        said[0] = time.monotonic()
        with db.transaction() as session:
            wants_cancel = session.scalar(
                update(ImportRun)
                .where(ImportRun.id == import_id)
                .values(progress=done, seen_at=clock.now())
                .returning(ImportRun.wants_cancel)
            )
        if wants_cancel:
            raise ImportEnded("cancelled", "Cancelled; the rows brought in before that stay, the rest was left out")
        if stopping():
            raise ImportEnded("waiting", "")

    return say


def _end(import_id: int, state: str, error: str) -> None:
    _log.warning("import ended", import_id=import_id, state=state)
    with db.transaction() as session:
        session.execute(
            update(ImportRun)
            .where(ImportRun.id == import_id)
            .values(state=state, error=error or None, finished_at=None if state == "waiting" else clock.now())
        )


def _is_lost(run: ImportRun) -> bool:
    """Whether nobody works on it any more: long silent, or its machine is this one and its lock is free."""
    silent = clock.now() - (run.seen_at or run.created_at)
    is_here = run.holder == socket.gethostname()
    return silent > _LOST_AFTER or (is_here and silent > _QUIET and not is_held(run.id))


def _give_back(run: ImportRun) -> None:
    if run.stored_path:
        run.state = "waiting"
        return
    run.state, run.finished_at = "failed", clock.now()
    run.error = "The command was ended before it was done; give it again within a day and it goes on from there"


def _give_back_lost() -> list[int]:
    with db.transaction() as session:
        lost = [run for run in session.scalars(select(ImportRun).where(ImportRun.state == "running")) if _is_lost(run)]
        for run in lost:
            _give_back(run)
        return [run.id for run in lost if run.state == "waiting"]


@job("imports.sweep", queue=JobQueue.SWEEPS)
def sweep_imports() -> None:
    """Ring again for imports that nobody has taken, and for those whose worker has died: repeating one is harmless."""
    with db.reading() as session:
        lost = any(_is_lost(run) for run in session.scalars(select(ImportRun).where(ImportRun.state == "running")))
        waiting = session.scalars(select(ImportRun.id).where(ImportRun.state == "waiting")).all()
    if lost:
        waiting = [*waiting, *_give_back_lost()]
    for import_id in waiting:
        ring(JOB, import_id=import_id)


@job("imports.drop_old_files")
def forget_old_files() -> None:
    with db.reading() as session:
        dropped = drop_old_files(session)
    if dropped:
        _log.info("old uploads removed", files=dropped)


every(_SWEEP_SECONDS, "imports.sweep")
every(_DROP_SECONDS, "imports.drop_old_files")
