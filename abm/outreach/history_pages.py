"""The versions that were approved, with who, when, and what differs from the one before."""

from dataclasses import dataclass
from difflib import unified_diff

from flask import g, render_template
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.outreach.blueprint import Answer, pages
from abm.outreach.campaign_files import write_campaign_text
from abm.outreach.campaign_pages import campaign_frame
from abm.outreach.queries import get_campaign
from abm.web.access import requires
from abm.web.permissions import Permission
from campaigns.models import Approval, Campaign, CampaignVersion

_MOST_VERSIONS = 50


@dataclass(frozen=True)
class ShownVersion:
    """One version; `changes`: (kind, line) with kind + or - or a blank, against the version before."""

    title: str
    fingerprint: str
    approvals: list[Approval]
    changes: list[tuple[str, str]]


@pages.get("/campaigns/<int:campaign_id>/versions")
@requires(Permission.SEE)
def versions(campaign_id: int) -> Answer:
    campaign = get_campaign(g.session, campaign_id)
    shown = list_versions(g.session, campaign)
    return render_template("outreach/versions.html", versions=shown, **campaign_frame(campaign))


def list_versions(session: Session, campaign: Campaign) -> list[ShownVersion]:
    """The newest first; on top the campaign as it is now, where it was changed after its last approval."""
    stored = session.scalars(select(CampaignVersion).where(CampaignVersion.campaign_id == campaign.id)
                             .order_by(CampaignVersion.number.desc()).limit(_MOST_VERSIONS)).all()
    approvals: dict[int, list[Approval]] = {}
    for one in session.scalars(select(Approval).where(Approval.campaign_id == campaign.id).order_by(Approval.id)):
        approvals.setdefault(one.version_id, []).append(one)
    texts = [write_campaign_text(version.definition) for version in stored]
    shown = [ShownVersion(f"Version {version.number}", version.definition_hash[:12], approvals.get(version.id, []),
                          _changes(texts[place + 1] if place + 1 < len(texts) else None, texts[place]))
             for place, version in enumerate(stored)]
    if not stored or stored[0].definition_hash != campaign.definition_hash:
        now = _changes(texts[0] if texts else None, write_campaign_text(campaign.definition))
        shown.insert(0, ShownVersion("As it is now, not approved", campaign.definition_hash[:12], [], now))
    return shown


def _changes(before: str | None, after: str) -> list[tuple[str, str]]:
    """Nothing for the first version, which differs from nothing."""
    if before is None:
        return []
    lines = list(unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=1))[2:]
    return [("…", "") if line.startswith("@@") else (line[:1].strip(), line[1:]) for line in lines]
