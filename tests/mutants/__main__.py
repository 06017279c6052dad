"""Takes one protection away at a time, in a copy of the tree, and demands that the tests named for it fail.

    bin/mutants [--list] [--only WORD] [--server]

On SQLite, and on the server in ABM_TEST_DATABASE_URL where that is set. Ends with 1 when a mutant survives, a patch
does not apply, or the tests fail without any patch.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutants.protections import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_SECONDS = 300
TESTS_FAILED = 1


def copy_tree(to: Path) -> None:
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    (to / ".venv").symlink_to((ROOT / ".venv").resolve())


def fits(mutant: Mutant, root: Path = ROOT) -> str:
    """Why the patch does not apply; empty when its text is there exactly once."""
    file = root / mutant.file
    found = file.read_text().count(mutant.old) if file.is_file() else -1
    if found == 1:
        return ""
    return f"{mutant.file} is not there" if found < 0 else f"its text is {found} times in {mutant.file}"


def run_tests(tree: Path, tests: Iterable[str], database: str, *, expected: int = TESTS_FAILED) -> int:
    """pytest's exit code, its last words printed where it is not the expected one; -1 when it took too long."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ABM_")}
    if database:
        environment["ABM_TEST_DATABASE_URL"] = database
    command = [str(tree / ".venv/bin/python"), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    process = subprocess.Popen(command, cwd=tree, env={**environment, "PYTHONPATH": str(tree)},
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        said, _ = process.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return -1
    if process.returncode != expected:
        print(said[-1_500:])
    return process.returncode


def try_mutant(mutant: Mutant, tree: Path, turn: int, databases: Sequence[str]) -> str:
    """`killed`, or what went wrong."""
    if why := fits(mutant, tree):
        return why
    file = tree / mutant.file
    before = file.read_text()
    moment = time.time() + 10 * turn  # compiled files are told apart by whole seconds
    try:
        file.write_text(before.replace(mutant.old, mutant.new))
        os.utime(file, (moment, moment))
        codes = {_name(database): run_tests(tree, mutant.tests, database) for database in databases}
    finally:
        file.write_text(before)
        os.utime(file, (moment + 5, moment + 5))
    survived = [name for name, code in codes.items() if code not in (TESTS_FAILED, -1)]
    if not survived:
        return "killed" if -1 not in codes.values() else "killed (the tests hung)"
    return f"SURVIVED on {', '.join(survived)} (pytest ended with {codes[survived[0]]})"


def _name(database: str) -> str:
    return "PostgreSQL" if database else "SQLite"


def _databases(mutant: Mutant, server: str) -> list[str]:
    offered = ["", server] if server else [""]
    return [database for database in offered if not mutant.only or (mutant.only == "postgresql") is bool(database)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/mutants", description="The suite against itself.")
    parser.add_argument("--list", action="store_true", help="name the protections and change nothing")
    parser.add_argument("--only", default="", metavar="WORD", help="those whose name, file or promise holds WORD")
    parser.add_argument("--server", action="store_true", help="on the PostgreSQL server only")
    given = parser.parse_args()
    chosen = [one for one in MUTANTS if given.only.lower() in f"{one.name} {one.file} {one.promise}".lower()]
    if given.list:
        print("\n".join(f"{one.promise:<4} {one.name}" for one in chosen))
        return 0
    server = os.environ.get("ABM_TEST_DATABASE_URL", "")
    with tempfile.TemporaryDirectory(prefix="abm-mutants-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        return _try_all(chosen, tree, server, is_server_alone=given.server)


def _try_all(chosen: Sequence[Mutant], tree: Path, server: str, *, is_server_alone: bool) -> int:
    every = sorted({test for one in chosen for test in one.tests})
    for database in [server] if is_server_alone else ["", server] if server else [""]:
        if code := run_tests(tree, every, database, expected=0):
            print(f"The tests do not pass without any patch on {_name(database)} (pytest ended with {code})")
            return 1
    counts = {"killed": 0, "failed": 0, "left out": 0}
    for turn, one in enumerate(chosen, 1):
        databases = [each for each in _databases(one, server) if each or not is_server_alone]
        began = time.monotonic()
        verdict = try_mutant(one, tree, turn, databases) if databases else "left out (needs PostgreSQL)"
        print(f"{turn:>3}/{len(chosen)}  {one.promise:<4} {one.name:<70} {verdict}  {time.monotonic() - began:.0f} s",
              flush=True)
        counts["killed" if verdict.startswith("killed") else "failed" if databases else "left out"] += 1
    print(f"\n{counts['killed']} of {len(chosen)} killed, {counts['failed']} survived or did not apply, "
          f"{counts['left out']} left out")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
