"""F27: the disk is copied at any moment, as by a snapshot or a power cut; a backup is made while it sends."""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
from sqlalchemy import text

from abm.installation.backup import make_backup, restore_backup
from abm.installation.schema import newest_revision
from campaigns import sweeps
from campaigns.dispatch import drain
from campaigns.states import DeliveryState
from core import db
from core.settings import settings
from tests.faults.judge import judge
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Forked, Scene, descendants
from tests.outbox_factory import running_campaign, states


def _copy_now(family: Forked, target: Path) -> None:
    """The database's files as they are at one moment: everybody stands still meanwhile."""
    target.mkdir()
    source = Path(settings().database_url.removeprefix("sqlite:///"))
    still = descendants(family.pid) - {family.pid}
    _signal_all(still, signal.SIGSTOP)
    for path in source.parent.glob(f"{source.name}*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, target / path.name)
    _signal_all(still, signal.SIGCONT)


def _signal_all(pids: set[int], number: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _wrong_with(copy: Path, intended: int) -> list[str]:
    with closing(sqlite3.connect(copy)) as opened:
        told = [row[0] for row in opened.execute("PRAGMA integrity_check")]
        found = dict(opened.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall())
    wrong = [] if told == ["ok"] else [f"a copy is damaged: {told[:3]}"]
    if sum(found.values()) != intended or not set(found) <= set(DeliveryState):
        wrong.append(f"a copy holds {found} of {intended}")
    return wrong


@fault("F27", "the files copied at random moments; a backup made and restored while it sends", rounds=5, messages=600,
       needs=("sqlite", "proc"))
def copy_live(scene: Scene, plan: Plan) -> Verdict:
    """Every copy is whole and adds up; the restored backup sends nothing, the original sends on."""
    chance, wrong = plan.chance(), []
    _stamp()
    running_campaign(plan.messages)
    family = scene.start_family()
    scene.wait_for_acceptances(20)
    for number in range(plan.rounds):
        time.sleep(random.Random(chance.random()).uniform(0, 0.15))
        _copy_now(family, scene.folder / f"copy-{number}")
        wrong += _wrong_with(scene.folder / f"copy-{number}" / "abm.db", plan.messages)
    make_backup(scene.folder / "backup", passphrase="a long passphrase")
    scene.wait_until_sent()
    verdict = judge(scene, intended=plan.messages)
    scene.kill_all_forked()
    verdict.broken += wrong + _restored_sends(scene, "")
    return verdict


@fault("F27", "a backup made by pg_dump while it sends, restored beside it", rounds=1, messages=400,
       needs=("postgresql", "pg_dump"), long=Plan(4, 1_200))
def dump_live(scene: Scene, plan: Plan) -> Verdict:
    """The restored backups hold every message and send nothing; the original sends on."""
    _stamp()
    running_campaign(plan.messages)
    scene.start_family()
    for number in range(plan.rounds):
        scene.wait_for_acceptances(20)
        make_backup(scene.folder / f"backup-{number}", passphrase="a long passphrase")
    scene.wait_until_sent()
    verdict = judge(scene, intended=plan.messages)
    scene.kill_all_forked()
    for number in range(plan.rounds):
        (scene.folder / f"backup-{number}").replace(scene.folder / "backup")
        with _another_database() as url:
            verdict.broken += _restored_sends(scene, url)
    return verdict


@contextmanager
def _another_database() -> Iterator[str]:
    """An empty one on the same server."""
    url, name = settings().database_url.replace("+psycopg", ""), f"restored_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(url, autocommit=True) as opened:
        opened.execute(f"CREATE DATABASE {name}")
        try:
            yield url.rpartition("/")[0] + f"/{name}"
        finally:
            opened.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _stamp() -> None:
    with db.engine().begin() as opened:
        opened.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        opened.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": newest_revision()})


def _restored_sends(scene: Scene, database_url: str) -> list[str]:
    with scene.elsewhere(is_empty=True, ABM_DATA_DIR=str(scene.folder / "restored"), ABM_DATABASE_URL=database_url):
        restore_backup(scene.folder / "backup", passphrase="a long passphrase")
        waiting, before = states(), scene.accepted()
        sweeps.settle_left_batches()
        drain()
        after = scene.accepted()
    found = [f"the restored copy sent {sum((after - before).values())} messages"] if after != before else []
    return found if "queued" in waiting or "unknown" in waiting else [*found, f"nothing was left to send: {waiting}"]
