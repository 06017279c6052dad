"""Imports that are killed go on from where they were; imports can be cancelled."""

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from abm.cli import main
from abm.imports import checkpoints, jobs, staging
from abm.imports.actions import start_import, store_upload
from abm.imports.models import ImportRun
from abm.imports.previews import time_left, what_is_done
from abm.orders.models import Order
from core import clock, db
from core.jobs.registry import JOBS, JobQueue
from core.settings import ROOT, settings
from tests.abm.imports.test_merging import HEAD, orders, rollup_and_orders
from tests.conftest import TEST_SERVER
from tests.factories import make_account

ROWS = 600


@pytest.fixture
def file(database: Path) -> Path:
    with db.transaction() as session:
        for number in range(7):
            make_account(session, external_id=f"A{number}")
    path = database / "orders.csv"
    path.write_text(HEAD + orders(0, ROWS) + "O999,A1,2024-01-01,not a number,,\n")
    return path


def run_of(state: str) -> tuple[int, int, int]:
    """(id, merged_up_to, created) of the one import in that state."""
    with db.reading() as session:
        found = select(ImportRun.id, ImportRun.merged_up_to, ImportRun.created).where(ImportRun.state == state)
        return tuple(session.execute(found).one())


def count_orders() -> int:
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Order)) or 0


def kill_midway(arguments: list[str], *, after: int) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "ABM_DATABASE_URL": settings().database_url}
    if TEST_SERVER:
        environment["ABM_DATABASE_URL"] = os.environ["ABM_DATABASE_URL"]
    else:
        environment.pop("ABM_DATABASE_URL")
    with subprocess.Popen(
        [sys.executable, "-m", "tests.abm.imports.slow_import", *arguments], env=environment, cwd=ROOT,
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    ) as process:
        assert process.stderr
        for _ in range(after):
            while "slice" not in (line := process.stderr.readline()):
                assert line, "the import ended before it could be killed"
        process.send_signal(signal.SIGKILL)


def test_a_killed_command_goes_on_where_it_was(file: Path, capsys: pytest.CaptureFixture) -> None:
    kill_midway(["import", "orders", str(file)], after=4)
    there = count_orders()
    import_id, merged, created = run_of("running")
    assert there == created == merged
    assert 100 <= there < ROWS
    assert main(["import", "orders", str(file), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["created"], report["updated"], report["unchanged"], report["rejected"]) == (ROWS, 0, 0, 1)
    assert run_of("done")[0] == import_id
    assert count_orders() == ROWS
    kept, expected = rollup_and_orders()
    assert kept == expected


def test_work_that_was_done_is_not_done_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kill_midway(["import", "orders", str(file)], after=4)
    _, merged, _ = run_of("running")
    started: list[int] = []
    real = staging.Stage.slices
    monkeypatch.setattr(staging.Stage, "slices", lambda self, after=0: started.append(after) or real(self, after))
    main(["import", "orders", str(file)])
    assert started == [merged]


def test_a_file_that_changed_meanwhile_is_imported_from_its_start(file: Path, capsys: pytest.CaptureFixture) -> None:
    kill_midway(["import", "orders", str(file)], after=4)
    there = count_orders()
    file.write_text(HEAD + orders(0, ROWS + 1))
    assert main(["import", "orders", str(file), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["created"], report["unchanged"]) == (ROWS + 1 - there, there)


def test_rows_that_would_be_taken_otherwise_now_start_it_afresh(file: Path, capsys: pytest.CaptureFixture) -> None:
    file.write_text(HEAD + orders(0, 5) + "N1,NEW,2024-01-01,5,,\n" + orders(5, ROWS))
    kill_midway(["import", "orders", str(file)], after=4)
    with db.transaction() as session:
        make_account(session, external_id="NEW")
    assert main(["import", "orders", str(file), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["created"] + report["unchanged"] == ROWS + 1
    assert count_orders() == ROWS + 1


def uploaded(file: Path) -> int:
    with db.transaction() as session:
        with file.open("rb") as content:
            run = store_upload(session, kind="orders", file_name="orders.csv", content=content)
        header = HEAD.strip().split(",")
        return start_import(session, run=run, options={}, header=header, is_dry_run=False).id


@pytest.fixture
def waiting(file: Path, queue_server: str, monkeypatch: pytest.MonkeyPatch) -> int:
    for name in ("_SQLITE_SLICE", "_POSTGRES_SLICE"):
        monkeypatch.setattr(staging, name, 50)
    monkeypatch.setattr(jobs, "_SAY_EVERY", 0)
    return uploaded(file)


def test_the_sweep_takes_up_an_import_whose_worker_died(waiting: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.transaction() as session:
        session.execute(update(ImportRun).values(state="running", holder=jobs.socket.gethostname(),
                                                 seen_at=clock.now() - timedelta(seconds=20)))
    held = checkpoints.take_lock(waiting)
    jobs.sweep_imports()
    assert run_of("running")[0] == waiting
    assert held
    held.close()
    jobs.sweep_imports()
    assert run_of("waiting")[0] == waiting
    jobs.run_import(waiting)
    assert run_of("done")[2] == ROWS


def test_what_takes_up_a_killed_import_does_not_wait_behind_the_work_of_others() -> None:
    assert JOBS["imports.sweep"].queue == JobQueue.SWEEPS


def test_a_worker_that_is_asked_to_stop_leaves_the_rest_to_the_next(
    waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "stopping", lambda: count_orders() > 100)
    jobs.run_import(waiting)
    _, merged, created = run_of("waiting")
    assert 100 < merged == created < ROWS
    monkeypatch.setattr(jobs, "stopping", lambda: False)
    jobs.run_import(waiting)
    assert run_of("done")[2] == ROWS


def test_a_running_import_is_cancelled_at_its_next_slice(waiting: int, client_as, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    client = client_as("marketer")
    cancelled: list[int] = []

    def cancel_once() -> bool:
        if count_orders() > 100 and not cancelled:
            cancelled.append(client.post(f"/imports/{waiting}/cancel").status_code)
        return False

    monkeypatch.setattr(jobs, "stopping", cancel_once)
    jobs.run_import(waiting)
    assert cancelled == [302]
    assert 100 < run_of("cancelled")[2] == count_orders() < ROWS
    assert "Cancelled; the rows brought in before that stay" in client.get(f"/imports/{waiting}").text


def test_a_waiting_import_is_cancelled_by_command_and_one_that_is_over_is_not(
    waiting: int, capsys: pytest.CaptureFixture
) -> None:
    assert main(["imports", "cancel", str(waiting)]) == 0
    jobs.run_import(waiting)
    assert count_orders() == 0
    assert main(["imports", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["imports"][0]["state"] == "cancelled"
    assert main(["imports", "cancel", str(waiting)]) == 2


@pytest.mark.parametrize(
    ("progress", "seconds", "words"),
    [(10, 5, ""), (500, 300, "about 5 minutes left"), (900, 9, "a few seconds left"),
     (500, 40, "about 40 seconds left")],
)
def test_the_time_left_is_told_in_words(progress: int, seconds: int, words: str) -> None:
    now = clock.now()
    assert time_left(progress, now - timedelta(seconds=seconds), now) == words


@pytest.mark.parametrize(
    ("state", "progress", "merged", "words"),
    [("waiting", 0, 0, "waits for a worker"), ("waiting", 650, 3_000, "goes on behind the 3,000 rows"),
     ("running", 120, 0, "Step 1 of 2: reading and checking the rows."), ("running", 120, 3_000, "rows again"),
     ("running", 700, 4_000, "Step 2 of 2: bringing the rows in, 4,000 so far")],
)
def test_an_import_under_way_tells_what_it_does(state: str, progress: int, merged: int, words: str) -> None:
    assert words in what_is_done(state, progress, merged)


def test_the_page_of_an_import_tells_what_it_does(waiting: int, client_as) -> None:  # type: ignore[no-untyped-def]
    client = client_as("marketer")
    assert "It waits for a worker" in client.get(f"/imports/{waiting}/progress").text
    with db.transaction() as session:
        session.execute(update(ImportRun).values(state="running", progress=700, created=250, started_at=clock.now()))
    assert "bringing the rows in, 250 so far" in client.get(f"/imports/{waiting}/progress").text


def test_old_files_go_and_those_that_an_import_reads_stay(waiting: int) -> None:
    folder = settings().uploads_dir
    (folder / "old.upload").write_text("x")
    (folder / "new.upload").write_text("x")
    for path in folder.iterdir():
        if path.name != "new.upload":
            os.utime(path, (0, 0))
    jobs.forget_old_files()
    with db.reading() as session:
        needed = Path(session.get_one(ImportRun, waiting).stored_path)
    assert {path.name for path in folder.iterdir()} == {"new.upload", needed.name}
