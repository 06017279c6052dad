"""Rows of every area, whose free texts would run in a page that did not escape them."""

import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import String, Text, inspect, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.imports.actions import remember_mapping
from abm.imports.models import ImportRun
from abm.integrations.models import Source
from abm.meetings.actions import decide, open_meeting, plan_meeting
from abm.meetings.decisions import DecisionValues
from abm.meetings.forms import MeetingValues
from abm.offers.granting import grant_offers
from abm.offers.redeeming import redeem_code
from abm.orders.models import Order
from abm.partners.models import Partner, PartnerAccount, PartnerOrder, PartnerTask
from abm.winback.detection import detect_lapses
from abm.winback.models import Case
from abm.work.models import Task
from core import clock
from core.settings import settings
from tests.abm.offers.offering import make_offer
from tests.factories import make_order, make_user

POISON = "<img src=x onerror=alert(1)>\"'><svg onload=alert(2)>{{773*773}}"
# Words that the database or the code compares, and places that are no text.
KEPT = frozenset({"name_key", "email_key", "address_key", "state", "kind", "channel", "role", "lawful_basis", "step",
                  "currency", "country", "timezone", "language", "password_hash", "external_id", "url_hash", "digest",
                  "definition_hash", "message_id", "consent_kind", "buying_role", "tier", "content_hash", "variant",
                  "sku", "code", "scope", "window", "key", "token_digest", "url", "domain", "purpose", "reason",
                  "rhythm", "match_rule", "attitude", "event_key", "phase", "outcome", "zone", "page", "how",
                  "source_kind", "stored_path", "rejects_path", "secret_sealed", "item"})


def poison(row: Any) -> None:
    """Make every free text of a row poison."""
    for column in inspect(type(row)).columns:
        if isinstance(column.type, String | Text) and column.key not in KEPT and not column.foreign_keys:
            setattr(row, column.key, POISON[:column.type.length or 400])


def poison_together(session: Session, account: Account, person: Contact) -> dict[str, int]:
    """A silent account with its case, offer, partner and meeting, and what was brought in; ids by a route's names."""
    today = clock.now().date()
    for days in (400, 390, 380):
        make_order(session, account, on=today - timedelta(days=days))
    detect_lapses(session, as_of=today - timedelta(days=100))
    case = session.scalars(select(Case).where(Case.account_id == account.id)).one()
    case.cause = "price"
    offer_id = _offer(session, account, person, today)
    task = Task(title=POISON, note=POISON, script=POISON, account_id=account.id, contact_id=person.id, kind="call",
                due_on=today, created_at=clock.now())
    session.add(task)
    session.flush()
    order = make_order(session, account, on=clock.today())
    partner = _partner(session, account, task, order)
    meeting_id = _meeting(session, account, today)
    for row in (case, partner):
        poison(row)
    return {"case_id": case.id, "offer_id": offer_id, "partner_id": partner.id, "task_id": task.id,
            "order_id": order.id, "meeting_id": meeting_id, **_brought_in(session)}


def _offer(session: Session, account: Account, person: Contact, today: date) -> int:
    offer = make_offer(session, name="upgrade", valid_from=today - timedelta(days=1),
                       valid_until=today + timedelta(days=30))
    code = grant_offers(session, offer_name="upgrade", recipients=[(person.id, account.id)])[person.id]["code"]
    order = make_order(session, account, on=today)
    redemption = redeem_code(session, code=code, order_number=order.external_id)
    poison(offer)
    poison(redemption)
    session.flush()
    return offer.id


def _partner(session: Session, account: Account, task: Task, order: Order) -> Partner:
    partner = Partner(name="Alpine", kind="distributor", sees_people=True, sees_all_orders=True, created_at=clock.now())
    session.add(partner)
    session.flush()
    share = [PartnerAccount(account_id=account.id, partner_id=partner.id, assigned_at=clock.now()),
             PartnerTask(task_id=task.id, partner_id=partner.id, given_at=clock.now()),
             PartnerOrder(order_id=order.id, partner_id=partner.id, entered_at=clock.now())]
    session.add_all(share)
    session.flush()
    for row in share:
        poison(row)
    return partner


def _meeting(session: Session, account: Account, today: date) -> int:
    """One that is under way, whose agenda was frozen when the account's name was poison already."""
    meeting = plan_meeting(session, values=MeetingValues(POISON, today))
    open_meeting(session, meeting_id=meeting.id)
    assert "<img" in str(meeting.agenda)
    decision = decide(session, meeting=meeting, values=DecisionValues(
        item="lapsed", kind="task", text=POISON, reason=POISON, owner_id=make_user(session).id,
        account_id=account.id, campaign_id=None, effective_on=today, review_on=None))
    poison(meeting)
    poison(decision)
    meeting.people = [POISON]
    return meeting.id


def _brought_in(session: Session) -> dict[str, int]:
    """An import with refused rows, one that waits for its mapping, and a source that failed."""
    folder = settings().uploads_dir
    folder.mkdir(parents=True, exist_ok=True)
    rejects, upload = folder / "rejects.csv", folder / "draft.upload"
    _write(rejects, ["account_id", POISON, "_row", "_column", "_error"], [POISON, POISON, "7", POISON, POISON])
    _write(upload, ["account_id", "name", POISON], ["A1", POISON, POISON])
    given: dict[str, Any] = {"kind": "accounts", "file_name": POISON, "created_at": clock.now(), "started_by": POISON}
    done = ImportRun(**given, state="done", stored_path=str(upload), rejects_path=str(rejects), rejected=1,
                     warnings=[POISON], error=POISON, options={"came_from": POISON})
    draft = ImportRun(**given, state="draft", stored_path=str(upload), options={"came_from": POISON})
    source = Source(name="shop", kind="orders", created_at=clock.now(), updated_at=clock.now(), error=POISON,
                    title=POISON, definition={"sql": {"url": POISON, "query": POISON}, "mapping": {"columns": POISON}})
    session.add_all([done, draft, source])
    remember_mapping(session, kind="accounts", header=["account_id", "name", POISON], source=POISON,
                     mapping={"columns": {"name": POISON}})
    session.flush()
    source.import_id = done.id
    return {"done_id": done.id, "import_id": draft.id, "source_id": source.id}


def _write(path: Path, *rows: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
