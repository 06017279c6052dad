"""Why each message stands where it does: what was stored with it, and what a queued one waits for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.outreach.reasons import explain_reason
from campaigns import schedule
from campaigns.models import Delivery, Run
from campaigns.outside import Policy, Recipient, outside
from campaigns.preparing import read_run
from campaigns.states import DeliveryState, Reason, RunState
from campaigns.waits import Wait, say_moment, say_wait
from core import clock


@dataclass(frozen=True, slots=True)
class Why:
    """A reason in a few words and the sentence behind it; both may be empty."""

    reason: str = ""
    detail: str = ""


def explain_messages(session: Session, deliveries: Iterable[Delivery]) -> Mapping[int, Why]:
    """By the message's id. Waiting for a window is told on the recipient's clock, as it stands now."""
    rows, at = list(deliveries), clock.now()
    found = {row.id: Why(explain_reason(row.reason), row.detail or "") for row in rows}
    waits = _Waits(session, [row for row in rows if _is_waiting(row)], at)
    deferred = [row for row in rows if row.state == DeliveryState.DEFERRED]
    zone = outside().company.policy(session).zone if deferred else ""
    return found | {row.id: _tried(row, zone) for row in deferred} | {row.id: waits.why(row) for row in waits.rows}


def _is_waiting(row: Delivery) -> bool:
    return row.state == DeliveryState.QUEUED and row.reason in (None, Reason.OUTSIDE_WINDOW)


def _tried(row: Delivery, zone: str) -> Why:
    tries = f"tried {row.attempts} times" if row.attempts > 1 else "tried once"
    again = say_moment(row.due_at, zone)
    said = f"{row.detail or 'Not taken'} ({tries}; again on {again})"
    return Why(explain_reason(row.reason or Reason.NOT_TAKEN), said)


class _Waits:
    """What the sentences about some waiting messages need, read once."""

    def __init__(self, session: Session, rows: list[Delivery], at: datetime) -> None:
        self.rows, self._at = rows, at
        if not rows:
            return
        self._policy: Policy = outside().company.policy(session)
        self._people: Mapping[int, Recipient] = outside().people.recipients(session, [row.contact_id for row in rows])
        self._states = {run_id: state for run_id, state in session.execute(
            select(Run.id, Run.state).where(Run.id.in_({row.run_id for row in rows})))}
        self._windows = {key: read_run(session, *key).definition.window
                         for key in {(row.run_id, row.version_id) for row in rows}}

    def why(self, row: Delivery) -> Why:
        if self._policy.is_sending_paused:
            return _paused("All sending is paused; an admin resumes it in Settings.")
        if self._states[row.run_id] == RunState.PAUSED:
            return _paused("The campaign is paused; a marketer or an admin resumes it.")
        if row.due_at <= self._at:
            return Why("Due now", row.detail or "A worker takes it next.")
        wait = self._wait(row)
        return Why(explain_reason(wait.reason) if wait.reason else "Not due yet", wait.detail)

    def _wait(self, row: Delivery) -> Wait:
        window, person = self._windows[(row.run_id, row.version_id)], self._people.get(row.contact_id)
        zone = schedule.zone_of(window, recipient=person.zone if person else "",
                                account=person.account_zone if person else "", company=self._policy.zone)
        return say_wait(row.due_at, at=self._at, hours=schedule.hours_of(window, self._policy), zone=zone,
                        country=person.country if person else self._policy.country)


def _paused(detail: str) -> Why:
    return Why(explain_reason(Reason.PAUSED), detail)
