"""Decisions: recorded and carried out in the same transaction, and shown on the account's timeline."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event, update_account
from abm.audit.actions import actor, record
from abm.company.queries import company_today, get_company
from abm.engagement.actions import cool_down
from abm.meetings.models import Decision, Meeting
from abm.outreach.queries import get_campaign
from abm.users.queries import get_user
from abm.winback.actions import assign_case, let_go_case
from abm.winback.opening import open_case
from abm.winback.queries import find_open_case
from abm.work.actions import create_task
from abm.work.forms import TaskValues
from campaigns import editing
from campaigns.locks import hold_conversation, release_conversation
from core import clock
from core.errors import InvalidInput, Refused

REJECTED_DAYS = 90


@dataclass(frozen=True, slots=True)
class DecisionValues:
    """What was decided: one owner, from when, to be looked at again on a day."""

    item: str
    kind: str
    text: str
    reason: str
    owner_id: int | None
    account_id: int | None
    campaign_id: int | None
    effective_on: date
    review_on: date | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of decision: its verb, what it needs (owner, account, campaign, review_on), and what it does."""

    word: str
    needs: tuple[str, ...]
    carry_out: Callable[[Session, Meeting, DecisionValues], int | None]


def decide(session: Session, *, meeting: Meeting, values: DecisionValues) -> Decision:
    """Record a decision of an open meeting and carry it out at once.

    Raises InvalidInput when something the kind needs is missing, Refused when it cannot be carried out (the campaign
    does not run, there is no case); then nothing has changed.
    """
    if meeting.state != "open":
        raise Refused("Decisions are recorded while the meeting is open")
    _check(values)
    with session.begin_nested():
        task_id = KINDS[values.kind].carry_out(session, meeting, values)
        decision = Decision(
            meeting_id=meeting.id, account_id=values.account_id, item=values.item, kind=values.kind, text=values.text,
            reason=values.reason, owner_id=values.owner_id, effective_on=values.effective_on,
            review_on=values.review_on, task_id=task_id, decided_by=actor().name, decided_at=clock.now())
        session.add(decision)
        session.flush()
        _tell(session, meeting, decision)
    return decision


_MISSING = {
    "owner_id": "Name the one person who carries it.",
    "account_id": "Say which account it is about.",
    "campaign_id": "Choose the campaign.",
    "review_on": "Say until which day.",
}


def _check(values: DecisionValues) -> None:
    if values.kind not in KINDS:
        raise InvalidInput("The decision was not recorded", {"kind": "Choose what is decided."})
    errors = {name: _MISSING[name] for name in KINDS[values.kind].needs if getattr(values, name) is None}
    if values.review_on and values.review_on < values.effective_on:
        errors["review_on"] = "This day lies before the decision takes effect."
    if errors:
        raise InvalidInput("The decision was not recorded", errors)


def _tell(session: Session, meeting: Meeting, decision: Decision) -> None:
    record(session, action="meeting.decide", subject="meeting", subject_id=meeting.id,
           after={"kind": decision.kind, "text": decision.text, "account_id": decision.account_id})
    if decision.account_id is not None:
        add_account_event(session, account_id=decision.account_id, kind="decision", text=decision.reason,
                          title=f"Decided: {KINDS[decision.kind].word.lower()}. {decision.text}",
                          link=f"/meetings/{meeting.id}")


def _note(_session: Session, _meeting: Meeting, _values: DecisionValues) -> None:
    return None


def _make_task(session: Session, meeting: Meeting, values: DecisionValues) -> int:
    task = create_task(session, origin="meeting", values=TaskValues(
        title=values.text[:300], kind="task", note=values.reason, due_on=values.review_on or values.effective_on,
        owner_id=values.owner_id, account_id=values.account_id, contact_id=None, script=""))
    task.extra = {"meeting_id": meeting.id}
    return task.id


def _open_case(session: Session, _meeting: Meeting, values: DecisionValues) -> None:
    case = open_case(session, account_id=values.account_id or 0, reason=values.reason or values.text)
    if values.owner_id is not None and case.owner_id != values.owner_id:
        assign_case(session, case_id=case.id, owner_id=values.owner_id)


def _let_go(session: Session, _meeting: Meeting, values: DecisionValues) -> None:
    case = find_open_case(session, values.account_id or 0)
    if case is None:
        raise Refused("This account has no open win-back case: there is nothing to let go")
    let_go_case(session, case_id=case.id, reason=values.reason or values.text)


def _lock(session: Session, _meeting: Meeting, values: DecisionValues) -> None:
    owner = get_user(session, values.owner_id or 0)
    day = (values.review_on or values.effective_on) + timedelta(days=1)
    until = datetime.combine(day, time.min, ZoneInfo(get_company(session).timezone))
    hold_conversation(session, account_id=values.account_id or 0, owner_id=owner.id, until=until, reason="decision")


def _release(session: Session, _meeting: Meeting, values: DecisionValues) -> None:
    if not release_conversation(session, account_id=values.account_id or 0):
        raise Refused("Nobody has a conversation with this account: there is nothing to release")


def _accept_lead(session: Session, meeting: Meeting, values: DecisionValues) -> int:
    """The first step is a task of the owner's, who has the conversation until its day."""
    task_id = _make_task(session, meeting, values)
    _lock(session, meeting, values)
    update_account(session, account_id=values.account_id or 0, values={"owner_id": values.owner_id})
    return task_id


def _reject_lead(session: Session, _meeting: Meeting, values: DecisionValues) -> None:
    if not values.reason:
        raise InvalidInput("The decision was not recorded", {"reason": "Say why it is rejected."})
    cool_down(session, account_id=values.account_id or 0, days=REJECTED_DAYS, reason=values.reason)


def _nurture(session: Session, _meeting: Meeting, values: DecisionValues) -> None:
    days = ((values.review_on or values.effective_on) - company_today(session)).days
    cool_down(session, account_id=values.account_id or 0, days=max(days, 1), reason=values.reason or values.text)


def _change_campaign(change: Callable[..., Any], **more: Any) -> Callable[[Session, Meeting, DecisionValues], None]:
    def carry_out(session: Session, _meeting: Meeting, values: DecisionValues) -> None:
        change(session, campaign=get_campaign(session, values.campaign_id or 0), **more)

    return carry_out


KINDS = {
    "accept_lead": Kind("Accept a hand-off", ("account_id", "owner_id", "review_on"), _accept_lead),
    "reject_lead": Kind("Reject a hand-off", ("account_id",), _reject_lead),
    "nurture": Kind("Back to nurture", ("account_id", "review_on"), _nurture),
    "keep_experiment": Kind("Keep what the experiment tried", ("campaign_id",), _note),
    "extend_experiment": Kind("Let the experiment go on", ("campaign_id", "review_on"), _note),
    "stop_experiment": Kind("Stop the experiment", ("campaign_id",), _change_campaign(editing.cancel)),
    "task": Kind("Somebody does something", ("owner_id",), _make_task),
    "open_case": Kind("Win back", ("account_id",), _open_case),
    "let_go": Kind("Let go", ("account_id",), _let_go),
    "lock": Kind("Somebody has the conversation", ("account_id", "owner_id", "review_on"), _lock),
    "release": Kind("Release the conversation", ("account_id",), _release),
    "pause_campaign": Kind("Pause a campaign", ("campaign_id",), _change_campaign(editing.pause, reason="meeting")),
    "resume_campaign": Kind("Resume a campaign", ("campaign_id",), _change_campaign(editing.resume)),
    "cancel_campaign": Kind("Stop a campaign for good", ("campaign_id",), _change_campaign(editing.cancel)),
    "note": Kind("Only noted", (), _note),
}
