"""Two items of the agenda that speak of both sides: hand-offs, and the one experiment."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.meetings.hand_offs import LOOKED_BACK, find_people, find_reasons, list_hand_offs, rank, urgency_of
from abm.meetings.periods import SHOWN, AgendaRow, Period, make_row
from abm.outreach.effect import read_effect
from abm.outreach.effect_rules import Effect, points
from campaigns.models import Campaign, Run
from core import clock


def hand_offs(session: Session, _period: Period) -> tuple[list[AgendaRow], int]:
    """Accounts that qualified in the last 30 days and wait for an answer."""
    now = clock.now()
    found = rank(list_hand_offs(session, since=now - LOOKED_BACK, is_open=True), now)
    shown = found[:SHOWN]
    ids = [one.account_id for one in shown]
    reasons, people = find_reasons(session, ids), find_people(session, ids)
    rows = []
    for one in shown:
        state = one.state(now)
        said = {"broken": f"answer was due {one.due_at:%a %d %b %H:%M} UTC", "met": "answered in time",
                "at risk": f"answer due {one.due_at:%a %d %b %H:%M} UTC, less than a day left"}
        row = make_row("handoff", one.account_id, one.name, [
            said.get(state, f"answer due {one.due_at:%a %d %b %H:%M} UTC"), _terms(one.value, state),
            one.owner or "nobody's yet", "; ".join(reasons.get(one.account_id, [])),
            ", ".join(people.get(one.account_id, []))],
            link=f"/accounts/{one.account_id}/engagement", value=one.value, account_id=one.account_id)
        rows.append({**row, "sla": state})
    return rows, len(found)


def _terms(value: float, state: str) -> str:
    """What the row is ranked by."""
    return f"{value:,.0f} in all × {urgency_of(state):g} ({state}) = {value * urgency_of(state):,.0f}"


def one_experiment(session: Session, period: Period) -> tuple[list[AgendaRow], int]:
    """The campaign with accounts left alone that was launched last, running or finished since the last meeting."""
    latest = func.max(Run.launched_at)
    query = (select(Campaign, latest).join(Run, Run.campaign_id == Campaign.id)
             .where(Run.holdout_percent > 0, Campaign.state.in_(("running", "paused"))
                    | (Run.finished_at >= period.since))
             .group_by(Campaign.id).order_by(latest.desc(), Campaign.id))
    campaigns = [campaign for campaign, _at in session.execute(query)]
    return [_row(campaign, read_effect(session, campaign)) for campaign in campaigns[:1]], len(campaigns)


def _row(campaign: Campaign, effect: Effect) -> AgendaRow:
    touched = [f"{name}: {found.any} heard from us otherwise" for name, found in effect.touched.items()
               if found.any]
    found = effect.rate
    row = make_row("experiment", campaign.id, campaign.title, [
        f"written to {effect.treated.accounts}, left alone {effect.held_out.accounts}",
        f"effect {points(found.value)}, {points(found.low)} to {points(found.high)} fit" if found else effect.sentence,
        "no effect is among them" if found and found.includes_none else "",
        f"in both groups {effect.mixed}" if effect.mixed else "", *touched],
        link=f"/campaigns/{campaign.id}/effect", value=float(effect.treated.accounts))
    more: dict[str, Any] = {"campaign_id": campaign.id}
    return {**row, **more}
