"""F20 and F28: rows that cannot be made, and rows that kill whoever makes them."""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import update

from abm.contacts.models import Contact
from campaigns import preparing
from campaigns.jobs import sweep
from core.db import transaction
from core.jobs import ring
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import CONNECTIONS, Scene, wait_until
from tests.outbox_factory import deliveries, running_campaign, states

NAMELESS = {"first_name": None}
UNADDRESSABLE = "jane{}@example.com\r\nBcc: everybody@example.com"


@fault("F20", "one row in a hundred is poisoned", rounds=1, messages=1_000, needs=("proc",), long=Plan(1, 10_000))
def poison_rows(scene: Scene, plan: Plan) -> Verdict:
    """The others go out; each poisoned row fails alone and says why."""
    running_campaign(plan.messages)
    poisoned = [row.contact_id for row in deliveries()][::100]
    with transaction() as session:
        for number, contact_id in enumerate(poisoned):
            values = NAMELESS if number % 2 else {"email": UNADDRESSABLE.format(number)}
            session.execute(update(Contact).where(Contact.id == contact_id).values(**values))
    ring("outreach.drain")
    scene.start_worker()
    wait_until(lambda: set(states()) <= {"sent", "failed_render"}, 240, every=0.2)
    failed = {row.contact_id for row in deliveries() if row.state == "failed_render" and row.detail}
    return _verdict(scene, plan, left=len(poisoned),
                    broken=[] if failed == set(poisoned) else [f"{len(failed)} of {len(poisoned)} failed by name"])


def _deadly(victim: int) -> Callable[..., Any]:
    """As the real maker, but whoever makes the victim's message is killed, as by the system for lack of memory."""
    real = preparing._try_to_make

    def make(row: Any, *given: Any) -> Any:
        if row.due.contact_id == victim:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(row, *given)

    return make


@fault("F28", "a row kills every work-horse that takes it", rounds=1, messages=60, needs=("proc",),
       long=Plan(2, 600))
def kill_by_row(scene: Scene, plan: Plan) -> Verdict:
    """It is found out, quarantined after two lone deaths, and everybody else gets their message."""
    running_campaign(plan.messages)
    victim = deliveries()[plan.chance().randrange(plan.messages)].contact_id
    real = preparing._try_to_make
    since = time.monotonic()
    try:
        preparing._try_to_make = _deadly(victim)
        scene.start_worker()
        ring("outreach.drain")
        wait_until(lambda: sweep() is None and set(states()) <= {"sent", "unknown", "quarantined"}, 90, every=0.5)
    finally:
        preparing._try_to_make = real
    quarantined = [row for row in deliveries() if row.state == "quarantined"]
    broken = [] if [row.contact_id for row in quarantined] == [victim] else [f"quarantined: {len(quarantined)} rows"]
    return _verdict(scene, plan, left=1, broken=broken, recovery=time.monotonic() - since, deaths=4)


def _verdict(scene: Scene, plan: Plan, *, left: int, broken: list[str], recovery: float = 0.0,
             deaths: int = 0) -> Verdict:
    """All but `left` were accepted once and count as sent; what a killed process had on the wire may be in doubt."""
    accepted, found = scene.accepted(), states()
    verdict = Verdict(plan.messages, recoveries=[recovery], broken=broken, most_unknown=deaths * CONNECTIONS)
    verdict.duplicated = sum(times - 1 for times in accepted.values())
    verdict.unknown = found.get("unknown", 0)
    sent = {row.message_id for row in deliveries() if row.state == "sent"}
    verdict.lost = plan.messages - left - verdict.unknown - len(sent) + len(sent - set(accepted))
    verdict.notes.append(f"{found}")
    return verdict
