"""A run with its approved definition, as the engine's parts pass it on."""

import json
from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.definition import Definition, parse
from campaigns.facts import RunFacts
from campaigns.models import Campaign, CampaignVersion, Run
from campaigns.states import RunState
from core.errors import NotFound


def get_run_facts(session: Session, run_id: int) -> RunFacts:
    """The facts of one run. NotFound when there is none."""
    found = list_run_facts(session, ids=(run_id,))
    if not found:
        raise NotFound(f"There is no run {run_id}")
    return found[0]


def list_run_facts(session: Session, *, ids: Sequence[int] | None = None,
                   states: Sequence[RunState] = tuple(RunState)) -> list[RunFacts]:
    """Runs in these states, the most urgent first (a lower priority number goes first)."""
    statement = (
        select(Run, Campaign.name, CampaignVersion.definition)
        .join(Campaign, Campaign.id == Run.campaign_id).join(CampaignVersion, CampaignVersion.id == Run.version_id)
        .where(Run.state.in_(states)).order_by(Run.priority, Run.id)
    )
    rows = session.execute(statement if ids is None else statement.where(Run.id.in_(ids)))
    return [RunFacts(run.id, run.campaign_id, name, run.version_id, run.purpose, run.priority, run.is_cap_exempt,
                     parse_cached(json.dumps(raw, sort_keys=True))) for run, name, raw in rows]


@lru_cache(maxsize=64)
def parse_cached(definition_json: str) -> Definition:
    """Approved definitions are read again and again and never change."""
    return parse(json.loads(definition_json))
