"""Decisions of the send gate per second and process, in batches of 500, everything read from the database.

    python -m bench.gate [--messages 20000] [--database postgresql|sqlite]

Asked for messages that are due, with the default caps, as sending asks: `with people` counts reading the recipients'
present facts, too. The floor is the loop of one query per message that asks the suppression list alone. Exits 1 below
20,000 decisions a second.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from bench.outbox_load import database, fill_outbox

WANTED, BATCH, FLOOR = 20_000, 500, 1_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    given = parser.parse_args()
    with database(given.database) as (url, folder):
        os.environ.update(ABM_DATA_DIR=folder, ABM_DATABASE_URL=url, ABM_SECRET_KEY="benchmark-key-" * 4)
        from abm.wiring import connect_engine

        connect_engine()
        fill_outbox(given.messages)
        return _measure(given.messages)


def _measure(messages: int) -> int:
    from campaigns.collecting import rare_collections
    from core import db

    with db.reading() as session, rare_collections():
        dues = _dues(session)
        batches = [dues[start:start + BATCH] for start in range(0, len(dues), BATCH)]
        _decide_all(session, batches[:2])
        people, gate = _decide_all(session, batches)
        floor = _time(lambda: _ask_one_by_one(session, dues[:FLOOR])) / FLOOR
    print(f"gate:                 {messages / gate:9,.0f} decisions a second (at least {WANTED:,})")
    print(f"gate with people:     {messages / (gate + people):9,.0f} a second")
    print(f"one query a message:  {1 / floor:9,.0f} a second; "
          f"the gate with people is {floor * messages / (gate + people):.1f} x as fast")
    return int(messages / gate < WANTED)


def _dues(session: Any) -> list[Any]:
    from sqlalchemy import select

    from campaigns.facts import DueDelivery
    from campaigns.models import Delivery

    names = ("id", "run_id", "version_id", "enrolment_id", "account_id", "contact_id", "position", "step", "channel",
             "address", "generation", "planned_at", "due_at", "expires_at")
    rows = session.execute(select(*(getattr(Delivery, name) for name in names)).order_by(Delivery.id))
    return [DueDelivery(*row) for row in rows]


def _decide_all(session: Any, batches: Sequence[Sequence[Any]]) -> tuple[float, float]:
    """Seconds for reading the people and for the decisions."""
    from campaigns import gate
    from campaigns.outside import outside
    from campaigns.preparing import read_run
    from core import clock

    run = read_run(session, batches[0][0].run_id, batches[0][0].version_id)
    people = decisions = 0.0
    for dues in batches:
        started = time.perf_counter()
        recipients = outside().people.recipients(session, sorted({due.contact_id for due in dues}))
        known = time.perf_counter()
        judged = gate.weigh(session, dues, run=run, recipients=recipients, at=clock.now())
        if not all(one.verdict.is_allowed for one in judged.decisions):
            raise SystemExit("the gate refused a message that nothing stands against")
        people, decisions = people + known - started, decisions + time.perf_counter() - known
    return people, decisions


def _ask_one_by_one(session: Any, dues: Sequence[Any]) -> None:
    from sqlalchemy import select

    from campaigns.models import Suppression

    for due in dues:
        session.execute(select(Suppression.id).where(Suppression.scope == "contact",
                                                     Suppression.key == str(due.contact_id))).all()


def _time(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
