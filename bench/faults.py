"""The faults of tests/faults, long: what was lost, what came twice, what is in doubt, and how soon all went on.

    python -m bench.faults [--fault F1 F9 …] [--seed 1] [--rounds 20] [--messages 5000] [--databases sqlite postgresql]
    python -m bench.faults --soak 600 --soak-alone     # random faults every few seconds, memory and files watched
    python -m bench.faults --databases sqlite --rows one.json      # two runs beside each other …
    python -m bench.faults --join one.json another.json            # … become one page

Each fault has a fresh database: a SQLite file, or a PostgreSQL database on a server of its own (with fsync). Without
--rounds and --messages each fault runs with twice those of the suite. The table is printed and written to
docs/faults.md; `--no-write` only prints.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.postgres import temporary_server
from tests.faults.registry import FAULTS, Verdict

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "faults.md"


@dataclass(frozen=True)
class Line:
    """One row of the table."""

    number: str
    name: str
    database: str
    rounds: int
    verdict: Verdict
    seconds: float


@contextmanager
def _fresh_place(database: str, server: str) -> Iterator[Path]:
    """A data folder and an empty database with every table, named by the settings."""
    from abm.all_models import metadata
    from core import db
    from core.settings import settings

    with tempfile.TemporaryDirectory(prefix="abm-faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for setting in [setting for setting in os.environ if setting.startswith("ABM_")]:
            del os.environ[setting]
        os.environ.update(ABM_DATA_DIR=str(folder / "var"), ABM_SECRET_KEY="a-key-for-faults-alone-" * 2,
                          ABM_DATABASE_URL=server if database == "postgresql" else "")
        (folder / "var").mkdir()
        settings.cache_clear()
        db.engine.cache_clear()
        metadata.create_all(db.engine())
        try:
            yield folder
        finally:
            if database == "postgresql":
                metadata.drop_all(db.engine())
            db.engine().dispose()


def _run(database: str, server: str, given: argparse.Namespace) -> Iterator[Line]:
    from tests.faults import kinds
    from tests.faults.scene import open_scene

    assert kinds.__all__
    for fault in FAULTS:
        if given.fault and fault.number not in given.fault:
            continue
        plan = fault.long_plan(seed=given.seed, rounds=given.rounds, messages=given.messages)
        with _fresh_place(database, server) as folder, open_scene(folder) as scene:
            if why := fault.cannot_run():
                print(f"{fault.number:5}{database:12}{fault.name}: {why}", flush=True)
                continue
            started = time.monotonic()
            try:
                verdict = fault.run(scene, plan)
            except Exception as error:  # one fault that ends badly must not hide the others
                verdict = Verdict(broken=[f"{type(error).__name__}: {error}".splitlines()[0][:200]])
        line = Line(fault.number, fault.name, database, plan.rounds, verdict, time.monotonic() - started)
        print(_text(line), flush=True)
        yield line


def _recovery(line: Line) -> tuple[str, str]:
    seconds = line.verdict.recoveries
    return (f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}") if seconds else ("–", "–")


def _text(line: Line) -> str:
    verdict = line.verdict
    word = "holds" if not verdict.complaints() else "; ".join(verdict.complaints())
    return (f"{line.number:5}{line.database:12}{line.name}: {line.rounds} rounds, {verdict.messages} messages, "
            f"lost {verdict.lost}, duplicated {verdict.duplicated}, unknown {verdict.unknown}, recovery "
            f"{'/'.join(_recovery(line))} s, {word} ({line.seconds:.0f} s) {'; '.join(verdict.notes)}")


def _cells(line: Line) -> list[str]:
    verdict = line.verdict
    said = [*verdict.complaints(), *verdict.notes]
    if verdict.most_unknown:
        said.append(f"at most {verdict.most_unknown} may be unknown")
    return [line.number, line.name, line.database, str(line.rounds), f"{verdict.messages:,}", str(verdict.lost),
            str(verdict.duplicated), str(verdict.unknown), *_recovery(line), "yes" if not verdict.complaints() else
            "**no**", "; ".join(said).replace("|", "/")]


_HEAD = ["fault", "what happens", "database", "rounds", "messages", "lost", "duplicated", "unknown", "recovery p50 s",
         "recovery max s", "holds", "remarks"]
_ABOUT = """# Faults

What becomes of messages while something breaks. Each fault runs against real processes, a real database and an SMTP
sink of its own process on loopback; the verdict compares the sink's log of accepted Message-IDs with the database.

* *Lost*: without a row, without a final state, or counted as sent though the sink never took it.
* *Duplicated*: accepted more than once, or accepted and still to be sent.
* *Unknown*: shown as in doubt, never sent again by itself; after a kill at most the 3 open connections of the process.
* *Recovery*: from the end of the fault until the sink takes the next message; at most 60 s. On a disk that is free
  again, a stop or a cut connection another process may be sending already: then it is next to nothing.

F13 to F16: the unknown messages are those whose outcome nobody can know, and no others; F13 and F16 have a table of
their own below. In the long run F5 freezes a sender for 180 s under the real lease of 30 s, the others for 60 s.

What is less than one could ask for:

* Rounds: 200 work-horses and 200 workers are killed on each database, but 2 whole products; a freeze happens once.
* F3: recovery is the time that the product's processes need to start; each imports for two seconds of processor time,
  so it grows with what else the machine does (the load is said above).
* F9 is about a server, but for its killed web processes, and F12 about SQLite's write-ahead log, so each has one
  database. Of the visits that killed web processes had answered the last two seconds may be lost.
* F4: the whole product took up to 14 s to end, not 10, where it waited for answers of 3 s on a busy machine.
* F4: the pending migration adds columns and indexes. One that rewrites a large table wants the workers to be stopped.
* F17 fills the disk of the data folder (and of the database on SQLite), not that of a PostgreSQL server.

Faults with 0 messages are about pages or the database alone. `python -m bench.faults` writes this page; the suite runs
the same faults small (`tests/faults`), and the continuous integration adds a soak of 60 seconds with random faults.
"""


def _grid(rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (rows[0], ["---"] * len(rows[0]), *rows[1:])]


def _tables(lines: list[Line]) -> list[str]:
    """What a fault has to show in a table of its own, once where all databases show the same."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        if line.verdict.table:
            grid = "\n".join(_grid(line.verdict.table))
            found.setdefault((f"{line.number}: {line.name}", grid), []).append(line.database)
    return [text for (title, grid), databases in found.items()
            for text in ("", f"## {title} ({' and '.join(databases)})", "", grid)]


def _facts(given: argparse.Namespace) -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.strip()
    return (f"Commit {commit}, {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, {platform.system()} "
            f"{platform.machine()}, Python {platform.python_version()}, seed {given.seed}, load at the end "
            f"{os.getloadavg()[1]:.1f}.")


def _join(files: list[Path]) -> None:
    kept = [json.loads(file.read_text()) for file in files]
    lines = [Line(**{**line, "verdict": Verdict(**line["verdict"])}) for one in kept for line in one["lines"]]
    _write(lines, [soak for one in kept for soak in one["soaks"]], [one["facts"] for one in kept])


def _place(line: Line) -> tuple[int, str, bool]:
    return int(line.number[1:]), line.name, line.database != "sqlite"


def _write(lines: list[Line], soaks: list[str], facts: list[str]) -> None:
    ordered = sorted(lines, key=_place)
    rows = _grid([_HEAD, *map(_cells, ordered)])
    soaked = ["", "## Soak", "", *(f"* {one}" for one in soaks)] if soaks else []
    TARGET.write_text("\n".join([_ABOUT, *dict.fromkeys(facts), "", *rows, *_tables(ordered), *soaked, ""]))
    print(f"wrote {TARGET.relative_to(ROOT)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", nargs="*", default=[], help="such as F9; left out: all")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--messages", type=int)
    parser.add_argument("--databases", nargs="*", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--soak", type=int, metavar="SECONDS", help="also random faults for so long")
    parser.add_argument("--soak-alone", action="store_true", help="the soak only; writes nothing")
    parser.add_argument("--url", help="an empty PostgreSQL database; left out: a temporary server")
    parser.add_argument("--rows", type=Path, metavar="FILE", help="keep the rows here, as JSON, and write no page")
    parser.add_argument("--join", nargs="*", type=Path, metavar="FILE", help="run nothing: a page of kept rows")
    parser.add_argument("--no-write", action="store_true", help="leave docs/faults.md as it is")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("stopped"))
    if given.join:
        _join(given.join)
        return 0
    lines: list[Line] = []
    soaks: list[str] = []
    with ExitStack() as stack:
        server = ""
        if "postgresql" in given.databases:
            server = given.url or stack.enter_context(temporary_server())
        for database in given.databases:
            lines += [] if given.soak_alone else _run(database, server, given)
            soaks += _soak(database, server, given) if given.soak else []
    if given.rows:
        given.rows.write_text(json.dumps({"facts": _facts(given), "lines": list(map(asdict, lines)), "soaks": soaks}))
    elif lines and not given.no_write:
        _write(lines, soaks, [_facts(given)])
    return int(any(line.verdict.complaints() for line in lines) or any("**" in one for one in soaks))


def _soak(database: str, server: str, given: argparse.Namespace) -> list[str]:
    from tests.faults.scene import open_scene
    from tests.faults.soak import soak

    with _fresh_place(database, server) as folder, open_scene(folder) as scene:
        report = soak(scene, seconds=given.soak, seed=given.seed)
        text = report.text(database)
    print(text, flush=True)
    return [text]


if __name__ == "__main__":
    shutil.which("ps") or sys.exit("needs ps, of the package procps")
    sys.exit(main())
