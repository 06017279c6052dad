"""Planning the first step of a large run: its memory, and how long another writer waits meanwhile.

    python -m bench.enrol [--people 1000000] [--database postgresql|sqlite]

A process of its own plans the run chunk by chunk, as the worker does; this one changes one account every ten
milliseconds and notes how long each transaction takes. The floor is the same change while nobody plans. A third process
notes how long the disk keeps a small file waiting meanwhile (`bench.disk_waits`): a change that waits for the disk is
counted twice, as it was and without the disk's share. Exits 1 when the planner needs 150 MB, or when the writer waits
longer than promised without the disk's share (p99 and longest: PostgreSQL 20 and 250 ms, SQLite 120 and 400 ms).

At the end the books of the campaign are counted and a page of its messages is found; the floor is to read the state of
each message once. More than 15 times that, or a page that takes more than a second, exits 1, too.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.disk_waits import DiskWaits, watch_disk
from bench.memory import peak_megabytes
from bench.outbox_load import ROOT, database

MOST_MEGABYTES = 150
MOST_WAIT = {"postgresql": (20, 250), "sqlite": (120, 400)}
MOST_BOOKS, MOST_PAGE = 15, 1.0
PEOPLE_EACH, PAUSE, FLOOR_CHANGES = 10, 0.01, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--database", choices=tuple(MOST_WAIT), default="postgresql")
    parser.add_argument("--plan", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.plan:
        return _plan(given.plan)
    with database(given.database) as (url, folder):
        os.environ.update(ABM_DATA_DIR=folder, ABM_DATABASE_URL=url, ABM_SECRET_KEY="benchmark-key-" * 4)
        from abm.wiring import connect_engine

        connect_engine()
        run_id = _prepare(given.people)
        missed = _measure(run_id, given.people, *MOST_WAIT[given.database], folder)
        return max(missed, _measure_books(run_id))


def _plan(run_id: int) -> int:
    from abm.wiring import connect_engine
    from campaigns.planning_jobs import plan_run

    connect_engine()
    plan_run(run_id)
    print(f"{peak_megabytes():.1f}")
    return 0


def _prepare(people: int) -> int:
    """Accounts, people, a list of all of them and a launched run that is not planned yet; the run's id."""
    from sqlalchemy import text

    from abm.accounts.models import Account
    from abm.all_models import metadata
    from abm.contacts.models import Contact
    from core import db
    from tests.campaigns.campaign_factory import launch_committed, put_in_list

    metadata.create_all(db.engine())
    accounts = people // PEOPLE_EACH
    with db.transaction() as session:
        _insert(session, Account, accounts, {"external_id": "'A' || n", "name": "'Account ' || n",
                                             "name_key": "'account ' || n", "country": "'FR'"})
    with db.transaction() as session:
        _insert(session, Contact, people, {
            "external_id": "'C' || n", "account_id": f"1 + n % {accounts}", "first_name": "'Jane' || n",
            "last_name": "'Doe'", "email": "'jane' || n || '@example.com'",
            "email_key": "'jane' || n || '@example.com'", "lawful_basis": "'legitimate_interest'"})
        put_in_list(session, [])
        session.execute(text("INSERT INTO list_member (list_id, account_id, added_at, how) "
                             "SELECT (SELECT max(id) FROM target_list), id, created_at, 'hand' FROM account"))
    return launch_committed()


def _insert(session: Any, model: Any, rows: int, values: Mapping[str, str]) -> None:
    """So many rows; `values` are SQL over the number n, other columns that must be filled get the model's defaults."""
    from sqlalchemy import text

    from core import clock

    filled, given = dict(values), {}
    for column in model.__table__.columns:
        if column.name in filled or column.primary_key or column.server_default is not None or column.computed:
            continue
        if column.name in ("created_at", "updated_at"):
            filled[column.name], given["now"] = "CAST(:now AS timestamp)", clock.now().isoformat()
        elif column.default is not None and column.default.is_scalar:
            filled[column.name], given[column.name] = f":{column.name}", column.default.arg
    statement = (f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) "
                 f"INSERT INTO {model.__tablename__} ({', '.join(filled)}) SELECT {', '.join(filled.values())} "
                 "FROM numbers")
    session.execute(text(statement), given)


def _measure(run_id: int, people: int, most_p99: int, longest: int, folder: str) -> int:
    with watch_disk(folder) as disk_before:
        alone = _change_while(lambda done: done < FLOOR_CHANGES)
    started = time.monotonic()
    planner = subprocess.Popen([sys.executable, "-m", "bench.enrol", "--plan", str(run_id)], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)
    with watch_disk(folder) as disk:
        beside = _change_while(lambda _done: planner.poll() is None)
    seconds = time.monotonic() - started
    said = planner.communicate()[0].split()
    if planner.returncode or _count_planned(run_id) != people:
        raise SystemExit("the plan is not complete; see above")
    megabytes, held = float(said[-1]), _milliseconds(beside, disk)
    print(f"{people:,} people planned in {seconds:.0f} s, {people / seconds:,.0f} a second; peak {megabytes:.0f} MB "
          f"(at most {MOST_MEGABYTES})")
    floor = _milliseconds(alone)
    _say(f"another writer, {len(beside):,} changes", _milliseconds(beside))
    _say(f"without what the disk made it wait (at most {most_p99} and {longest})", held)
    _say(f"while nobody plans, {len(alone):,} changes", floor)
    print(f"the disk kept a small file waiting for up to {disk.longest() * 1_000:.0f} ms, "
          f"{disk_before.longest() * 1_000:.0f} while nobody planned; ratio of the p99 {_p99(held) / _p99(floor):.1f}")
    return int(megabytes > MOST_MEGABYTES or _p99(held) > most_p99 or held[-1] > longest)


def _measure_books(run_id: int) -> int:
    from sqlalchemy import func, select

    from abm.outreach.messages import MessageFilter, list_messages
    from campaigns.books import keep_books
    from campaigns.models import Delivery, Run
    from campaigns.tally import tally_messages
    from core import db

    with db.reading() as session:
        campaign_id = session.get_one(Run, run_id).campaign_id
        floor = _quickest(lambda: session.scalar(select(func.count(Delivery.state))))
        books = _quickest(lambda: keep_books(session, tally_messages(session, campaign_id)))
        found = tally_messages(session, campaign_id)
        page = _quickest(lambda: list_messages(session, found, MessageFilter(book="sent")))
    print(f"the books: {books:.2f} s, {books / floor:.1f} x reading each message once (at most {MOST_BOOKS}); "
          f"a page of messages of which there is none: {page:.2f} s (at most {MOST_PAGE:.0f})")
    return int(books > floor * MOST_BOOKS or page > MOST_PAGE)


def _quickest(call: Callable[[], object]) -> float:
    """Seconds, the least of three."""
    spent = []
    for _ in range(3):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return min(spent)


def _change_while(goes_on: Callable[[int], bool]) -> list[tuple[float, float]]:
    """When each change began and ended, in seconds."""
    from sqlalchemy import text

    from core import db

    changes: list[tuple[float, float]] = []
    while goes_on(len(changes)):
        time.sleep(PAUSE)
        began = time.perf_counter()
        with db.transaction() as session:
            session.execute(text("UPDATE account SET city = :city WHERE id = :id"),
                            {"city": f"Town {len(changes)}", "id": 1 + len(changes) % 1_000})
        changes.append((began, time.perf_counter()))
    return changes


def _milliseconds(changes: list[tuple[float, float]], disk: DiskWaits | None = None) -> list[float]:
    """What each change took, sorted; without the waits of `disk` where it is given."""
    shares = (disk.within(began, ended) if disk else 0.0 for began, ended in changes)
    return sorted((ended - began - share) * 1_000 for (began, ended), share in zip(changes, shares, strict=True))


def _p99(spent: list[float]) -> float:
    return spent[min(int(len(spent) * 0.99), len(spent) - 1)]


def _say(what: str, spent: list[float]) -> None:
    print(f"{what}: median {spent[len(spent) // 2]:.1f} ms, p99 {_p99(spent):.1f} ms, longest {spent[-1]:.0f} ms")


def _count_planned(run_id: int) -> int:
    from sqlalchemy import func, select

    from campaigns.models import Delivery
    from core import db

    with db.reading() as session:
        return session.scalar(select(func.count()).where(Delivery.run_id == run_id)) or 0


if __name__ == "__main__":
    sys.exit(main())
