"""Importing orders against the floor: the raw driver's bulk load of the same CSV plus one upsert.

    python -m bench.imports [ROWS] [--notes]                         SQLite in a temporary folder
    ABM_BENCH_DATABASE_URL=postgresql://… python -m bench.imports    a database on that server is made and dropped

Prints seconds of both, their ratio (the budget is 4) and the import's peak memory at a tenth of the rows and at all.
`--notes`: instead, what it costs an import that the database notes changed accounts for the lists (the budget is 5 %):
seconds and processor seconds with the triggers and without, the better of two each.
Each part runs in a process of its own, so that one's memory does not count for the other.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.memory import peak_megabytes

ROWS = 1_000_000
ACCOUNTS = 20_000
BUDGET, NOTES_BUDGET = 4.0, 0.05
SERVER = os.environ.get("ABM_BENCH_DATABASE_URL", "")
UPSERT = """
    INSERT INTO customer_order
        (external_id, account_id, ordered_on, amount, currency, is_cancelled, created_at, updated_at)
    SELECT b.order_id, a.id, b.ordered_on, {amount}, 'EUR', {false}, {now}, {now}
    FROM bulk b JOIN account a ON a.external_id = b.account_id WHERE true
    ON CONFLICT (external_id) DO UPDATE SET account_id = excluded.account_id, ordered_on = excluded.ordered_on,
        amount = excluded.amount, updated_at = excluded.updated_at"""


def write_orders(path: Path, rows: int) -> None:
    chance, first = random.Random(7), date(2020, 1, 1)
    days = [(first + timedelta(days=number)).isoformat() for number in range(2_000)]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["order_id", "account_id", "ordered_on", "amount"])
        writer.writerows(
            (
                f"SO-{number:08d}",
                f"ACC-{chance.randrange(ACCOUNTS):06d}",
                chance.choice(days),
                f"{chance.random() * 5000:.2f}",
            )
            for number in range(rows)
        )


def prepare() -> None:
    """Every table, and the accounts that the orders belong to."""
    from sqlalchemy import insert

    from abm.accounts.models import Account
    from abm.all_models import metadata
    from core import clock, db

    metadata.create_all(db.engine())
    now = clock.now()
    with db.transaction() as session:
        session.execute(
            insert(Account),
            [
                {
                    "external_id": f"ACC-{number:06d}",
                    "name": f"Account {number}",
                    "name_key": f"account {number}",
                    "is_sample": False,
                    "created_at": now,
                    "updated_at": now,
                }
                for number in range(ACCOUNTS)
            ],
        )


def run_import(path: Path) -> None:
    from abm.imports.running import Task, bring_in

    report = bring_in(Task(kind="orders", path=path, rejects=path.with_suffix(".rejects")))
    assert report.rejected == 0


def run_floor(path: Path) -> None:
    from core import db
    from core.settings import settings

    connection = db.engine().connect()
    raw: Any = connection.connection.driver_connection
    if settings().is_sqlite:
        raw.execute("CREATE TEMP TABLE bulk (order_id TEXT, account_id TEXT, ordered_on TEXT, amount TEXT)")
        raw.execute("BEGIN")
        raw.executemany("INSERT INTO bulk VALUES (?, ?, ?, ?)", _rows(path))
        raw.execute(
            UPSERT.format(
                amount="CAST(round(b.amount * 10000) AS INTEGER)", false="0", now="'2026-01-01 00:00:00.000000'"
            )
        )
        raw.execute("COMMIT")
        return
    raw.execute("CREATE TEMP TABLE bulk (order_id text, account_id text, ordered_on date, amount numeric)")
    with (
        raw.cursor() as cursor,
        cursor.copy("COPY bulk FROM STDIN (FORMAT csv, HEADER)") as copy,
        path.open("rb") as file,
    ):
        while block := file.read(1 << 20):
            copy.write(block)
    raw.execute("ANALYZE bulk")
    raw.execute(UPSERT.format(amount="(b.amount * 10000)::bigint", false="false", now="now()"))
    raw.commit()


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        yield from rows


def child(part: str, path: Path) -> None:
    """One part, in this process: prints seconds, peak memory in megabytes, and processor seconds."""
    prepare()
    if part == "untracked":
        drop_tracking()
    begun, used = time.perf_counter(), time.process_time()
    (run_floor if part == "floor" else run_import)(path)
    seconds, used = time.perf_counter() - begun, time.process_time() - used
    print(f"{seconds:.3f} {peak_megabytes():.0f} {used:.3f}")


def drop_tracking() -> None:
    from sqlalchemy import text

    from core import db
    from core.settings import settings

    names = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'track%'"
    if not settings().is_sqlite:
        names = ("SELECT tgname, relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                 "WHERE tgname LIKE 'track%' AND NOT tgisinternal")
    with db.transaction() as session:
        found = session.execute(text(names)).all()
        assert found
        for name, table in found:
            session.execute(text(f"DROP TRIGGER {name}" + ("" if settings().is_sqlite else f" ON {table}")))


def measure(part: str, path: Path, folder: Path) -> tuple[float, float, float]:
    """Run one part in a fresh process on a fresh database; (seconds, megabytes, processor seconds)."""
    data_dir = folder / uuid.uuid4().hex
    environment = {**os.environ, "ABM_DATA_DIR": str(data_dir), "ABM_SECRET_KEY": "benchmark"}
    name = f"abm_bench_{uuid.uuid4().hex[:8]}"
    if SERVER:
        environment["ABM_DATABASE_URL"] = SERVER.rsplit("/", 1)[0] + f"/{name}"
        _on_server(f'CREATE DATABASE "{name}"')
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bench.imports", "--part", part, str(path)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    finally:
        if SERVER:
            _on_server(f'DROP DATABASE "{name}" WITH (FORCE)')
    seconds, memory, used = map(float, done.stdout.split())
    return seconds, memory, used


def _on_server(statement: str) -> None:
    import psycopg

    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def main(rows: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        all_rows, some_rows = folder / "orders.csv", folder / "some.csv"
        write_orders(all_rows, rows)
        write_orders(some_rows, rows // 10)
        floor, _, _ = measure("floor", all_rows, folder)
        _, some_memory, _ = measure("import", some_rows, folder)
        seconds, memory, _ = measure("import", all_rows, folder)
    ratio = seconds / floor
    print(
        f"{'PostgreSQL' if SERVER else 'SQLite'}: {rows:,} orders in {seconds:.1f} s, "
        f"raw bulk load and upsert {floor:.1f} s: "
        f"ratio {ratio:.2f} (budget {BUDGET:.0f}); peak memory {some_memory:.0f} MB at {rows // 10:,} rows, "
        f"{memory:.0f} MB at {rows:,}"
    )
    return 0 if ratio <= BUDGET else 1


def measure_notes(rows: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "orders.csv"
        write_orders(path, rows)
        found: dict[str, list[tuple[float, float, float]]] = {"import": [], "untracked": []}
        for _ in range(2):
            for part, measured in found.items():
                measured.append(measure(part, path, folder))
    spent = {part: min(each[0] for each in measured) for part, measured in found.items()}
    used = {part: min(each[2] for each in measured) for part, measured in found.items()}
    kind = spent if SERVER else used  # on SQLite all the work is done in the process, and its own seconds are steadier
    cost = kind["import"] / kind["untracked"] - 1
    print(f"{'PostgreSQL' if SERVER else 'SQLite'}: {rows:,} orders in {spent['import']:.2f} s "
          f"({used['import']:.2f} s of processor), without notes {spent['untracked']:.2f} s "
          f"({used['untracked']:.2f} s): notes cost {cost:+.1%} (at most {NOTES_BUDGET:.0%})")
    return int(cost > NOTES_BUDGET)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        child(sys.argv[2], Path(sys.argv[3]))
    else:
        counts = [int(each) for each in sys.argv[1:] if each != "--notes"]
        sys.exit((measure_notes if "--notes" in sys.argv else main)(counts[0] if counts else ROWS))
