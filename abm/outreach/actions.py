"""Making and changing campaigns; everything is checked before anything is stored."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.outreach.checking import find_complaints
from abm.outreach.queries import find_campaign_by_name
from abm.outreach.snippets import campaigns_with, save_snippet, with_snippets
from campaigns.channels.webhook_secrets import Turn, host_of, rotate_secret
from campaigns.definition import parse
from campaigns.editing import save_definition
from campaigns.models import Campaign
from campaigns.states import CampaignState
from core.errors import InvalidInput


def create_campaign(session: Session, *, raw: Mapping[str, Any]) -> Campaign:
    """A new draft. Raises InvalidInput, also when the name is taken."""
    name = str(raw.get("campaign", ""))
    if find_campaign_by_name(session, name) is not None:
        raise InvalidInput(f"There is a campaign {name} already",
                           {"campaign": f'"{name}" is taken: another campaign bears this name'})
    return _save(session, raw, before=None)


def change_campaign(session: Session, *, campaign: Campaign, raw: Mapping[str, Any]) -> Campaign:
    """Store a changed definition under the same name; a real change voids the approval. Raises InvalidInput."""
    return _save(session, raw, before=campaign)


def apply_campaign(session: Session, *, raw: Mapping[str, Any]) -> tuple[Campaign, str]:
    """What a campaign file says. The second value is `created`, `changed` or `unchanged`. Raises InvalidInput."""
    known = find_campaign_by_name(session, parse(raw).name)
    before = known.definition_hash if known else None
    campaign = _save(session, raw, before=known)
    if before is None:
        return campaign, "created"
    return campaign, "unchanged" if before == campaign.definition_hash else "changed"


def _save(session: Session, raw: Mapping[str, Any], *, before: Campaign | None) -> Campaign:
    raw = with_snippets(session, raw, before)
    complaints = find_complaints(session, parse(raw))
    if complaints:
        sentences = [f"{place}: {sentence}" for place, sentence in complaints.items()]
        raise InvalidInput("; ".join(sentences), complaints)
    known = before.definition_hash if before else None
    campaign = save_definition(session, raw=raw, editor_id=actor().user_id, editor_name=actor().name)
    if campaign.definition_hash != known:
        record(session, action="campaign.change" if known else "campaign.create", subject="campaign",
               subject_id=campaign.id, before={"hash": known} if known else None,
               after={"hash": campaign.definition_hash, "name": campaign.name})
    return campaign


def change_snippet(session: Session, *, name: str, language: str, content: str) -> list[str]:
    """Make or change a snippet; the names of the drafts that follow. What was approved keeps its words."""
    snippet = save_snippet(session, name=name, language=language, content=content)
    drafts = [one for one in campaigns_with(session, snippet.name) if one.state == CampaignState.DRAFT]
    for campaign in drafts:
        _save(session, campaign.definition, before=campaign)
    return [campaign.name for campaign in drafts]


def rotate_webhook_secret(session: Session, *, url: str) -> Turn:
    """Make the signing secret of the address's host anew; the one before signs beside it for two days. Refused."""
    turn = rotate_secret(session, url=url)
    record(session, action="webhook.rotate_secret", subject="webhook", subject_id=turn.number,
           after={"host": host_of(url), "turn": turn.number})
    return turn
