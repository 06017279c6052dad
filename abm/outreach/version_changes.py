"""Moving running people to a newer version: on record, with what it meant."""

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from campaigns import versions
from campaigns.models import Campaign, Run
from campaigns.versions import ChangeReport, Group


def move_running_people(session: Session, *, campaign: Campaign) -> tuple[Run, int]:
    """Move whom the report says; the new run and how many people. Raises Refused."""
    run, moved = versions.move_people(session, campaign=campaign, moved_by=actor().name)
    record(session, action="campaign.move_people", subject="campaign", subject_id=campaign.id,
           after={"run": run.number, "version_id": run.version_id, "people": moved})
    return run, moved


def say_group(group: Group) -> str:
    """`12 people at hello, run 1 (version 1): move` or `…: stay, because …`."""
    people = "1 person" if group.people == 1 else f"{group.people:,} people"
    where = f"{'in the middle of' if group.is_under_way else 'waiting for'} {group.step}"
    rest = "would move" if group.moves_to is not None else f"stay: {group.because}"
    return f"{people} {where}, run {group.number} (version {group.version}): {rest}"


def report_as_json(campaign: Campaign, report: ChangeReport | None) -> dict[str, Any]:
    """What `abm campaigns changes --json` answers."""
    if report is None:
        return {"campaign": campaign.name, "moving": 0, "staying": 0, "groups": [], "added": [], "removed": [],
                "changed": []}
    return {"campaign": campaign.name, "moving": report.moving, "staying": report.staying,
            "groups": [asdict(group) for group in report.groups], "added": list(report.added),
            "removed": list(report.removed), "changed": list(report.changed)}
