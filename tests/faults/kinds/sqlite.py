"""F11 and F12: eight processes write at once to one SQLite file; somebody reads for minutes while others write."""

import os
import threading
import time
from pathlib import Path

from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import OperationalError

from abm.audit.models import AuditEntry
from core import clock, db, long_readers
from core.settings import settings
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene

WRITERS = 8
# Something that the database works at for many minutes.
_FOR_EVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000000000) SELECT count(*) FROM n"


def _write(actor: str, words: str = "") -> None:
    with db.transaction() as session:
        session.execute(insert(AuditEntry).values(at=clock.now(), actor=actor, action="write", subject=words[:40],
                                                  subject_id=words[:120]))


def _write_for(seconds: float, number: int, told: Path) -> None:
    """Single-row transactions; how many, how many were refused, the 99th percentile and the longest wait."""
    written = refused = 0
    waits, ends_at = list[float](), time.monotonic() + seconds
    while (began := time.monotonic()) < ends_at:
        try:
            _write(f"writer {number}")
            written += 1
        except OperationalError:
            refused += 1
        waits.append(time.monotonic() - began)
    waits.sort()
    told.write_text(f"{written} {refused} {waits[len(waits) * 99 // 100]} {waits[-1]}")


@fault("F11", "eight processes write at once, a row at a time", rounds=4, messages=0, long=Plan(30, 0))
def many_writers(scene: Scene, plan: Plan) -> Verdict:
    """`rounds`: seconds. Nobody is told that the database is locked, and nothing written is lost."""
    reports = [scene.folder / f"writer-{number}" for number in range(WRITERS)]
    seconds = float(plan.rounds)
    started = [scene.fork(lambda number=number, told=told: _write_for(seconds, number, told))
               for number, told in enumerate(reports)]
    for one in started:
        one.wait(seconds + 60)
    told = [report.read_text().split() for report in reports]
    written, refused = [int(one[0]) for one in told], sum(int(one[1]) for one in told)
    with db.reading() as session:
        kept = session.scalar(select(func.count()).select_from(AuditEntry)) or 0
    verdict = Verdict(sum(written), lost=sum(written) - kept)
    if refused or min(written) == 0:
        verdict.broken.append(f"{refused} transactions refused as locked; by writer: {written}")
    p99, longest = (max(float(one[which]) for one in told) for which in (2, 3))
    verdict.notes.append(f"{sum(written) / seconds:.0f} transactions/s, most to least by writer "
                         f"{max(written) / max(1, min(written)):.2f}, wait of the slowest p99 {p99 * 1000:.0f} ms, "
                         f"longest {longest:.2f} s")
    return verdict


@fault("F12", "somebody reads for minutes while others write to SQLite", rounds=1, messages=0, needs=("sqlite",))
def long_reader(scene: Scene, plan: Plan) -> Verdict:
    """The log is bounded (here to 4 MB, after a second): the reader is cut, and the log is folded back."""
    verdict, bound = Verdict(), 4 * 2**20
    before = (long_readers.MOST_SECONDS, long_readers.MOST_LOG_BYTES)
    long_readers.MOST_SECONDS, long_readers.MOST_LOG_BYTES = 1.0, bound
    try:
        for _ in range(plan.rounds):
            verdict.broken += _read_while_others_write(bound, verdict)
    finally:
        long_readers.MOST_SECONDS, long_readers.MOST_LOG_BYTES = before
    return verdict


def _read_while_others_write(bound: int, verdict: Verdict) -> list[str]:
    cut = threading.Event()
    reader = threading.Thread(target=_read_until_cut, args=(cut,), daemon=True)
    reader.start()
    log, largest, began = _log_path(), 0, time.monotonic()
    harmful = 0  # its size when it began to be too large for too long
    while not cut.is_set() and time.monotonic() < began + 60:
        _write("writer", "x" * 120)
        largest = max(largest, os.stat(log).st_size)
        if not harmful and largest > bound and time.monotonic() > began + long_readers.MOST_SECONDS:
            harmful = largest
    if not cut.is_set():
        return [f"the reader was not cut; the log has {largest / 2**20:.0f} MB"]
    reader.join()
    verdict.notes.append(f"log at most {largest / 2**20:.1f} MB")
    found = [f"the log grew to {largest / 2**20:.0f} MB"] if largest > 3 * max(bound, harmful) else []
    with db.engine().connect() as opened:
        opened.exec_driver_sql("COMMIT")
        busy, frames, folded = opened.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").one()
        opened.exec_driver_sql("BEGIN")
    return found + ([f"{frames - folded} pages could not be folded back"] if busy or frames != folded else [])


def _read_until_cut(cut: threading.Event) -> None:
    try:
        with db.reading() as session:
            session.scalar(text("SELECT count(*) FROM audit_entry"))
            session.scalar(text(_FOR_EVER))
    except OperationalError:
        cut.set()


def _log_path() -> str:
    return settings().database_url.removeprefix("sqlite:///") + "-wal"
