"""Changing what is written down about an account: its dossier, links, tenders and competitors."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.queries import get_account
from abm.audit.actions import actor, record
from abm.dossier.models import Competitor, Dossier, DossierLink, SourceCost, Tender
from abm.dossier.queries import get_competitor, get_link, get_tender
from abm.dossier.words import REASONS, RESULTS, STAGES
from abm.web.fields import Fields
from core import clock


def update_dossier(session: Session, *, account_id: int, values: Mapping[str, Any]) -> Dossier:
    """Set texts, stage or next step; only what changed is recorded. A new stage or step stands on the timeline."""
    get_account(session, account_id)
    dossier = session.get(Dossier, account_id)
    if dossier is None:
        dossier = Dossier(account_id=account_id, updated_at=clock.now())
        session.add(dossier)
    changed = _set(dossier, values)
    if not changed:
        return dossier
    dossier.updated_at, dossier.updated_by = clock.now(), actor().name[:200]
    record(session, action="dossier.update", subject="account", subject_id=account_id,
           after={name: _plain(value) for name, value in values.items() if name in changed})
    if dossier.stage and "stage" in changed:
        add_account_event(session, account_id=account_id, kind="account", text=dossier.standing or "",
                          title=f"Relationship: {STAGES[dossier.stage]}")
    if dossier.next_step and "next_step" in changed:
        add_account_event(session, account_id=account_id, kind="account", title=f"Next: {dossier.next_step}")
    session.flush()
    return dossier


def _set(row: Any, values: Mapping[str, Any]) -> set[str]:
    changed = {name for name, value in values.items() if value != getattr(row, name)}
    for name in changed:
        setattr(row, name, values[name])
    return changed


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal | date) else value


def add_link(session: Session, *, account_id: int, values: Mapping[str, Any]) -> DossierLink:
    """Note a document or page about the account."""
    get_account(session, account_id)
    link = DossierLink(account_id=account_id, added_by=actor().name[:200], created_at=clock.now(), **values)
    session.add(link)
    session.flush()
    record(session, action="dossier.link_add", subject="account", subject_id=account_id, after=dict(values))
    return link


def remove_link(session: Session, *, link_id: int) -> int:
    """Take a link away; answers the account's id."""
    link = get_link(session, link_id)
    record(session, action="dossier.link_remove", subject="account", subject_id=link.account_id,
           before={"title": link.title, "url": link.url})
    session.delete(link)
    return link.account_id


def save_tender(session: Session, *, account_id: int, values: Mapping[str, Any],
                tender_id: int | None = None) -> Tender:
    """Make a tender, or change one. A result stands on the timeline with its reason."""
    now = clock.now()
    if tender_id is None:
        get_account(session, account_id)
        tender = Tender(account_id=account_id, title=values["title"], result="open", created_at=now, updated_at=now)
        session.add(tender)
    else:
        tender = get_tender(session, tender_id)
    before = tender.result
    changed = _set(tender, values)
    tender.updated_at = now
    session.flush()
    record(session, action="tender.save", subject="tender", subject_id=tender.id,
           after={name: _plain(values[name]) for name in sorted(changed)})
    if tender.result != before:
        reason = REASONS.get(tender.reason or "", "")
        add_account_event(session, account_id=tender.account_id, kind="tender",
                          title=f"Tender {RESULTS[tender.result].lower()}: {tender.title}",
                          text=". ".join(part for part in (reason, tender.reason_text) if part),
                          link=f"/accounts/{tender.account_id}/dossier")
    return tender


def remove_tender(session: Session, *, tender_id: int) -> int:
    """Take a tender away that was entered by mistake; answers the account's id."""
    tender = get_tender(session, tender_id)
    record(session, action="tender.remove", subject="tender", subject_id=tender.id,
           before={"title": tender.title, "result": tender.result})
    session.delete(tender)
    return tender.account_id


def save_competitor(session: Session, *, account_id: int, values: Mapping[str, Any],
                    competitor_id: int | None = None) -> Competitor:
    """Note a competitor at an account, or change what is known."""
    now = clock.now()
    if competitor_id is None:
        get_account(session, account_id)
        competitor = Competitor(account_id=account_id, name=values["name"], strength=values["strength"],
                                created_at=now, updated_at=now)
        session.add(competitor)
    else:
        competitor = get_competitor(session, competitor_id)
    before = competitor.strength if competitor_id else None
    changed = _set(competitor, values)
    competitor.updated_at = now
    session.flush()
    record(session, action="competitor.save", subject="competitor", subject_id=competitor.id,
           after={name: _plain(values[name]) for name in sorted(changed)})
    if competitor.strength != before:
        add_account_event(session, account_id=competitor.account_id, kind="competitor",
                          title=f"Competitor {competitor.name}: strength {competitor.strength} of 5",
                          text=competitor.offering or "")
    return competitor


def remove_competitor(session: Session, *, competitor_id: int) -> int:
    """The competitor is no longer there; answers the account's id."""
    competitor = get_competitor(session, competitor_id)
    record(session, action="competitor.remove", subject="competitor", subject_id=competitor.id,
           before={"name": competitor.name})
    session.delete(competitor)
    return competitor.account_id


def add_source_cost(session: Session, *, form: Mapping[str, str], today: date) -> SourceCost:
    """Keep what was paid for a source of accounts. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    source = fields.text("source", missing="Say which source.", longest=200)
    amount = fields.amount("amount", missing="Say what it cost.")
    spent_on, note = fields.day("spent_on") or today, fields.text("note", longest=300)
    if spent_on > today:
        fields.errors["spent_on"] = "This day is still to come."
    fields.finish()
    made = SourceCost(source=source, amount=amount or Decimal(0), spent_on=spent_on, note=note,
                      created_by=actor().name[:200], created_at=clock.now())
    session.add(made)
    session.flush()
    record(session, action="source.cost", subject="source_cost", subject_id=made.id,
           after={"source": source, "amount": str(made.amount), "spent_on": spent_on.isoformat()})
    return made
