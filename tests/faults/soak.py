"""Random faults every few seconds, by a seed, while messages keep coming; memory and open files are watched.

At the end all books must balance: nothing lost, nothing twice, doubt only for processes that were killed.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from core.db import reading, transaction
from core.settings import settings
from tests.faults.judge import judge
from tests.faults.queue_server import QueueServer, running_queue
from tests.faults.registry import Verdict
from tests.faults.scene import CONNECTIONS, Forked, Scene, children_of, descendants, wait_until
from tests.outbox_factory import Running, add_people, running_campaign

SECONDS_BETWEEN_FAULTS = 5.0
PEOPLE_AT_ONCE = 150
_WARM_UP_SECONDS = 10.0
MOST_GROWTH_MEGABYTES = 40.0
MOST_MORE_FILES = 40


@dataclass
class Usage:
    """Of the whole family of processes: resident memory in MB and open files, largest single process."""

    megabytes: float
    files: int


@dataclass
class Report:
    verdict: Verdict
    seconds: float
    faults: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    usages: list[Usage] = field(default_factory=list)

    def complaints(self) -> list[str]:
        found = self.verdict.complaints()
        if self.usages:
            first, last = self.usages[0], self.usages[-1]
            if last.megabytes - first.megabytes > MOST_GROWTH_MEGABYTES:
                found.append(f"memory grew from {first.megabytes:.0f} to {last.megabytes:.0f} MB")
            if last.files - first.files > MOST_MORE_FILES:
                found.append(f"open files grew from {first.files} to {last.files}")
        return found

    def text(self, database: str) -> str:
        told = ", ".join(f"{count} × {name}" for name, count in sorted(self.faults.items()))
        verdict, wrong = self.verdict, self.complaints()
        usage = "usage not measured"
        if self.usages:
            first, last = self.usages[0], self.usages[-1]
            usage = (f"memory of the largest process {first.megabytes:.0f} → {last.megabytes:.0f} MB, open files "
                     f"{first.files} → {last.files}")
        words = "**" + "; ".join(wrong) + "**" if wrong else "all holds"
        return (f"{database}, {self.seconds:.0f} s: {verdict.messages:,} messages; {told}; "
                f"conservation checked {self.checks} times; lost {verdict.lost}, duplicated {verdict.duplicated}, "
                f"unknown {verdict.unknown}; {usage}; {words}.")


def soak(scene: Scene, *, seconds: float, seed: int) -> Report:
    """Break something every few seconds for so long, then let it all come to rest."""
    chance, faults, usages, kills, checks = random.Random(seed), Counter[str](), [], 0, 0
    running, people, wrong = running_campaign(PEOPLE_AT_ONCE), PEOPLE_AT_ONCE, []
    started = time.monotonic()
    with running_queue() as server:
        scene.set_environment(ABM_REDIS_URL=server.url)
        family = scene.start_family()
        while time.monotonic() - started < seconds:
            people += _add_people(running, people)
            name = chance.choice(sorted(_BREAKS))
            if name != "connections cut" or not settings().is_sqlite:
                faults[name] += 1
                kills += _BREAKS[name](family, server, chance)
            ends_at = time.monotonic() + SECONDS_BETWEEN_FAULTS
            while time.monotonic() < ends_at:
                wrong += _check_books(people)
                checks += 1
                time.sleep(0.2)
            if time.monotonic() - started > _WARM_UP_SECONDS:
                usages.append(_usage(family))
        scene.wait_until_sent(120)
        scene.kill_all_forked()
        scene.set_environment(ABM_REDIS_URL="")
    verdict = judge(scene, intended=people, most_unknown=kills * CONNECTIONS)
    verdict.broken += wrong[:3]
    return Report(verdict, time.monotonic() - started, faults, checks, usages)


def _add_people(running: Running, already: int) -> int:
    with transaction() as session:
        add_people(session, running, PEOPLE_AT_ONCE, first=already + 1)
    return PEOPLE_AT_ONCE


def _check_books(people: int) -> list[str]:
    """I1: the sum over the states is what was intended, at every moment."""
    from sqlalchemy import func, select

    from campaigns.models import Delivery

    with reading() as session:
        found = session.scalar(select(func.count()).select_from(Delivery))
    return [] if found == people else [f"{found} rows for {people} intents in the middle of it"]


def _usage(family: Forked) -> Usage:
    megabytes, files = 0.0, 0
    for pid in descendants(family.pid):
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            resident = next((line for line in status.splitlines() if line.startswith("VmRSS")), "VmRSS: 0 kB")
            megabytes = max(megabytes, int(resident.split()[1]) / 1024)
            files = max(files, len(os.listdir(f"/proc/{pid}/fd")))
    return Usage(megabytes, files)


# what breaks: each returns how many sending processes were killed

Break = Callable[[Forked, QueueServer, random.Random], int]


def _parts(family: Forked) -> list[int]:
    return children_of(family.pid)


def _horses(family: Forked) -> list[int]:
    return [horse for part in _parts(family) for horse in children_of(part)]


def _kill_horse(family: Forked, _server: QueueServer, chance: random.Random) -> int:
    wait_until(lambda: _horses(family), 2)
    time.sleep(chance.uniform(0, 0.3))
    return _signal(_horses(family)[:1], signal.SIGKILL)


def _kill_part(family: Forked, _server: QueueServer, chance: random.Random) -> int:
    """A worker or the scheduler, with what it forked."""
    return _signal([chance.choice(_parts(family))] if _parts(family) else [], signal.SIGKILL)


def _end_part(family: Forked, _server: QueueServer, chance: random.Random) -> int:
    _signal([chance.choice(_parts(family))] if _parts(family) else [], signal.SIGTERM)
    return 0


def _freeze_part(family: Forked, _server: QueueServer, chance: random.Random) -> int:
    frozen = (_horses(family) or _parts(family))[:1]
    _signal(frozen, signal.SIGSTOP)
    time.sleep(chance.uniform(1, 3))
    _signal(frozen, signal.SIGCONT)
    return 0


def _kill_queue(_family: Forked, server: QueueServer, chance: random.Random) -> int:
    server.kill()
    time.sleep(chance.uniform(0, 2))
    server.start()
    return 0


def _empty_queue(_family: Forked, server: QueueServer, _chance: random.Random) -> int:
    server.client().flushall()
    return 0


def _freeze_queue(_family: Forked, server: QueueServer, chance: random.Random) -> int:
    server.freeze()
    time.sleep(chance.uniform(1, 3))
    server.thaw()
    return 0


def _cut_connections(_family: Forked, _server: QueueServer, _chance: random.Random) -> int:
    with psycopg.connect(settings().database_url.replace("+psycopg", "")) as opened:
        opened.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE datname = current_database() AND pid <> pg_backend_pid()")
    return 0


def _signal(pids: list[int], number: int) -> int:
    done = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            done += 1
    return done


_BREAKS: dict[str, Break] = {
    "work-horse killed": _kill_horse, "worker or scheduler killed": _kill_part, "worker or scheduler ended": _end_part,
    "process frozen": _freeze_part, "queue server killed": _kill_queue, "queue emptied": _empty_queue,
    "queue server frozen": _freeze_queue, "connections cut": _cut_connections,
}
