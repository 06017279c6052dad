"""Preview and full rebuild of a list of eight conditions against hand-written SQL for the same question.

    python -m bench.lists [--accounts 20000] [--budget 2.0]

ABM_BENCH_DATABASE_URL=postgresql://… measures PostgreSQL (in a schema of its own, dropped afterwards), else SQLite in a
temporary folder. Prints seconds (best of five) and the ratio to the hand-written statement; exits 1 above the budget.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

RULES = """
list: bench
title: Bench
who:
  all:
    - {field: analysis.abc, in: [A, B]}
    - {field: rhythm.overdue_ratio, more_than: 1.2}
    - {field: account.industry, in: [Retail, Wholesale, Food]}
    - {field: account.employees, at_least: 50}
    - not: {field: account.country, is: XX}
    - {field: account.name, contains: client}
    - has: contact
      where: {all: [{field: contact.buying_role, is: decision_maker}, {field: contact.language, is: en}]}
    - {has: order, where: {field: order.ordered_on, after: "2025-06-30"}, at_least: 3}
"""
HAND_WRITTEN = """
SELECT a.id FROM account a JOIN account_result r ON r.account_id = a.id AND r.run_id = 1
WHERE r.abc IN ('A', 'B') AND r.overdue_ratio > 1.2 AND lower(a.industry) IN ('retail', 'wholesale', 'food')
  AND a.employees >= 50 AND (a.country IS NULL OR lower(a.country) <> 'xx') AND lower(a.name) LIKE '%client%'
  AND EXISTS (SELECT 1 FROM contact c WHERE c.account_id = a.id AND c.is_active
              AND lower(c.buying_role) = 'decision_maker' AND lower(c.language) = 'en')
  AND (SELECT count(*) FROM customer_order o WHERE o.account_id = a.id AND NOT o.is_cancelled AND o.amount > 0
       AND o.ordered_on > '2025-06-30') >= 3
"""
HAND_PREVIEW = f"""
WITH found AS ({HAND_WRITTEN})
SELECT a.external_id, a.name, (SELECT count(*) FROM found),
       (SELECT count(*) FROM contact c WHERE c.is_active AND c.account_id IN (SELECT id FROM found))
FROM found f JOIN account a ON a.id = f.id ORDER BY a.name_key, a.id LIMIT 10
"""
HAND_REBUILD = (
    "DELETE FROM list_member WHERE list_id = 1",
    f"INSERT INTO list_member (list_id, account_id, added_at, how) SELECT 1, found.id, '2026-01-01', 'rule' "
    f"FROM ({HAND_WRITTEN}) found",
)
INDUSTRIES = ("Retail", "Wholesale", "Food", "Steel", "Chemicals")


def fill(connection: Connection, accounts: int) -> None:
    """Accounts with two people and five orders each, spread evenly."""
    at = "2026-01-01 00:00:00"
    connection.execute(text("INSERT INTO analysis_run (id, state, period, value_kind, step, started_at, started_by) "
                            "VALUES (1, 'done', 'month', 'revenue', '', :at, '')"), {"at": at})
    for start in range(0, accounts, 5_000):
        ids = range(start + 1, min(start + 5_000, accounts) + 1)
        _insert(connection, "account", [
            {"id": n, "external_id": f"A{n}", "name": f"Client {n}", "name_key": f"client {n}", "is_sample": False,
             "industry": INDUSTRIES[n % 5], "country": ("DE", "FR", "XX")[n % 3], "employees": n % 500,
             "created_at": at, "updated_at": at} for n in ids])
        _insert(connection, "account_result", [
            {"run_id": 1, "account_id": n, "orders": 5, "value": n * 1.5, "abc": "ABC"[n % 7 % 3], "is_new": False,
             "order_days": 5, "rhythm": "active", "overdue_ratio": (n % 30) / 10} for n in ids])
        _insert(connection, "contact", [
            {"external_id": f"C{n}-{k}", "account_id": n, "buying_role": ("decision_maker", "user")[(n + k) % 2],
             "language": ("en", "de")[n % 2], "lawful_basis": "contract", "is_active": True, "is_sample": False,
             "created_at": at, "updated_at": at} for n in ids for k in range(2)])
        _insert(connection, "customer_order", [
            {"external_id": f"O{n}-{k}", "account_id": n, "ordered_on": f"2025-{(n + 2 * k) % 12 + 1:02}-15",
             "amount": 1_000_000, "currency": "EUR", "is_cancelled": False, "created_at": at, "updated_at": at}
            for n in ids for k in range(5)])


def _insert(connection: Connection, table: str, rows: list[dict[str, object]]) -> None:
    names = list(rows[0])
    values = ", ".join(f":{name}" for name in names)
    connection.execute(text(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"), rows)


def best_of(times: int, run: Callable[[], object]) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        spent.append(time.perf_counter() - started)
    return min(spent)


def measure(session: Session) -> dict[str, tuple[float, float]]:
    """(ours, hand-written) in seconds, for preview and rebuild; checks first that both find the same accounts."""
    from abm.targets.actions import refresh_list, save_list
    from abm.targets.files import load_yaml, read_definition
    from abm.targets.previews import preview
    from abm.targets.scopes import get_vocabulary

    definition = read_definition(load_yaml(RULES), get_vocabulary(session))
    save_list(session, definition=definition)
    by_hand = len(session.execute(text(HAND_WRITTEN)).all())
    ours = preview(session, definition).accounts
    if ours != by_hand:
        raise SystemExit(f"the list has {ours} accounts, the hand-written statement {by_hand}")
    print(f"{ours:,} accounts fit")

    def rebuild() -> None:
        session.execute(text(HAND_REBUILD[0]))
        refresh_list(session, name="bench")

    def rebuild_by_hand() -> None:
        for statement in HAND_REBUILD:
            session.execute(text(statement))

    return {
        "preview": (best_of(5, lambda: preview(session, definition)),
                    best_of(5, lambda: session.execute(text(HAND_PREVIEW)).all())),
        "rebuild": (best_of(5, rebuild), best_of(5, rebuild_by_hand)),
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--accounts", type=int, default=20_000)
    options.add_argument("--budget", type=float, default=2.0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(ABM_DATA_DIR=folder, ABM_SECRET_KEY="bench-key-of-at-least-thirty-two-characters")
        from abm.all_models import metadata
        from core.db import make_engine

        url = os.environ.get("ABM_BENCH_DATABASE_URL", "").replace("postgresql://", "postgresql+psycopg://")
        engine = make_engine(url or f"sqlite:///{Path(folder) / 'bench.db'}")
        with Session(engine) as session:
            if url:
                session.execute(text("CREATE SCHEMA bench_lists"))
                session.execute(text("SET search_path TO bench_lists"))
            connection = session.connection()
            metadata.create_all(connection)
            fill(connection, chosen.accounts)
            session.execute(text("ANALYZE"))
            found = measure(session)
            session.rollback()
        engine.dispose()
    for name, (ours, floor) in found.items():
        print(f"{name}: {ours:.3f} s, hand-written {floor:.3f} s, ratio {ours / floor:.2f}")
    return int(any(ours / floor > chosen.budget for ours, floor in found.values()))


if __name__ == "__main__":
    sys.exit(main())
