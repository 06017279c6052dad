"""From a draft to a running campaign: who may approve, what is checked, what is recorded."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select
from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.company.queries import get_company
from abm.outreach.call_load import find_call_load
from abm.outreach.launch_check import (
    LaunchCheck,
    find_content_findings,
    find_sender_objections,
    make_launch_check,
)
from abm.outreach.nobody import explain_nobody
from abm.outreach.people import get_account_names
from abm.users.models import User
from abm.users.queries import find_user_by_email
from abm.web.permissions import Permission, Role, may
from campaigns import editing, reports
from campaigns.approvals import MeansNobody
from campaigns.costs import Costs
from campaigns.definition import Definition, parse
from campaigns.dry_days import Line, Lines
from campaigns.dry_run import dry_run, keep_nothing
from campaigns.models import Approval, Campaign, Run
from campaigns.sending.routes import find_identity
from campaigns.survey import Told, tell_nobody
from campaigns.tally import Tally
from core.errors import NotFound, Refused

EXPORT_COLUMNS = reports.EXPORT_COLUMNS


def get_approver(session: Session, email: str) -> User:
    """The active user with this address who may approve campaigns. Raises NotFound or Refused."""
    user = find_user_by_email(session, email)
    if user is None:
        raise NotFound(f"There is no user with the address {email}; see `abm users list`")
    refuse_approver(user)
    return user


def refuse_approver(user: User) -> None:
    """Refused for a user who is switched off or whose role may not approve."""
    if not user.is_active:
        raise Refused(f"{user.email} is disabled, so cannot approve; name an active marketer or admin")
    if not may(user.role, Permission.APPROVE_CAMPAIGNS):
        raise Refused(f"{user.email} is {user.role}, who may not approve; name a marketer or an admin")


def approve_campaign(session: Session, *, campaign: Campaign, by: User) -> Approval:
    """Freeze content and people in the name of `by`, who is not the last editor. Raises Refused, also where a launch
    would be refused: what cannot go out is nothing to agree to."""
    refuse_approver(by)
    if refusals := find_refusals(session, parse(campaign.definition)):
        raise Refused(f"{campaign.name} could not be launched, so there is nothing to approve yet: "
                      f"{' '.join(refusals)}")
    try:
        approval = editing.approve(session, campaign=campaign, approver_id=by.id, approver_name=by.name or by.email,
                                   is_admin=by.role == Role.ADMIN)
    except MeansNobody as error:
        raise Refused(f"{campaign.name} would be written to nobody. "
                      + explain_nobody(session, parse(campaign.definition))) from error
    record(session, action="campaign.approve", subject="campaign", subject_id=campaign.id,
           after={"approved_by": by.email, "members": approval.members, "hash": campaign.definition_hash,
                  "audience_hash": approval.audience_hash, "waits_for_second": approval.waits_for_second})
    return approval


def check_launch(session: Session, *, campaign: Campaign, told: Told = tell_nobody) -> LaunchCheck:
    """What a launch would do now, and what speaks against it."""
    return make_launch_check(session, campaign, told=told)


def run_dry(session: Session, *, campaign: Campaign, start: date | None, days: int,
            keep: Callable[[Lines], None] = keep_nothing, told: Told = tell_nobody) -> dict[str, Any]:
    """What would go out on which day if it were launched then: totals, and per day the counts with their reasons."""
    found = dry_run(session, campaign=campaign, from_on=start, days=days, keep=keep, told=told)
    by_day = found.totals()
    totals = {name: sum(row[name] for row in by_day) for name in ("goes", "deferred", "blocked", "calls", "cost")}
    load = find_call_load(session, first=found.first, last=found.first + timedelta(days=days))
    for row in by_day:
        day = date.fromisoformat(row["day"])
        row["calls_planned"], row["calls_over"] = load.planned.get(day, 0), load.over(day, row["calls"])
    return {"campaign": campaign.name, "from": found.first.isoformat(), "days": days, **totals,
            "finishes_at": found.finishes_at.isoformat() if found.finishes_at else None,
            "finishes_on": _local_day(session, found.finishes_at),
            "finishes_within": found.finishes_within, "calls_a_day": load.a_day,
            "calls_over": sum(row["calls_over"] for row in by_day), "by_day": by_day}


def _local_day(session: Session, at: datetime | None) -> str | None:
    return at.astimezone(ZoneInfo(get_company(session).timezone)).date().isoformat() if at else None


def list_dry_lines(session: Session, *, campaign: Campaign, start: date | None, days: int,
                   on: date | None = None) -> list[dict[str, Any]]:
    """The same account by account: day, account_id (the source system's), account, step, channel, outcome, reason and
    people; `on`: of that day alone. By day, then by account."""
    lines: Lines = Lines()
    dry_run(session, campaign=campaign, from_on=start, days=days, keep=lines.update)
    return name_lines(session, [one for one in lines.items() if on is None or one[0].day == on])


def name_lines(session: Session, lines: Sequence[tuple[Line, int]]) -> list[dict[str, Any]]:
    """Lines with their people as rows that name the accounts, by day, then by account."""
    names = get_account_names(session, {line.account_id for line, _count in lines})
    rows = [{"day": line.day.isoformat(), "id": line.account_id, "account_id": names[line.account_id][0],
             "account": names[line.account_id][1], "step": line.step, "channel": line.channel, "outcome": line.outcome,
             "reason": line.reason, "people": count} for line, count in lines if line.account_id in names]
    return sorted(rows, key=lambda row: (row["day"], row["account"], row["id"], row["step"], row["outcome"]))


def find_refusals(session: Session, definition: Definition) -> list[str]:
    """A sentence per thing in content and sender for which a launch is refused, whoever is written to."""
    found = [*find_content_findings(definition), *find_sender_objections(session, definition)]
    return [one.sentence for one in found if one.is_refusal]


def launch_campaign(session: Session, *, campaign: Campaign) -> Run:
    """Begin a run of what was approved; planning it is a job's work, so this is quick. Raises Refused.

    Content that may not be sent refuses here; people are judged one by one when their message is due.
    """
    definition = parse(campaign.definition)
    if refusals := find_refusals(session, definition):
        raise Refused(f"{campaign.name} cannot be launched: {'; '.join(refusals)}")
    run = editing.launch(session, campaign=campaign, launched_by=actor().name)
    identity = find_identity(session, definition.sender.email)
    sender = {"sending_identity": identity.id, "verified_by": identity.verified_by} if identity else {
        "sender_verified_by_operator": definition.sender.email}
    record(session, action="campaign.launch", subject="campaign", subject_id=campaign.id,
           after={"run": run.number, **sender})
    return run


def pause_campaign(session: Session, *, campaign: Campaign) -> Campaign:
    """Hold everything that was not handed over. Raises Refused."""
    paused = editing.pause(session, campaign=campaign, reason=f"paused by {actor().name}")
    return _recorded(session, paused, "campaign.pause")


def resume_campaign(session: Session, *, campaign: Campaign) -> Campaign:
    """Go on exactly where the pause held it. Raises Refused."""
    return _recorded(session, editing.resume(session, campaign=campaign), "campaign.resume")


def cancel_campaign(session: Session, *, campaign: Campaign) -> Campaign:
    """End it for good: what was not handed over is never sent. Raises Refused."""
    return _recorded(session, editing.cancel(session, campaign=campaign), "campaign.cancel")


def _recorded(session: Session, campaign: Campaign, action: str) -> Campaign:
    record(session, action=action, subject="campaign", subject_id=campaign.id)
    return campaign


def get_status(session: Session, *, campaign: Campaign, tally: Tally | None = None,
               costs: Costs | None = None) -> dict[str, Any]:
    """The books with the field names that `status --json` promises."""
    return reports.campaign_status(session, campaign.name, tally, costs)


def stream_export_rows(session: Session, *, campaign: Campaign, only: Select[int] | None = None) -> Iterator[list[Any]]:
    """One row per intended message in the order of EXPORT_COLUMNS, read in slices; `only` selects delivery ids."""
    for row in reports.export_rows(session, campaign.name, only=only):
        yield [row[column] for column in EXPORT_COLUMNS]
