import os
import sys
import threading
import time

import pytest

from core import clock, db
from core.errors import Refused
from core.jobs import JobQueue, claim_tick, every, job, perform, periodic_jobs, queue, registry, ring, waiting_jobs
from core.jobs.parent import die_with_parent
from core.jobs.queue import job_prefix, rq_queue
from core.jobs.worker import work

SEEN: list[int] = []


@job("test.note")
def note(number: int) -> None:
    SEEN.append(number)


@job("test.hang", queue=JobQueue.SWEEPS)
def hang() -> None:
    time.sleep(60)


def test_a_name_that_is_not_ours_is_refused():
    with pytest.raises(Refused):
        perform("os.system", {"command": "true"})


def test_ringing_twice_keeps_one_waiting_job(queue_server):
    assert ring("test.note", number=1)
    ring("test.note", number=1)
    assert waiting_jobs(job_prefix("test.note", number=1), JobQueue.GENERAL) == 1


def test_jobs_about_different_things_wait_side_by_side(queue_server):
    ring("test.note", number=1)
    ring("test.note", number=11)
    assert waiting_jobs("test_note-", JobQueue.GENERAL) == 2


def test_ringing_without_a_queue_server_says_no_and_harms_nothing(data_dir, monkeypatch):
    from core.jobs.queue import connection
    from core.settings import settings

    monkeypatch.setenv("ABM_REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    connection.cache_clear()
    assert ring("test.note", number=1) is False


def test_a_foreign_function_in_the_queue_is_never_called(queue_server, tmp_path):
    canary = tmp_path / "canary"
    foreign = rq_queue(JobQueue.GENERAL).enqueue_call("pathlib.Path.touch", args=(str(canary),))
    work(JobQueue.GENERAL, burst=True)
    assert not canary.exists()
    assert foreign.get_status(refresh=True) == "failed"


def test_a_pickled_job_in_the_queue_is_never_loaded(queue_server, tmp_path):
    import os
    import pickle

    from core.jobs import connection

    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(canary),)

    raw = rq_queue(JobQueue.GENERAL).enqueue_call("core.jobs.registry.perform", args=("test.note", {"number": 1}))
    connection().hset(raw.key, "data", pickle.dumps(Evil()))
    work(JobQueue.GENERAL, burst=True)
    assert not canary.exists()


def test_one_of_five_schedulers_gets_each_slot(database):
    taken: list[int] = []
    db.engine()

    def schedule() -> None:
        for slot in range(20):
            with db.transaction() as session:
                if claim_tick(session, name="sweep", slot=slot):
                    taken.append(slot)

    threads = [threading.Thread(target=schedule) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(20))


def test_work_that_waits_for_the_commit_is_forgotten_with_a_rollback(database):
    called: list[str] = []

    def fail_midway() -> None:
        with db.transaction() as session:
            db.after_commit(session, lambda: called.append("too early"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()
    with db.transaction() as session:
        db.after_commit(session, lambda: called.append("in time"))
        assert called == []
    assert called == ["in time"]


def test_a_module_that_is_imported_again_does_not_double_the_rhythm_of_its_jobs(monkeypatch):
    monkeypatch.setattr(registry, "_PERIODIC", {})
    every(60, "test.note")
    every(60, "test.note")
    assert [periodic.job_name for periodic in periodic_jobs()] == ["test.note"]


def test_the_lease_clock_never_goes_back(session):
    first = clock.lease_now(session)
    assert clock.lease_now(session) >= first


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel is asked to end a child with its parent")
def test_a_child_whose_parent_died_before_it_could_ask_the_kernel_ends_by_itself():
    told, tells = os.pipe()
    parent = os.fork()
    if not parent:
        started_by = os.getpid()
        if not os.fork():
            while os.getppid() == started_by:
                time.sleep(0.01)
            die_with_parent(started_by)
            os.write(tells, b"an orphan works on")
        os._exit(0)
    os.close(tells)
    os.waitpid(parent, 0)
    assert os.read(told, 100) == b""
    os.close(told)


def test_a_sweep_that_hangs_is_given_up(queue_server, monkeypatch):
    monkeypatch.setitem(queue.MOST_SECONDS, JobQueue.SWEEPS, 1)
    ring("test.hang")
    began = time.monotonic()
    work(JobQueue.SWEEPS, burst=True)
    assert time.monotonic() - began < 20
