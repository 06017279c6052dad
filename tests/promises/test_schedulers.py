"""Several schedulers, started together and repeating themselves, do each slot's work once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from abm.installation import scheduler
from core import db
from core.jobs import Tick, periodic_jobs
from core.jobs.registry import Periodic

START = datetime(2026, 3, 11, 12, tzinfo=UTC)
SCHEDULERS, SLOTS = 5, 1_000


@pytest.fixture
def rung(database: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was rung, in place of a queue."""
    names: list[str] = []
    monkeypatch.setattr(scheduler, "ring", names.append)
    db.engine()  # made before threads could each make one
    return names


def test_five_schedulers_run_a_thousand_slots_a_thousand_times(rung: list[str], at: Any,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the five asks twice for every slot, the second time as one that was started anew."""
    at(START)
    jobs = tuple(Periodic(f"job-{number}", 60) for number in range(SLOTS))
    monkeypatch.setattr(scheduler, "periodic_jobs", lambda: jobs)
    with ThreadPoolExecutor(SCHEDULERS) as pool:
        list(pool.map(lambda _number: [scheduler.tick({}) for _ in range(2)], range(SCHEDULERS)))
    with db.reading() as session:
        ticks = session.scalar(select(func.count()).select_from(Tick))
    assert (len(rung), len(set(rung)), ticks) == (SLOTS, SLOTS, SLOTS)


def test_a_clock_that_jumps_back_waits_and_repeats_nothing(rung: list[str], at: Any) -> None:
    own: dict[str, int] = {}
    for seconds in (0, 5, 10, -3_600, -3_595, -30, 3, 8):
        at(START + timedelta(seconds=seconds))
        scheduler.tick(own if seconds != -30 else {})
    with db.reading() as session:
        ticks = session.scalar(select(func.count()).select_from(Tick))
    assert len(rung) == ticks
    assert max(Counter(rung).values()) <= 6


def test_a_clock_that_jumps_ahead_does_each_job_once_and_not_once_per_missed_slot(rung: list[str], at: Any) -> None:
    at(START)
    scheduler.tick(own := {})
    rung.clear()
    at(START + timedelta(days=1))
    scheduler.tick(own)
    assert max(Counter(rung).values()) == 1
    assert set(rung) <= {job.job_name for job in periodic_jobs()}
