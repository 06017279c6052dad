"""The one send gate: asked at the last moment about every touch, for a whole batch in a few queries.

The rules, in this order; the first that speaks decides:

1. block: campaign cancelled; person erased, left, without basis, without the consent their country asks for, or without
   an address; stopped by reply, order, meeting or opt-out; suppressed (address, domain, person, account); held out;
   the step's `unless`; waited beyond the delivery's expiry
2. defer: campaign or company paused; conversation lock; outside the window; over a cap (peeked at here, taken by
   `campaigns.caps.take_caps` in the transaction of the hand-over)

A deferral always ends at a moment inside the window. When a store that a rule needs cannot be read, the error passes to
the caller and nothing is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from campaigns import caps, schedule
from campaigns.conditions import Since, find_fulfilled
from campaigns.eligibility import Objection, objection_to, objection_to_role
from campaigns.facts import DueDelivery, RunFacts
from campaigns.models import Campaign, ConversationLock, Enrolment, HoldoutAccount, Run, Touch
from campaigns.outside import Policy, Recipient, outside
from campaigns.states import CampaignState, Channel, EnrolmentState, Reason, RunState
from campaigns.suppressed import find_suppressed
from campaigns.verdict import ALLOWED, Answer, Verdict, block, defer
from core.id_lists import is_among

PAUSE_CHECK = timedelta(minutes=5)
_PAUSED = (CampaignState.PAUSED, RunState.PAUSED)
_CANCELLED = (CampaignState.CANCELLED, RunState.CANCELLED)


@dataclass
class _Findings:
    """All that the rules look at, read once for the batch."""

    run: RunFacts
    policy: Policy
    hours: schedule.Hours
    at: datetime
    is_cancelled: bool
    is_paused: bool
    suppressed: Mapping[int, Objection]
    locks: Mapping[int, ConversationLock]
    held_out: frozenset[int]
    ended: Mapping[int, str]
    fulfilled: Mapping[int, str]
    ledger: caps.Ledger | None
    openings: dict[tuple[str, str], datetime] = field(default_factory=dict)


def judge(session: Session, deliveries: Sequence[DueDelivery], *, run: RunFacts,
          recipients: Mapping[int, Recipient], at: datetime) -> dict[int, Verdict]:
    """A verdict for every delivery of the batch by its id. `recipients` are the present facts by contact id (erased
    people missing). Changes nothing: caps are only looked at here."""
    if not deliveries:
        return {}
    found = _find(session, deliveries, run, recipients, at)
    ordered = sorted(deliveries, key=lambda due: (due.due_at, due.id))
    return {due.id: _judge_one(due, recipients.get(due.contact_id), found) for due in ordered}


def _find(session: Session, deliveries: Sequence[DueDelivery], run: RunFacts, recipients: Mapping[int, Recipient],
          at: datetime) -> _Findings:
    policy = outside().company.policy(session)
    accounts, people = {due.account_id for due in deliveries}, {due.contact_id for due in deliveries}
    states = session.execute(select(Campaign.state, Run.state).join(Run, Run.campaign_id == Campaign.id)
                             .where(Run.id == run.run_id)).one()
    ledger = None if run.is_cap_exempt else caps.open_ledger(session, accounts=accounts, people=people, policy=policy,
                                                             at=at)
    ended, fulfilled = _find_stops(session, deliveries, run)
    return _Findings(
        run=run, policy=policy, hours=schedule.hours_of(run.definition.window, policy), at=at,
        is_cancelled=bool(set(states) & set(_CANCELLED)),
        is_paused=policy.is_sending_paused or bool(set(states) & set(_PAUSED)),
        ledger=ledger, ended=ended, fulfilled=fulfilled,
        suppressed=find_suppressed(session, recipients.values(), purpose=run.purpose),
        locks=_find_locks(session, accounts, run.run_id, at), held_out=_find_held_out(session, accounts, run))


def _find_stops(session: Session, deliveries: Sequence[DueDelivery],
                run: RunFacts) -> tuple[dict[int, str], dict[int, str]]:
    """By enrolment id why it ended, and by delivery id the condition that stops the person or skips the step."""
    rows = {row.id: row for row in session.execute(
        select(Enrolment.id, Enrolment.state, Enrolment.end_reason, Enrolment.enrolled_at)
        .where(is_among(Enrolment.id, {due.enrolment_id for due in deliveries})))}
    ended = {row.id: row.end_reason or "" for row in rows.values() if row.state == EnrolmentState.STOPPED}
    fulfilled: dict[int, str] = {}
    by_position: dict[int, dict[int, Since]] = {}
    for due in deliveries:
        if due.enrolment_id in rows:
            since = Since(due.contact_id, due.account_id, rows[due.enrolment_id].enrolled_at)
            by_position.setdefault(due.position, {})[due.id] = since
    for position, people in by_position.items():
        asked = (*(("ordered",) if "order" in run.definition.stop_when else ()),
                 *run.definition.steps[position].unless)
        fulfilled |= find_fulfilled(session, people, asked)
    return ended, fulfilled


def _find_locks(session: Session, accounts: set[int], run_id: int | None, at: datetime) -> dict[int, ConversationLock]:
    rows = session.scalars(select(ConversationLock).where(
        is_among(ConversationLock.account_id, accounts), ConversationLock.until > at,
        or_(ConversationLock.exempt_run_id.is_(None), ConversationLock.exempt_run_id != run_id)))
    return {row.account_id: row for row in rows}


def _find_held_out(session: Session, accounts: set[int], run: RunFacts) -> frozenset[int]:
    if not run.definition.holdout_percent:
        return frozenset()
    return frozenset(session.scalars(select(HoldoutAccount.account_id).where(
        HoldoutAccount.campaign_id == run.campaign_id, is_among(HoldoutAccount.account_id, accounts),
        HoldoutAccount.is_held_out)))


def _judge_one(due: DueDelivery, recipient: Recipient | None, found: _Findings) -> Verdict:
    blocked = _blocked(due, recipient, found)
    if blocked is not None or recipient is None:
        return blocked or ALLOWED
    verdict = _deferred(due, found)
    opening = _opening(recipient, found, verdict.until if verdict and verdict.until else found.at)
    if verdict is None and opening > found.at:
        verdict = defer(Reason.OUTSIDE_WINDOW, opening, f"It is outside the sending window; the next opening is "
                                                        f"{opening:%Y-%m-%d %H:%M} UTC. The campaign's window sets it.")
    if verdict is None and found.ledger is not None and due.channel != Channel.WEBHOOK:
        verdict = found.ledger.admit(account_id=due.account_id, contact_id=due.contact_id, channel=due.channel,
                                     at=found.at)
        opening = _opening(recipient, found, verdict.until) if verdict and verdict.until else opening
    return Verdict(Answer.DEFER, verdict.reason, verdict.detail, opening) if verdict else ALLOWED


def _blocked(due: DueDelivery, recipient: Recipient | None, found: _Findings) -> Verdict | None:
    if found.is_cancelled:
        return block(Reason.CAMPAIGN_CANCELLED, f"The campaign {found.run.campaign_name} was cancelled.")
    if due.enrolment_id in found.ended:
        reason = found.ended[due.enrolment_id]
        return block(Reason(reason) if reason in set(Reason) else Reason.CONDITION,
                     f"The person's way through the campaign ended: {reason.replace('_', ' ')}.")
    objection = found.suppressed.get(due.contact_id) or objection_to(
        recipient, channel=due.channel, consent_countries=found.policy.consent_countries) or objection_to_role(
        recipient, found.run.definition.people.roles)
    if objection:
        return block(objection.reason, objection.detail)
    if due.account_id in found.held_out:
        return block(Reason.HELD_OUT, "The account is held out to measure the campaign's effect; nobody lifts this.")
    return _blocked_by_condition(due, found) or _blocked_by_age(due, found)


def _blocked_by_condition(due: DueDelivery, found: _Findings) -> Verdict | None:
    condition = found.fulfilled.get(due.id)
    if condition is None:
        return None
    if condition == "ordered" and "order" in found.run.definition.stop_when:
        return block(Reason.ORDERED, "The account has ordered since the enrolment, and the campaign stops then.")
    return block(Reason.CONDITION, f'The step says "unless {condition}", and since the enrolment that is so.')


def _blocked_by_age(due: DueDelivery, found: _Findings) -> Verdict | None:
    if due.expires_at is None or found.at < due.expires_at:
        return None
    return block(Reason.WAITED_TOO_LONG, f"It was due at {due.due_at:%Y-%m-%d %H:%M} UTC and could not go out before "
                                         f"{due.expires_at:%Y-%m-%d %H:%M} UTC; a person can send it again.")


def _deferred(due: DueDelivery, found: _Findings) -> Verdict | None:
    if found.is_paused:
        who = "All sending" if found.policy.is_sending_paused else f"The campaign {found.run.campaign_name}"
        return defer(Reason.PAUSED, found.at + PAUSE_CHECK, f"{who} is paused; a marketer or an admin resumes it.")
    lock = found.locks.get(due.account_id)
    if lock:
        return _locked(lock)
    return None


def _locked(lock: ConversationLock) -> Verdict:
    return defer(Reason.CONVERSATION_LOCKED, lock.until,
                 f"A conversation with the account is open until {lock.until:%Y-%m-%d} ({lock.reason}); "
                 f"its owner or the meeting can release it.")


def _opening(recipient: Recipient, found: _Findings, moment: datetime) -> datetime:
    """The first moment inside the window for this person, computed once per zone and country of the batch."""
    zone = schedule.zone_of(found.run.definition.window, recipient=recipient.zone, account=recipient.account_zone,
                            company=found.policy.zone)
    if moment != found.at:
        return schedule.next_opening(found.hours, zone, moment, recipient.country)
    key = (zone, recipient.country)
    if key not in found.openings:
        found.openings[key] = schedule.next_opening(found.hours, zone, moment, recipient.country)
    return found.openings[key]


def may_touch(session: Session, *, account_id: int, contact_id: int | None, channel: str, purpose: str,
              at: datetime) -> Verdict:
    """The gate's answer about a touch that no campaign makes: a call, visit or letter by hand. Changes nothing."""
    policy = outside().company.policy(session)
    if contact_id is not None:
        recipients = outside().people.recipients(session, [contact_id])
        stop = find_suppressed(session, recipients.values(), purpose=purpose).get(contact_id) or objection_to(
            recipients.get(contact_id), channel=channel, consent_countries=policy.consent_countries)
        if stop:
            return block(stop.reason, stop.detail)
    lock = _find_locks(session, {account_id}, None, at).get(account_id)
    if lock:
        return _locked(lock)
    people = set() if contact_id is None else {contact_id}
    ledger = caps.open_ledger(session, accounts={account_id}, people=people, policy=policy, at=at)
    return ledger.admit(account_id=account_id, contact_id=contact_id, channel=channel, at=at) or ALLOWED


def record_touch(session: Session, *, account_id: int, contact_id: int | None, channel: str, at: datetime,
                 by_user_id: int | None = None, note: str = "") -> Touch:
    """Keep a touch that happened by hand; it counts against the caps from now on, whatever the gate would have said."""
    policy = outside().company.policy(session)
    touch = Touch(account_id=account_id, contact_id=contact_id, channel=channel, at=at, by_user_id=by_user_id,
                  points=caps.points_of(policy, channel), cost_amount=caps.cost_of(policy, channel), note=note[:300])
    session.add(touch)
    session.flush()
    return touch
