"""Preview, full rebuild and refresh after 1,000 changes of a list of eight conditions, against hand-written SQL.

    python -m bench.lists FOLDER [--scale 1.0] [--budget 2.0]

Runs on the company of bench/made_company.py (100,000 accounts, 1,000,000 people, their orders at scale 1; made in
FOLDER when it is not there), on SQLite or with ABM_BENCH_DATABASE_URL on PostgreSQL, in one transaction, rolled back.
Prints seconds (best of five; of twenty for the refresh, which is short) and the ratio: preview and rebuild to the
hand-written statement (budget 2), the refresh after 1,000 changed accounts to our own rebuild of the same list, with
its members in place or without them, whichever is quicker (budget 0.1). Exits 1 above a budget.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.made_company import opened_company

CHANGED, REFRESH_BUDGET = 1_000, 0.1
RULES = """
list: bench
title: Bench
who:
  all:
    - {field: analysis.abc, in: [A, B]}
    - {field: rhythm.overdue_ratio, more_than: 0.5}
    - {field: account.industry, in: [Retail, Wholesale, Food, Steel]}
    - {field: account.employees, at_least: 500}
    - not: {field: account.country, is: US}
    - {field: account.name, contains: an}
    - has: contact
      where: {all: [{field: contact.buying_role, is: decision_maker}, {field: contact.language, is: en}]}
    - {has: order, where: {field: order.ordered_on, after: "2025-06-30"}, at_least: 3}
"""
HAND_WRITTEN = """
SELECT a.id FROM account a JOIN account_result r ON r.account_id = a.id AND r.run_id = {run}
WHERE r.abc IN ('A', 'B') AND r.overdue_ratio > 0.5 AND lower(a.industry) IN ('retail', 'wholesale', 'food', 'steel')
  AND a.employees >= 500 AND (a.country IS NULL OR lower(a.country) <> 'us') AND lower(a.name) LIKE '%an%'
  AND EXISTS (SELECT 1 FROM contact c WHERE c.account_id = a.id AND c.is_active
              AND lower(c.buying_role) = 'decision_maker' AND lower(c.language) = 'en')
  AND (SELECT count(*) FROM customer_order o WHERE o.account_id = a.id AND NOT o.is_cancelled AND o.amount > 0
       AND o.ordered_on > '2025-06-30') >= 3
"""
HAND_PREVIEW = """
WITH found AS ({found})
SELECT a.external_id, a.name, (SELECT count(*) FROM found),
       (SELECT count(*) FROM contact c WHERE c.is_active AND c.account_id IN (SELECT id FROM found))
FROM found f JOIN account a ON a.id = f.id ORDER BY a.name_key, a.id LIMIT 10
"""
HAND_REBUILD = ("DELETE FROM list_member WHERE list_id = {list}",
                "INSERT INTO list_member (list_id, account_id, added_at, how) "
                "SELECT {list}, found.id, '2026-01-01', 'rule' FROM ({found}) found")


def best_of(times: int, run: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    spent = []
    for _ in range(times):
        before()
        started = time.perf_counter()
        run()
        spent.append(time.perf_counter() - started)
    return min(spent)


def measure(session: Session) -> dict[str, tuple[float, float, float]]:
    """(ours, floor, most) by what is measured; checks first that both find the same accounts."""
    from abm.analysis.queries import latest_run
    from abm.targets.actions import refresh_list, save_list
    from abm.targets.addressing import keep_addresses
    from abm.targets.files import load_yaml, read_definition
    from abm.targets.models import AccountChange
    from abm.targets.previews import preview
    from abm.targets.scopes import get_vocabulary

    run = latest_run(session)
    assert run is not None
    keep_addresses(session)
    session.query(AccountChange).delete()
    definition = read_definition(load_yaml(RULES), get_vocabulary(session))
    row = save_list(session, definition=definition).row
    hand = HAND_WRITTEN.format(run=run.id)
    by_hand, ours = len(session.execute(text(hand)).all()), preview(session, definition).accounts
    if ours != by_hand:
        raise SystemExit(f"the list has {ours} accounts, the hand-written statement {by_hand}")
    print(f"{ours:,} accounts fit")

    def clear() -> None:
        session.execute(text(f"DELETE FROM list_member WHERE list_id = {row.id}"))
        session.execute(text(f"DELETE FROM list_spell WHERE list_id = {row.id}"))

    def rebuild_by_hand() -> None:
        for statement in HAND_REBUILD:
            session.execute(text(statement.format(list=row.id, found=hand)))

    turn = iter(range(100))

    def change() -> None:
        start = next(turn)
        session.execute(text("UPDATE account SET employees = employees + 700 WHERE id % 97 = :start AND id <= :last"),
                        {"start": start, "last": 97 * CHANGED})

    floor = best_of(5, rebuild_by_hand)
    rebuild = best_of(5, lambda: refresh_list(session, name="bench", everybody=True), clear)
    again = best_of(5, lambda: refresh_list(session, name="bench", everybody=True))
    refresh = best_of(20, lambda: refresh_list(session, name="bench"), change)
    return {"preview": (best_of(5, lambda: preview(session, definition)),
                        best_of(5, lambda: session.execute(text(HAND_PREVIEW.format(found=hand))).all()), 0.0),
            "rebuild": (rebuild, floor, 0.0),
            f"refresh after {CHANGED:,} changes, to the rebuild": (refresh, min(rebuild, again), REFRESH_BUDGET)}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--budget", type=float, default=2.0)
    chosen = options.parse_args()
    company = opened_company(chosen.folder, scale=chosen.scale, analyse=True, report=True)
    with company as engine, Session(engine) as session:
        found = measure(session)
        session.rollback()
    is_over = False
    for name, (ours, floor, most) in found.items():
        budget = most or chosen.budget
        is_over = is_over or ours / floor > budget
        print(f"{name}: {ours:.4f} s of {floor:.4f} s, ratio {ours / floor:.3f} (at most {budget:g})")
    return int(is_over)


if __name__ == "__main__":
    sys.exit(main())
