"""Running people keep their version; who would move to a newer one when asked, and who stays, with the reason.

A move is a run of its own on the new version: who moves goes on there with the step they were waiting for, at the time
it was due. Nobody moves in the middle of a step that was handed over, to a version that no longer has their step, or
where they would get a step again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from campaigns import stops
from campaigns.definition import Definition, parse
from campaigns.facts import RunFacts
from campaigns.models import Approval, Campaign, CampaignVersion, Delivery, Enrolment, Run
from campaigns.runs import list_run_facts
from campaigns.states import DeliveryState, EnrolmentOrigin, EnrolmentState, Reason, RunKind, RunState
from core import clock
from core.errors import Refused

_OPEN = (RunState.ACTIVE, RunState.PAUSED)
_NOT_CLAIMED = (DeliveryState.PLANNED, DeliveryState.QUEUED, DeliveryState.DEFERRED)


@dataclass(frozen=True, slots=True)
class Group:
    """People of a run at one step: `people` of them wait for it or have it under way (`is_under_way`).

    `moves_to` is the place of the step in the new version; None: they stay, `because`.
    """

    run_id: int
    number: int
    version: int
    position: int
    step: str
    is_under_way: bool
    people: int
    moves_to: int | None
    because: str = ""


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What a newer version means for the people who are under way; steps by what became of them."""

    groups: tuple[Group, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def moving(self) -> int:
        return sum(group.people for group in self.groups if group.moves_to is not None)

    @property
    def staying(self) -> int:
        return sum(group.people for group in self.groups if group.moves_to is None)


def report_change(session: Session, campaign: Campaign) -> ChangeReport | None:
    """Who is under way on an older version than the campaign as it is now; None where nobody is."""
    new, fingerprint = parse(campaign.definition), campaign.definition_hash
    runs = _runs_on_older_versions(session, campaign, fingerprint)
    if not runs:
        return None
    numbers = _version_numbers(session, runs)
    groups = [group for run, number in runs for group in _groups(session, run, new, (number, numbers[run.version_id]))]
    if not groups:
        return None
    old = {step.id: step for run, _number in runs for step in run.definition.steps}
    fresh = {step.id: step for step in new.steps}
    return ChangeReport(
        groups=tuple(groups), added=tuple(name for name in fresh if name not in old),
        removed=tuple(name for name in old if name not in fresh),
        changed=tuple(name for name in fresh if name in old and fresh[name] != old[name]))


def _runs_on_older_versions(session: Session, campaign: Campaign, fingerprint: str) -> list[tuple[RunFacts, int]]:
    older = dict(session.execute(
        select(Run.id, Run.number).join(CampaignVersion, CampaignVersion.id == Run.version_id)
        .where(Run.campaign_id == campaign.id, Run.state.in_(_OPEN), CampaignVersion.definition_hash != fingerprint)
        .order_by(Run.number)).all())
    return [(run, older[run.run_id]) for run in list_run_facts(session, ids=list(older))] if older else []


def _version_numbers(session: Session, runs: Iterable[tuple[RunFacts, int]]) -> Mapping[int, int]:
    ids = {run.version_id for run, _number in runs}
    return dict(session.execute(select(CampaignVersion.id, CampaignVersion.number)
                                .where(CampaignVersion.id.in_(ids))).all())


def _groups(session: Session, run: RunFacts, new: Definition, numbers: tuple[int, int]) -> list[Group]:
    number, version = numbers
    found = []
    for row in _count_people(session, run):
        position = row.next_position - (1 if row.is_under_way else 0)
        step = run.definition.steps[position]
        moves_to, because = _destination(run.definition, new, position)
        if row.is_under_way and not row.can_be_taken:
            moves_to, because = None, f"{step.id} has been handed over; once it is over they can be moved"
        found.append(Group(run.run_id, number, version, position, step.id, bool(row.is_under_way), row.people, moves_to,
                           because))
    return sorted(found, key=lambda group: (group.position, group.is_under_way))


def _count_people(session: Session, run: RunFacts) -> Sequence[Any]:
    """People by the step they wait for or are in; `can_be_taken`: nothing of it is claimed or gone yet."""
    under_way = Enrolment.next_due_at.is_(None).label("is_under_way")
    taken = _may_be_taken().label("can_be_taken")
    return session.execute(
        select(Enrolment.next_position, under_way, taken, func.count().label("people"))
        .where(Enrolment.run_id == run.run_id, Enrolment.state == EnrolmentState.ACTIVE)
        .group_by(Enrolment.next_position, under_way, taken).order_by(Enrolment.next_position, under_way)).all()


def _open_delivery() -> ColumnElement[bool]:
    """The enrolled person's delivery of the step that is under way."""
    return and_(Delivery.run_id == Enrolment.run_id, Delivery.position == Enrolment.next_position - 1,
                Delivery.contact_id == Enrolment.contact_id, Delivery.generation == 1)


def _may_be_taken() -> ColumnElement[bool]:
    return or_(Enrolment.next_due_at.is_not(None),
               exists().where(_open_delivery(), Delivery.state.in_(_NOT_CLAIMED)))


def _destination(old: Definition, new: Definition, position: int) -> tuple[int | None, str]:
    """Where somebody goes on who stands at `position`; else why not."""
    step = old.steps[position]
    target = new.find_position(step.id)
    if target is None:
        return None, f"{step.id} is no step of the new version"
    if new.steps[target].channel != step.channel:
        return None, f"{step.id} is another kind of step in the new version"
    again = {one.id for one in old.steps[:position]} & {one.id for one in new.steps[target:]}
    if again:
        return None, f"the new version would bring {', '.join(sorted(again))} again"
    return target, ""


def move_people(session: Session, *, campaign: Campaign, moved_by: str) -> tuple[Run, int]:
    """Move whom `report_change` says to a run on the approved version; the run and how many people.

    Refused without a standing approval of exactly this version, or where nobody would move.
    """
    session.refresh(campaign, with_for_update=True)
    approval = _get_approval(session, campaign)
    report = report_change(session, campaign)
    if report is None or not report.moving:
        raise Refused(f"{campaign.name}: nobody is under way on an older version who could move")
    run = _make_run(session, campaign, approval, moved_by)
    moved = sum(_move(session, group, run) for group in report.groups if group.moves_to is not None)
    stops.bump(session)
    return run, moved


def _get_approval(session: Session, campaign: Campaign) -> Approval:
    found = session.execute(
        select(Approval, CampaignVersion.definition_hash)
        .join(CampaignVersion, CampaignVersion.id == Approval.version_id)
        .where(Approval.campaign_id == campaign.id, Approval.voided_at.is_(None))
        .order_by(Approval.id.desc()).limit(1)).first()
    if found is None or found.definition_hash != campaign.definition_hash:
        raise Refused(f"{campaign.name}: the new version is not approved; people move only to what was approved")
    approval: Approval = found[0]
    if approval.waits_for_second:
        raise Refused(f"{campaign.name}: a second person has to approve the new version before anybody moves to it")
    return approval


def _make_run(session: Session, campaign: Campaign, approval: Approval, moved_by: str) -> Run:
    definition = parse(campaign.definition)
    number = session.scalar(select(func.max(Run.number)).where(Run.campaign_id == campaign.id)) or 0
    paused = session.scalar(select(Run.id).where(Run.campaign_id == campaign.id, Run.state == RunState.PAUSED).limit(1))
    run = Run(campaign_id=campaign.id, version_id=approval.version_id, approval_id=approval.id, number=number + 1,
              kind=RunKind.MOVE, state=RunState.PAUSED if paused else RunState.ACTIVE,
              state_before_pause=RunState.ACTIVE if paused else None, purpose=definition.purpose,
              priority=definition.priority, is_cap_exempt=definition.is_cap_exempt,
              holdout_percent=definition.holdout_percent, launched_by=moved_by, launched_at=clock.now())
    session.add(run)
    session.flush()
    return run


def _move(session: Session, group: Group, run: Run) -> int:
    """One group, in three statements: unclaimed deliveries cancelled, enrolled in the new run, gone from the old."""
    now = clock.now()
    step_due = select(Delivery.due_at).where(_open_delivery()).correlate(Enrolment).scalar_subquery()
    here = and_(Enrolment.run_id == group.run_id, Enrolment.state == EnrolmentState.ACTIVE,
                Enrolment.next_position == group.position + (1 if group.is_under_way else 0),
                Enrolment.next_due_at.is_(None) if group.is_under_way else Enrolment.next_due_at.is_not(None))
    if group.is_under_way:
        cancelled = session.scalars(
            update(Delivery).where(Delivery.run_id == group.run_id, Delivery.position == group.position,
                                   Delivery.generation == 1, Delivery.state.in_(_NOT_CLAIMED))
            .values(state=DeliveryState.CANCELLED, reason=Reason.MOVED.value, detail=None, ended_at=now)
            .returning(Delivery.enrolment_id), execution_options={"synchronize_session": False}).all()
        here = and_(here, Enrolment.id.in_(select(Delivery.enrolment_id).where(
            Delivery.run_id == group.run_id, Delivery.position == group.position,
            Delivery.reason == Reason.MOVED.value))) if cancelled else and_(here, literal(value=False))
    columns = (Enrolment.account_id, Enrolment.contact_id, Enrolment.enrolled_at, Enrolment.end_reason, Enrolment.wave)
    chosen = select(literal(run.id), *columns, literal(EnrolmentState.ACTIVE.value), literal(group.moves_to),
                    func.coalesce(Enrolment.next_due_at, step_due), literal(EnrolmentOrigin.MOVE.value)).where(here)
    session.execute(insert(Enrolment).from_select(
        ["run_id", "account_id", "contact_id", "enrolled_at", "end_reason", "wave", "state", "next_position",
         "next_due_at", "origin"], chosen))
    return session.connection().execute(
        update(Enrolment).where(here).values(
            state=EnrolmentState.STOPPED, ended_at=now, next_due_at=None,
            end_reason=func.coalesce(Enrolment.end_reason, Reason.MOVED.value))).rowcount


