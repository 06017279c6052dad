"""The faults, each by its number: the suite runs them small, `python -m bench.faults` runs them long.

A fault is a function `run(scene, plan) -> Verdict` marked with `@fault("F9", "PostgreSQL: …")` in a module of
`tests/faults/kinds` (named in its `__init__`, so that it is found). Both callers open a `Scene` for it: an empty
database with every table, a data folder and a sink in a process of its own. `plan` says the seed, how often to break
something and with how many messages; `small` is the suite's plan. What a fault found is told by `judge(scene, …)`,
which compares the sink's own log with the database; a sentence in `Verdict.broken` is one more thing that did not hold.
"""

import random
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.settings import settings

if TYPE_CHECKING:
    from tests.faults.scene import Scene

SEED = 20261126
MOST_RECOVERY_SECONDS = 60.0
LONGER = 2
_MOST_ROUNDS = 12


@dataclass(frozen=True)
class Plan:
    """How much to do: `rounds` times the fault, over `messages` messages, with the chances of `seed`."""

    rounds: int
    messages: int
    seed: int = SEED
    is_long: bool = False

    def chance(self) -> random.Random:
        return random.Random(self.seed)


@dataclass
class Verdict:
    """What a fault did to the promise. `recoveries`: seconds from the end of each fault until all went on."""

    messages: int = 0
    lost: int = 0
    duplicated: int = 0
    unknown: int = 0
    most_unknown: int = 0
    recoveries: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)

    def complaints(self) -> list[str]:
        """Everything that does not hold, in sentences; none when the fault was survived."""
        found = list(self.broken)
        if self.lost:
            found.append(f"{self.lost} messages lost")
        if self.duplicated:
            found.append(f"{self.duplicated} messages accepted more than once")
        if self.unknown > self.most_unknown:
            found.append(f"{self.unknown} messages in doubt, at most {self.most_unknown} may be")
        if self.recoveries and max(self.recoveries) > MOST_RECOVERY_SECONDS:
            found.append(f"went on only after {max(self.recoveries):.0f} s")
        return found


Run = Callable[["Scene", Plan], Verdict]


@dataclass(frozen=True)
class Fault:
    """`needs`: sqlite, postgresql, postgres server (a cluster of its own can be made), mount, proc. `long`: the plan of
    the long run, where it is not simply more of `small`."""

    number: str
    name: str
    run: Run
    small: Plan
    needs: tuple[str, ...] = ()
    long: Plan | None = None

    def cannot_run(self) -> str:
        """Why it cannot run here; empty when it can."""
        return next((why for need in self.needs if (why := _MISSING[need]())), "")

    def long_plan(self, *, seed: int, rounds: int | None = None, messages: int | None = None) -> Plan:
        """Of the long run: what is not given is twice that of the suite."""
        usual = self.long or Plan(min(self.small.rounds * LONGER, max(_MOST_ROUNDS, self.small.rounds)),
                                  self.small.messages * LONGER)
        return Plan(rounds or usual.rounds, messages or usual.messages, seed, is_long=True)


FAULTS: list[Fault] = []


def fault(number: str, name: str, *, rounds: int, messages: int, needs: tuple[str, ...] = (),
          long: Plan | None = None) -> Callable[[Run], Run]:
    """Register a fault; `rounds` and `messages` are those of the suite. One number may have several faults."""

    def register(run: Run) -> Run:
        FAULTS.append(Fault(number, name, run, Plan(rounds, messages), needs, long))
        return run

    return register


def _no_postgres_server() -> str:
    found = shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return "" if found else "no PostgreSQL server is installed"


@lru_cache(maxsize=1)
def no_mount() -> str:
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True,
                               check=False) if shutil.which("mount") else None
        if tried is None or tried.returncode:
            return "needs the right to mount a small disk"
        subprocess.run(["umount", folder], check=True)
    return ""


_FAKETIME = "*/faketime/libfaketimeMT.so.1"
_MISSING: dict[str, Callable[[], str]] = {
    "sqlite": lambda: "" if settings().is_sqlite else "is about SQLite",
    "postgresql": lambda: "is about PostgreSQL" if settings().is_sqlite else "",
    "postgres server": _no_postgres_server,
    "pg_dump": lambda: "" if shutil.which("pg_dump") and shutil.which("pg_restore") else "needs pg_dump and pg_restore",
    "mount": no_mount,
    "faketime": lambda: "" if any(Path("/usr/lib").glob(_FAKETIME)) else "the package faketime is not installed",
    "proc": lambda: "" if Path("/proc").exists() else "needs /proc to find processes",
}
