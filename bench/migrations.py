"""Upgrading a company that has been sending for a while: every migration over a database with rows, and back.

    python -m bench.migrations [FOLDER] [--rows 1000000] [--down]

makes the first version's tables in FOLDER/abm.db (or in ABM_BENCH_DATABASE_URL=postgresql://…, an empty database),
fills them with so many rows (a tenth accounts, the rest people, enrolments and messages), brings them to the newest
version and prints the seconds of each migration. With --down also all the way back and up again. Exits 1 where a row
was lost or changed.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, String, Table, func, select, text
from sqlalchemy.types import Boolean, Date, DateTime, Integer, Numeric

FIRST = "0001"
MOMENT = "2026-01-05 09:00:00"
_SERIES = "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {count}) "
COUNTED = ("account", "contact", "enrolment", "delivery")


@dataclass
class Outcome:
    """Seconds by step, and what was wrong afterwards."""

    seconds: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def fill(connection: Connection, rows: int) -> None:
    """So many rows in the tables of the first version, by bulk statements; every needed column has some value."""
    found = MetaData()
    found.reflect(connection)
    tenth = max(rows // 10, 1)
    contacts = 3 * tenth
    for name, count, values in (
        ("app_user", 1, {"email": "'admin@example.com'", "role": "'admin'"}),
        ("account", tenth, {"external_id": "'A' || n", "name": "'Account ' || n", "name_key": "'account ' || n"}),
        ("contact", contacts, {"external_id": "'C' || n", "account_id": f"1 + n % {tenth}",
                               "first_name": "'Jane ' || n", "lawful_basis": "'legitimate_interest'",
                               "email": "'jane' || n || '@example.com'", "email_key": "'jane' || n || '@example.com'"}),
        ("campaign", 1, {"name": "'hello'", "state": "'running'"}),
        ("campaign_version", 1, {"campaign_id": "1", "number": "1"}),
        ("approval", 1, {"campaign_id": "1", "version_id": "1"}),
        ("run", 1, {"campaign_id": "1", "version_id": "1", "approval_id": "1", "number": "1", "state": "'active'"}),
        ("enrolment", contacts, {"run_id": "1", "account_id": f"1 + n % {tenth}", "contact_id": "n",
                                 "state": "'active'"}),
        ("delivery", contacts, {
            "run_id": "1", "version_id": "1", "enrolment_id": "n", "account_id": f"1 + n % {tenth}", "contact_id": "n",
            "step": "'hello'", "channel": "'email'", "address_key": "'K' || n",
            "message_id": "'<' || n || '.m@example.com>'",
            "state": "CASE n % 4 WHEN 0 THEN 'queued' WHEN 1 THEN 'sent' WHEN 2 THEN 'bounced_hard' ELSE 'suppressed' "
                     "END"}),
    ):
        _fill_table(connection, found.tables[name], count, values)


def _fill_table(connection: Connection, table: Table, count: int, values: Mapping[str, str]) -> None:
    given = {"id": "n", **values}
    needed = {column.name: _some(column.type) for column in table.columns if not column.nullable
              and column.server_default is None and column.name not in given}
    columns = {**needed, **given}
    names = ", ".join(f'"{name}"' for name in columns)
    series = _SERIES.format(count=count)
    chosen = ", ".join(columns.values())
    connection.execute(text(f'INSERT INTO "{table.name}" ({names}) {series}SELECT {chosen} FROM series'))
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {count})"))


def _some(kind: Any) -> str:
    if isinstance(kind, DateTime):
        return f"CAST('{MOMENT}+00' AS timestamptz)" if getattr(kind, "timezone", False) else f"'{MOMENT}.000000'"
    if isinstance(kind, Boolean):
        return "false"
    if isinstance(kind, Date):
        return "'2026-01-05'"
    if isinstance(kind, Integer | Numeric):
        return "0"
    return "''" if isinstance(kind, String) else "'{}'"


def walk(engine: Engine, rows: int, *, is_there_and_back: bool, is_each_timed: bool = True) -> Outcome:
    """Fill the first version's tables and go through all migrations, one by one or at one go."""
    from alembic import command

    config, outcome = _config(), Outcome()
    up = [*_revisions(config)] if is_each_timed else ["head"]
    down = [*reversed(up[:-1]), FIRST] if is_each_timed else [FIRST]
    _timed(outcome, f"tables of {FIRST}", partial(command.upgrade, config, FIRST))
    with engine.begin() as connection:
        _timed(outcome, f"{rows:,} rows", partial(fill, connection, rows))
        before = _told(connection)
    for revision in up:
        _timed(outcome, f"up {revision}", partial(command.upgrade, config, revision))
    _settle(outcome)
    _compare(engine, before, outcome, "up")
    if is_there_and_back:
        for revision in down:
            _timed(outcome, f"down to {revision}", partial(command.downgrade, config, revision))
        _compare(engine, before, outcome, "down")
        _timed(outcome, "up again", partial(command.upgrade, config, "head"))
        _settle(outcome)
        _compare(engine, before, outcome, "up again")
    return outcome


def _settle(outcome: Outcome) -> None:
    """What `abm db upgrade` does once the tables are there: triggers and word indexes."""
    from abm.installation import schema

    _timed(outcome, "up triggers and words", schema.upgrade)


def _config() -> Any:
    from alembic.config import Config

    from abm.wiring import load_list_fields
    from core.settings import ROOT

    load_list_fields()
    config = Config(str(ROOT / "alembic.ini"))
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config


def _revisions(config: Any) -> Iterator[str]:
    """Behind the first, in their order."""
    from alembic.script import ScriptDirectory

    found = [one.revision for one in ScriptDirectory.from_config(config).walk_revisions()]
    yield from list(reversed(found))[1:]


def _timed(outcome: Outcome, name: str, do: Callable[[], object]) -> None:
    begun = time.monotonic()
    do()
    outcome.seconds[name] = time.monotonic() - begun


def _told(connection: Connection) -> dict[str, Any]:
    """What must be the same afterwards: counts, sums of ids and texts, states."""
    found = MetaData()
    found.reflect(connection, only=COUNTED)
    told: dict[str, Any] = {}
    for name in COUNTED:
        table = found.tables[name]
        texts = [column for column in table.columns if column.name in ("name", "email", "message_id", "address_key")]
        sums = [func.sum(func.length(column)) for column in texts]
        told[name] = tuple(connection.execute(select(func.count(), func.sum(table.c.id), *sums)).one())
    delivery = found.tables["delivery"]
    rows = connection.execute(select(delivery.c.state, func.count()).group_by(delivery.c.state))
    told["states"] = {state: count for state, count in rows}
    return told


def _compare(engine: Engine, before: dict[str, Any], outcome: Outcome, when: str) -> None:
    with engine.connect() as connection:
        after = _told(connection)
        if after != before:
            outcome.wrong.append(f"{when}: {before} became {after}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--down", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        os.environ["ABM_DATA_DIR"] = str(given.folder or made)
        os.environ.setdefault("ABM_SECRET_KEY", "bench-key-of-at-least-thirty-two-characters")
        if url := os.environ.get("ABM_BENCH_DATABASE_URL"):
            os.environ["ABM_DATABASE_URL"] = url
        from core import db

        outcome = walk(db.engine(), given.rows, is_there_and_back=given.down)
        db.engine().dispose()
    for name, seconds in outcome.seconds.items():
        print(f"{seconds:8.2f} s  {name}")
    ups = sum(seconds for name, seconds in outcome.seconds.items() if name.startswith("up ") and name != "up again")
    print(f"{ups:8.2f} s  all migrations over {given.rows:,} rows on {'PostgreSQL' if url else 'SQLite'}")
    print("\n".join(outcome.wrong) or "every row is there, as it was")
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
