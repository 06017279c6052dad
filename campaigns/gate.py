"""The one send gate: asked at the last moment about every touch, for a whole batch in a few queries.

What the rules look at is read here, set-based; the rules themselves are pure functions in `campaigns.gate_rules`,
where their order stands. Caps are only looked at here; `campaigns.caps.take_caps` takes them in the transaction of the
hand-over. A deferral always ends at a moment inside the window. When a store that a rule needs cannot be read, the
error passes to the caller and nothing is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from campaigns import caps, schedule
from campaigns.conditions import Since, find_fulfilled
from campaigns.eligibility import Objection, objection_to, objection_to_role
from campaigns.facts import DueDelivery, RunFacts
from campaigns.gate_rules import Evidence, Terms, decide
from campaigns.locks import holds_up
from campaigns.models import Campaign, ConversationLock, Enrolment, HoldoutAccount, Run, Touch
from campaigns.outside import Policy, Recipient, outside
from campaigns.states import CampaignState, Channel, EnrolmentState, RunState
from campaigns.suppressed import find_suppressed
from campaigns.verdict import Answer, Verdict
from core.id_lists import is_among, is_among_given

_PAUSED = (CampaignState.PAUSED, RunState.PAUSED)
_CANCELLED = (CampaignState.CANCELLED, RunState.CANCELLED)


@dataclass
class _Findings:
    """All that the rules look at, read once for the batch."""

    run: RunFacts
    policy: Policy
    hours: schedule.Hours
    at: datetime
    suppressed: Mapping[int, Objection]
    locks: Mapping[int, ConversationLock]
    held_out: frozenset[int]
    ended: Mapping[int, str]
    fulfilled: Mapping[int, str]
    ledger: caps.Ledger
    openings: dict[tuple[str, str], datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Decision:
    """One delivery's verdict with all that it came from."""

    delivery_id: int
    evidence: Evidence
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdicts of a batch, and what they can be made again from."""

    terms: Terms
    decisions: tuple[Decision, ...]

    def verdicts(self) -> dict[int, Verdict]:
        return {one.delivery_id: one.verdict for one in self.decisions}


def judge(session: Session, deliveries: Sequence[DueDelivery], *, run: RunFacts,
          recipients: Mapping[int, Recipient], at: datetime) -> dict[int, Verdict]:
    """A verdict for every delivery of the batch by its id, see `weigh`."""
    return weigh(session, deliveries, run=run, recipients=recipients, at=at).verdicts()


def weigh(session: Session, deliveries: Sequence[DueDelivery], *, run: RunFacts,
          recipients: Mapping[int, Recipient], at: datetime) -> Judgement:
    """Judge a batch, the first due first. `recipients` are the present facts by contact id (erased people missing).
    Changes nothing: caps are only looked at here."""
    if not deliveries:
        return Judgement(Terms(run.campaign_name), ())
    found = _find(session, deliveries, run, recipients, at)
    terms = _terms(session, found, deliveries[0].channel)
    ordered = sorted(deliveries, key=lambda due: (due.due_at, due.id))
    return Judgement(terms, tuple(_decide(due, recipients.get(due.contact_id), found, terms) for due in ordered))


def _find(session: Session, deliveries: Sequence[DueDelivery], run: RunFacts, recipients: Mapping[int, Recipient],
          at: datetime) -> _Findings:
    policy = outside().company.policy(session)
    accounts, people = {due.account_id for due in deliveries}, {due.contact_id for due in deliveries}
    ledger = caps.Ledger(policy) if run.is_cap_exempt else caps.open_ledger(
        session, accounts=accounts, people=people, policy=policy, at=at)
    ended, fulfilled = _find_stops(session, deliveries, run)
    return _Findings(
        run=run, policy=policy, hours=schedule.hours_of(run.definition.window, policy), at=at,
        ledger=ledger, ended=ended, fulfilled=fulfilled,
        suppressed=find_suppressed(session, recipients.values(), purpose=run.purpose),
        locks=_find_locks(session, accounts, at), held_out=_find_held_out(session, accounts, run))


def _terms(session: Session, found: _Findings, channel: str) -> Terms:
    states = set(session.connection().execute(_STATES, {"run": found.run.run_id}).one())
    return Terms(
        campaign=found.run.campaign_name, is_cancelled=bool(states & set(_CANCELLED)),
        is_paused=bool(states & set(_PAUSED)), is_all_paused=found.policy.is_sending_paused,
        stops_on_order="order" in found.run.definition.stop_when,
        is_capped=not found.run.is_cap_exempt and channel != Channel.WEBHOOK,
        points=caps.points_of(found.policy, channel), person_limits=caps.person_limits(found.policy))


_STATES = select(Campaign.state, Run.state).join(Run, Run.campaign_id == Campaign.id).where(Run.id == bindparam("run"))


def _decide(due: DueDelivery, recipient: Recipient | None, found: _Findings, terms: Terms) -> Decision:
    evidence = _evidence(due, recipient, found)
    verdict = decide(evidence, terms)
    if verdict.answer is Answer.DEFER and verdict.until is not None and recipient is not None:
        verdict = Verdict(Answer.DEFER, verdict.reason, verdict.detail, _opening(recipient, found, verdict.until))
    elif verdict.is_allowed and terms.is_capped:
        found.ledger.count(account_id=due.account_id, contact_id=due.contact_id, channel=due.channel, at=found.at)
    return Decision(due.id, evidence, verdict)


def _evidence(due: DueDelivery, recipient: Recipient | None, found: _Findings) -> Evidence:
    objection = (
        found.suppressed.get(due.contact_id)
        or objection_to(recipient, channel=due.channel, rules=found.policy.country_rules, at=found.at)
        or objection_to_role(recipient, found.run.definition.people.roles))
    lock = _holding(found.locks.get(due.account_id), found.run.run_id, due.contact_id, due.channel)
    account_used, person_used = found.ledger.used_by(due.account_id, due.contact_id)
    return Evidence(  # by place: made for every message
        found.at, due.due_at, _opening(recipient, found, found.at) if recipient else found.at, due.expires_at,
        found.ended.get(due.enrolment_id), (objection.reason, objection.detail) if objection else None,
        due.account_id in found.held_out, found.fulfilled.get(due.id), (lock.until, lock.reason) if lock else None,
        found.ledger.limits_of(due.account_id), account_used, person_used)


def _find_stops(session: Session, deliveries: Sequence[DueDelivery],
                run: RunFacts) -> tuple[dict[int, str], dict[int, str]]:
    """By enrolment id why it ended, and by delivery id the condition that stops the person or skips the step."""
    rows = {row[0]: row for row in session.connection().execute(
        _ENROLMENTS, {"ids": {due.enrolment_id for due in deliveries}}).all()}
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


_ENROLMENTS = select(Enrolment.id, Enrolment.state, Enrolment.end_reason, Enrolment.enrolled_at).where(
    is_among_given(Enrolment.id, "ids"))


def _find_locks(session: Session, accounts: set[int], at: datetime) -> dict[int, ConversationLock]:
    rows = session.scalars(_LOCKS, {"ids": accounts, "at": at})
    return {row.account_id: row for row in rows}


_LOCKS = select(ConversationLock).where(is_among_given(ConversationLock.account_id, "ids"),
                                        ConversationLock.until > bindparam("at"))


def _holding(lock: ConversationLock | None, run_id: int | None, contact_id: int | None,
             channel: str) -> ConversationLock | None:
    """The account's lock where it holds this touch up."""
    return lock if lock and holds_up(lock, run_id=run_id, contact_id=contact_id, channel=channel) else None


def _find_held_out(session: Session, accounts: set[int], run: RunFacts) -> frozenset[int]:
    if not run.definition.holdout_percent:
        return frozenset()
    return frozenset(session.scalars(select(HoldoutAccount.account_id).where(
        HoldoutAccount.campaign_id == run.campaign_id, is_among(HoldoutAccount.account_id, accounts),
        HoldoutAccount.is_held_out)))


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
    return decide(*gather_touch(session, account_id=account_id, contact_id=contact_id, channel=channel, purpose=purpose,
                                at=at))


def gather_touch(session: Session, *, account_id: int, contact_id: int | None, channel: str, purpose: str,
                 at: datetime, run_id: int | None = None) -> tuple[Evidence, Terms]:
    """What the rules look at for a touch by hand; without a person only what concerns the account. `run_id`: the run
    that asked for it, whose own conversation does not lock it out."""
    policy = outside().company.policy(session)
    people = set() if contact_id is None else {contact_id}
    found = {} if contact_id is None else find_objections(session, [contact_id], channel=channel, purpose=purpose,
                                                         at=at, policy=policy)
    objection = None if contact_id is None else found.get(contact_id)
    lock = _holding(_find_locks(session, {account_id}, at).get(account_id), run_id, contact_id, channel)
    ledger = caps.open_ledger(session, accounts={account_id}, people=people, policy=policy, at=at)
    account_used, person_used = ledger.used_by(account_id, contact_id)
    evidence = Evidence(
        at=at, due_at=at, opening=at, objection=(objection.reason, objection.detail) if objection else None,
        lock=(lock.until, lock.reason) if lock else None, account_limits=ledger.limits_of(account_id),
        account_used=account_used, person_used=person_used)
    points, limits = caps.points_of(policy, channel), caps.person_limits(policy)
    return evidence, Terms(campaign="", points=points, person_limits=limits)


def find_objections(session: Session, contact_ids: Sequence[int], *, channel: str, purpose: str, at: datetime,
                    policy: Policy | None = None) -> dict[int, Objection]:
    """By contact id what is held against touching the person at all: a stop, or their own facts."""
    rules = (policy or outside().company.policy(session)).country_rules
    recipients = outside().people.recipients(session, contact_ids)
    found = find_suppressed(session, recipients.values(), purpose=purpose)
    for contact_id in contact_ids:
        objection = objection_to(recipients.get(contact_id), channel=channel, rules=rules, at=at)
        if objection is not None:
            found.setdefault(contact_id, objection)
    return found


def record_touch(session: Session, *, account_id: int, contact_id: int | None, channel: str, at: datetime,
                 by_user_id: int | None = None, note: str = "") -> Touch:
    """Keep a touch that happened by hand; it counts against the caps from now on, whatever the gate would have said."""
    policy = outside().company.policy(session)
    touch = Touch(account_id=account_id, contact_id=contact_id, channel=channel, at=at, by_user_id=by_user_id,
                  points=caps.points_of(policy, channel), cost_amount=caps.cost_of(policy, channel), note=note[:300])
    session.add(touch)
    session.flush()
    return touch
