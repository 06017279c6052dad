"""From a claimed batch to messages that are ready for the hand-over commit: facts, gate, rendering (T3 and T4).

All of it reads for the whole batch in a few queries; a person's missing value stops that person's message alone.
"""

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from campaigns import gate, gate_log
from campaigns.channels.base import Making, Outgoing, Request
from campaigns.channels.letter import NoPostalAddress
from campaigns.channels.registry import CARRIED, PLACED
from campaigns.commits import in_transaction
from campaigns.definition import Definition, EmailStep, Step, parse
from campaigns.facts import DeliveryFacts, DueDelivery, RunFacts
from campaigns.gate import Judgement
from campaigns.message_ids import message_id
from campaigns.models import Campaign, CampaignVersion, Delivery, Run
from campaigns.moved_addresses import find_moved, take_mailboxes
from campaigns.outbox import ClaimedBatch, ClaimedRow, Prepared, settle_before_hand_over
from campaigns.outside import Policy, Recipient, outside
from campaigns.personalisation import ContentFailure, Values
from campaigns.rendering import CompiledEmail, compile_email
from campaigns.sandbox_rules import ContentRefused
from campaigns.sending.allowances import find_rivals
from campaigns.sending.dkim import Signer
from campaigns.sending.dkim_keys import list_signers
from campaigns.states import Channel, DeliveryState, Reason
from campaigns.tracking import envelope_sender, preferences_url, unsubscribe_url
from campaigns.variants import draw_variant
from campaigns.verdict import Verdict
from core import clock
from core.db import reading
from core.errors import CannotRun
from core.id_lists import is_among
from core.logs import logger

PUT_OFF = timedelta(minutes=5)
_DOUBLE = "The person's address changed, and somebody else of this run is reached at the same mailbox."
_log = logger(__name__)


@dataclass(slots=True)
class Ready:
    """One delivery that passed the gate and could be made: a message for a carrier, or a request to be placed."""

    due: DueDelivery
    prepared: Prepared
    outgoing: Outgoing | None
    request: Request | None


@dataclass
class ReadyBatch:
    """What is left of a batch to hand over, in order of due time. `rivals`: by recipient domain the runs that want to
    write there too and get their part of the day."""

    batch: ClaimedBatch
    run: RunFacts
    policy: Policy
    ready: deque[Ready] = field(default_factory=deque)
    unlogged: Judgement | None = None
    rivals: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def log_decisions(self, session: Session) -> None:
        """Keep the gate's decisions with the first transaction that follows from them; set `unlogged` to None once it
        is committed."""
        if self.unlogged is not None:
            gate_log.keep(session, self.unlogged, run_id=self.batch.run_id, batch_id=self.batch.id, at=clock.now())


@dataclass
class _Material:
    """All that was read for a batch."""

    run: RunFacts
    step: Step
    policy: Policy
    recipients: Mapping[int, Recipient]
    values: Mapping[int, Values]
    judgement: Judgement
    verdicts: Mapping[int, Verdict]
    references: Mapping[int, tuple[str, ...]]
    epoch: int
    signers: Sequence[Signer] = ()
    postal: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    external: Mapping[int, tuple[str, str, str]] = field(default_factory=dict)
    offers: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    contents: dict[tuple[str | None, str | None], CompiledEmail] = field(default_factory=dict)


def prepare(batch: ClaimedBatch, *, epoch: int) -> ReadyBatch:
    """Judge and render a batch. What may not go on is settled in the database; `epoch` was read before this call."""
    with reading() as session:
        found = _read(session, batch, epoch)
        rivals = _find_rivals(session, batch)
    allowed = [row for row in batch.rows if found.verdicts[row.due.id].is_allowed]
    if found.step.offer and allowed:
        found.offers = in_transaction(lambda session: _grant(session, found, allowed))
    made = ReadyBatch(batch, found.run, found.policy, unlogged=found.judgement, rivals=rivals)
    settled = [_settled_by_gate(row.due, found.verdicts[row.due.id]) for row in batch.rows
               if not found.verdicts[row.due.id].is_allowed]
    doubles = _find_doubles(batch, allowed, found)
    settled += [_settled(row.due, DeliveryState.SUPPRESSED, Reason.SAME_MAILBOX, _DOUBLE) for row in allowed
                if row.due.id in doubles]
    for row in [row for row in allowed if row.due.id not in doubles]:
        failure = _try_to_make(row, found, batch, made.ready)
        if failure:
            settled.append(failure)
    if settled:
        in_transaction(lambda session: _settle(session, made, settled))
        made.unlogged = None
    return made


def _find_rivals(session: Session, batch: ClaimedBatch) -> Mapping[str, frozenset[int]]:
    domains = {(row.due.address or "").rpartition("@")[2].lower() for row in batch.rows}
    return find_rivals(session, batch.route, domains=domains, runs=batch.rivals, at=clock.now())


def _find_doubles(batch: ClaimedBatch, rows: list[ClaimedRow], found: _Material) -> set[int]:
    """Those whose address has become that of somebody else of this step since the plan was made."""
    moved = find_moved([row.due for row in rows], found.recipients) if batch.channel == Channel.EMAIL else {}
    return in_transaction(lambda session: take_mailboxes(session, moved, fence=batch.fence)) if moved else set()


def _settle(session: Session, made: ReadyBatch, settled: Sequence[Mapping[str, Any]]) -> None:
    settle_before_hand_over(session, fence=made.batch.fence, rows=settled)
    made.log_decisions(session)


def _read(session: Session, batch: ClaimedBatch, epoch: int) -> _Material:
    run = read_run(session, batch.run_id, batch.version_id)
    dues = [row.due for row in batch.rows]
    contacts = sorted({due.contact_id for due in dues})
    people = outside().people
    recipients = people.recipients(session, contacts)
    judgement = gate.weigh(session, dues, run=run, recipients=recipients, at=clock.now())
    return _Material(
        run=run, step=run.definition.steps[batch.position], policy=outside().company.policy(session),
        recipients=recipients, values=people.values(session, contacts),
        judgement=judgement, verdicts=judgement.verdicts(),
        references=_earlier_message_ids(session, dues, batch.position), epoch=epoch,
        signers=list_signers(session, batch.route.identity_id) if batch.channel == Channel.EMAIL else (),
        postal=people.postal_addresses(session, contacts) if batch.channel == Channel.LETTER else {},
        external=people.external_ids(session, contacts) if batch.channel in CARRIED else {})


def read_run(session: Session, run_id: int, version_id: int) -> RunFacts:
    """The run with the definition as it was approved."""
    found = session.connection().execute(_RUN_FACTS, {"run": run_id, "version": version_id}).one()
    definition = _known_definition(found.definition_hash)
    if definition is None:
        raw = session.scalars(select(CampaignVersion.definition).where(CampaignVersion.id == version_id)).one()
        definition = _definitions.setdefault(found.definition_hash, parse(raw))
    return RunFacts(run_id, found.campaign_id, found.name, version_id, found.purpose, found.priority,
                    found.is_cap_exempt, definition)


_RUN_FACTS = (
    select(Run.campaign_id, Campaign.name, Run.purpose, Run.priority, Run.is_cap_exempt,
           CampaignVersion.definition_hash)
    .join(Campaign, Campaign.id == Run.campaign_id)
    .join(CampaignVersion, CampaignVersion.id == bindparam("version")).where(Run.id == bindparam("run")))
_definitions: dict[str, Definition] = {}


def _known_definition(definition_hash: str) -> Definition | None:
    if len(_definitions) > 100:
        _definitions.clear()
    return _definitions.get(definition_hash)


def _earlier_message_ids(session: Session, dues: list[DueDelivery], position: int) -> dict[int, tuple[str, ...]]:
    """By enrolment the Message-IDs of what this person got before, oldest first, for threading."""
    if position == 0:
        return {}
    found = session.execute(
        select(Delivery.enrolment_id, Delivery.message_id)
        .where(is_among(Delivery.enrolment_id, {due.enrolment_id for due in dues}), Delivery.run_id == dues[0].run_id,
               Delivery.position < position, Delivery.channel == Channel.EMAIL, Delivery.sent_at.is_not(None))
        .order_by(Delivery.position, Delivery.id))
    earlier: dict[int, tuple[str, ...]] = {}
    for enrolment_id, identity in found:
        earlier[enrolment_id] = (*earlier.get(enrolment_id, ()), str(identity))
    return earlier


def _grant(session: Session, found: _Material, rows: list[ClaimedRow]) -> dict[int, Mapping[str, Any]]:
    pairs = [(row.due.contact_id, row.due.account_id) for row in rows]
    return outside().offers.grant(session, offer=found.step.offer or "", recipients=pairs,
                                  campaign_id=found.run.campaign_id)


def _settled_by_gate(due: DueDelivery, verdict: Verdict) -> dict[str, Any]:
    return _settled(due, verdict.state or DeliveryState.QUEUED, verdict.reason, verdict.detail, due_at=verdict.until)


def _settled(due: DueDelivery, state: DeliveryState, reason: str | None, detail: str, *,
             due_at: object = None) -> dict[str, Any]:
    return {"id": due.id, "state": state, "reason": reason, "detail": detail[:2_000], "due_at": due_at,
            "ended_at": None if state is DeliveryState.QUEUED else clock.now()}


def _try_to_make(row: ClaimedRow, found: _Material, batch: ClaimedBatch, ready: deque[Ready]) -> dict[str, Any] | None:
    """Append what was made, or answer how the row failed."""
    due = row.due
    if found.step.offer and due.contact_id not in found.offers:
        return _settled(due, DeliveryState.SUPPRESSED, Reason.NO_LONGER_MATCHES,
                        f"The offer {found.step.offer} is not available to this account (its limit or its validity)")
    try:
        ready.append(_make(row, found, batch))
    except NoPostalAddress as error:
        return _settled(due, DeliveryState.SUPPRESSED, error.reason, str(error))
    except (ContentFailure, ContentRefused) as error:
        return _settled(due, DeliveryState.FAILED_RENDER, getattr(error, "reason", "") or None, str(error))
    except CannotRun:  # this machine's trouble and nobody's content: the whole batch waits
        raise
    except Exception as error:  # one person's values must never stop the others: the row fails and names the error
        _log.exception("message could not be made", delivery=due.id)
        why = f"The message could not be made ({type(error).__name__})"
        return _settled(due, DeliveryState.FAILED_RENDER, None, why)
    return None


def _make(row: ClaimedRow, found: _Material, batch: ClaimedBatch) -> Ready:
    step, due = found.step, row.due
    if isinstance(step, EmailStep):
        return _make_email(row, step, found, batch)
    making = _making(due, found)
    if step.channel in PLACED:
        request = PLACED[step.channel].make(making)
        return Ready(due, Prepared(due.id, None, None, due.address, None, None), None, request)
    posting = CARRIED[step.channel].make(making)
    outgoing = Outgoing(due.id, batch.fence, batch.run_id, found.epoch, posting.id, posting.url, posting.body)
    prepared = Prepared(due.id, None, hashlib.sha256(posting.body).hexdigest(), posting.url[:320], None, None)
    return Ready(due, prepared, outgoing, None)


def _making(due: DueDelivery, found: _Material) -> Making:
    sender = found.run.definition.sender
    values = {**found.values.get(due.contact_id, {}), "offer": found.offers.get(due.contact_id, {}),
              "sender": {"name": sender.name, "email": sender.email, "postal_address": sender.postal_address}}
    return Making(due, found.step, found.run.definition, values, found.postal.get(due.contact_id, ()),
                  found.external.get(due.contact_id, ("", "", "")))


def _make_email(row: ClaimedRow, step: EmailStep, found: _Material, batch: ClaimedBatch) -> Ready:
    due, recipient, definition = row.due, found.recipients[row.due.contact_id], found.run.definition
    language = row.language or recipient.language or None
    variant = row.variant or draw_variant(step, run_id=due.run_id, contact_id=due.contact_id)
    values = found.values.get(due.contact_id, {})
    person = values.get("contact", {})
    name = " ".join(part for part in (person.get("first_name"), person.get("last_name")) if part)
    content = _compiled(found, batch, step, language, variant)
    facts = DeliveryFacts(
        delivery_id=due.id, message_id=message_id(due.id, definition.sender.email),
        to_address=recipient.email or due.address or "", to_name=name, unsubscribe_url=unsubscribe_url(due.id),
        preferences_url=preferences_url(due.id) if content.names_preferences else "",
        envelope_from=envelope_sender(definition.sender.email, due.id),
        references=found.references.get(due.enrolment_id, ()), offer=found.offers.get(due.contact_id, {}),
        track=definition.track and step.track and not found.policy.country_rules.asks_consent(recipient.country),
        reply_to=reply_address(definition.sender.reply_to, values))
    filled = content.fill(values=values, facts=facts)
    outgoing = Outgoing(due.id, batch.fence, batch.run_id, found.epoch, filled.envelope_from, filled.envelope_to,
                        signed(filled.wire, found.signers))
    prepared = Prepared(due.id, facts.message_id, filled.content_hash, facts.to_address, variant, language)
    return Ready(due, prepared, outgoing, None)


def reply_address(reply_to: str, values: Values) -> str:
    """Where answers go: the account owner's address where that is asked for and known, else to the sender (empty)."""
    return str(values.get("owner", {}).get("email") or "") if reply_to == "owner" else ""


def signed(wire: bytes, signers: Sequence[Signer]) -> bytes:
    """The message as it leaves, with a signature for each key that is active."""
    for signer in signers:
        wire = signer.sign(wire, at=int(clock.now().timestamp()))
    return wire


def _compiled(found: _Material, batch: ClaimedBatch, step: EmailStep, language: str | None,
              variant: str | None) -> CompiledEmail:
    """The step's content in one wording, looked up once per batch."""
    wording = (language, variant)
    if wording not in found.contents:
        found.contents[wording] = compile_email(found.run.definition, step, language=language, variant=variant,
                                                version_id=batch.version_id)
    return found.contents[wording]


def put_off(session: Session, batch: ClaimedBatch, *, why: str) -> None:
    """A batch that cannot even be judged waits a few minutes and says so."""
    until = clock.now() + PUT_OFF
    detail = f"The campaign could not be prepared ({why}); the log says more, and it is tried again by itself"
    settle_before_hand_over(session, fence=batch.fence, rows=[
        _settled(row.due, DeliveryState.QUEUED, None, detail, due_at=until) for row in batch.rows])
