"""The gate's word before somebody dials. Where it blocks the number stays away; where it defers a person may decide."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.work.models import Task
from campaigns import gate
from campaigns.eligibility import Objection
from campaigns.gate_rules import decide
from campaigns.models import Delivery, Run
from campaigns.verdict import ALLOWED, Answer, Verdict
from core import clock
from core.errors import Refused

USUAL_PURPOSE = "marketing"


@dataclass(frozen=True, slots=True)
class Dialling:
    """May this call be made now? `objections`: by contact id, for the people of a call that names nobody."""

    verdict: Verdict
    is_decided: bool
    objections: Mapping[int, Objection]

    @property
    def is_blocked(self) -> bool:
        return self.verdict.answer is Answer.BLOCK

    @property
    def needs_decision(self) -> bool:
        return self.verdict.answer is Answer.DEFER and not self.is_decided


def ask_gate(session: Session, task: Task, *, people: tuple[int, ...] = ()) -> Dialling:
    """The gate's answer about this call at this moment. A campaign's call was counted when it was handed over: what it
    used up itself is not held against it."""
    run_id, purpose = _run_of(session, task)
    verdict = ALLOWED
    if task.account_id is not None:
        evidence, terms = gate.gather_touch(session, account_id=task.account_id, contact_id=task.contact_id,
                                            channel="call", purpose=purpose, at=clock.now(), run_id=run_id)
        verdict = decide(evidence, replace(terms, is_capped=run_id is None))
    objections = gate.find_objections(session, people, channel="call", purpose=purpose,
                                      at=clock.now()) if people else {}
    decided = (task.extra or {}).get("dial_anyway", {}).get("reason")
    return Dialling(verdict, decided is not None and decided == verdict.reason, objections)


def dial_anyway(session: Session, task: Task) -> Dialling:
    """A person's decision to call although the gate would wait; kept with the call and in the audit log.

    Raises Refused where the gate blocks: that is nobody's decision at the desk.
    """
    dialling = ask_gate(session, task)
    if dialling.is_blocked:
        raise Refused(dialling.verdict.detail)
    if dialling.needs_decision:
        decision: dict[str, Any] = {"by": actor().name, "at": clock.now().isoformat(),
                                    "reason": dialling.verdict.reason}
        task.extra = {**(task.extra or {}), "dial_anyway": decision}
        record(session, action="call.dial_anyway", subject="task", subject_id=task.id,
               after={"reason": dialling.verdict.reason, "rule": dialling.verdict.detail})
        session.flush()
    return replace(dialling, is_decided=True)


def _run_of(session: Session, task: Task) -> tuple[int | None, str]:
    if task.origin != "campaign" or not (task.origin_id or "").isdecimal():
        return None, USUAL_PURPOSE
    found = session.execute(select(Run.id, Run.purpose).join(Delivery, Delivery.run_id == Run.id)
                            .where(Delivery.id == int(task.origin_id or 0))).first()
    return (found[0], found[1]) if found else (None, USUAL_PURPOSE)
