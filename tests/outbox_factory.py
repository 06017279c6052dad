"""A campaign that is running, with deliveries that are due now: what the sending tests start from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.actions import set_company_value
from abm.contacts.models import Contact
from campaigns.keys import address_key
from campaigns.models import Campaign, CampaignVersion, Delivery, Enrolment, Run
from core import clock
from core.db import reading, transaction

HTML = (
    "<html><body><p>Dear {{ contact.first_name }} of {{ account.name }},</p><p>we wrote this for you.</p>"
    '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ sender.postal_address }}</p></body></html>'
)
EMAIL_STEP = {
    "id": "hello",
    "channel": "email",
    "after": "0 days",
    "subject": "Hello {{ contact.first_name }}",
    "html": HTML,
}
CALL_STEP = {
    "id": "call",
    "channel": "call",
    "after": "0 days",
    "script": "Ask {{ contact.first_name }}",
    "assign_to": "account_owner",
}


def definition_with(steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "campaign": "welcome",
        "title": "Welcome",
        "purpose": "marketing",
        "list": "everybody",
        "sender": {"name": "Sales", "email": "sales@example.com", "postal_address": "1 Street, Town"},
        "window": {
            "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            "from": "00:00",
            "to": "23:59",
            "zone": "UTC",
        },
        "steps": steps,
        **more,
    }


@dataclass(frozen=True)
class Running:
    """A running campaign's ids."""

    campaign_id: int
    version_id: int
    run_id: int


def make_run(session: Session, *, step: Mapping[str, Any] = EMAIL_STEP, **more: Any) -> Running:
    now = clock.now()
    raw = definition_with([dict(step)], **more)
    campaign = Campaign(
        name="welcome",
        title="Welcome",
        purpose="marketing",
        state="running",
        definition=raw,
        definition_hash="h",
        created_at=now,
        updated_at=now,
    )
    session.add(campaign)
    session.flush()
    version = CampaignVersion(
        campaign_id=campaign.id, number=1, definition=raw, definition_hash=f"h{campaign.id}-{now}"[:64], created_at=now
    )
    session.add(version)
    session.flush()
    run = Run(
        campaign_id=campaign.id,
        version_id=version.id,
        approval_id=_approval(session, campaign.id, version.id),
        number=1,
        state="active",
        purpose="marketing",
        launched_at=now,
    )
    session.add(run)
    session.flush()
    return Running(campaign.id, version.id, run.id)


def _approval(session: Session, campaign_id: int, version_id: int) -> int:
    from campaigns.models import Approval

    approval = Approval(campaign_id=campaign_id, version_id=version_id, approved_by="Boss", approved_at=clock.now())
    session.add(approval)
    session.flush()
    return approval.id


def add_people(
    session: Session,
    running: Running,
    people: int,
    *,
    step: Mapping[str, Any] = EMAIL_STEP,
    accounts: int = 20,
    first: int = 1,
    **contact_values: Any,
) -> None:
    """People with one delivery each, due a minute ago."""
    now = clock.now()
    account_ids = list(
        session.scalars(
            insert(Account).returning(Account.id),
            [
                {
                    "external_id": f"A{first}-{n}",
                    "name": f"Account {n}",
                    "name_key": f"account {n}",
                    "created_at": now,
                    "updated_at": now,
                }
                for n in range(min(accounts, people))
            ],
        )
    )
    contacts = session.execute(
        insert(Contact).returning(Contact.id, Contact.account_id, Contact.email),
        [
            {
                "external_id": f"C{n}",
                "account_id": account_ids[n % len(account_ids)],
                "first_name": f"Jane{n}",
                "last_name": "Doe",
                "email": f"jane{n}@example.com",
                "email_key": f"jane{n}@example.com",
                "phone": f"+33 1 {n}",
                "lawful_basis": "legitimate_interest",
                "created_at": now,
                "updated_at": now,
                **contact_values,
            }
            for n in range(first, first + people)
        ],
    ).all()
    enrolments = session.execute(
        insert(Enrolment).returning(Enrolment.id, Enrolment.contact_id),
        [
            {"run_id": running.run_id, "account_id": row.account_id, "contact_id": row.id, "enrolled_at": now}
            for row in contacts
        ],
    ).all()
    enrolment_of = {row.contact_id: row.id for row in enrolments}
    session.execute(
        insert(Delivery),
        [
            {
                "run_id": running.run_id,
                "version_id": running.version_id,
                "enrolment_id": enrolment_of[row.id],
                "account_id": row.account_id,
                "contact_id": row.id,
                "position": 0,
                "step": step["id"],
                "channel": step["channel"],
                "address": row.email,
                "address_key": address_key(row.email),
                "state": "queued",
                "planned_at": now,
                "due_at": now - timedelta(minutes=1),
            }
            for row in contacts
        ],
    )


def running_campaign(people: int, *, step: Mapping[str, Any] = EMAIL_STEP, **more: Any) -> Running:
    """Committed and ready to be drained, without caps."""
    with transaction() as session:
        lift_caps(session)
        running = make_run(session, step=step, **more)
        add_people(session, running, people, step=step)
    return running


def lift_caps(session: Session) -> None:
    for name in ("account_points_7_days", "account_points_30_days", "person_touches_7_days", "person_touches_30_days"):
        set_company_value(session, name=name, value=0)


def states() -> dict[str, int]:
    """How many deliveries are in each state."""
    with reading() as session:
        return {
            row[0]: row[1] for row in session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
        }


def deliveries() -> list[Delivery]:
    with reading() as session:
        rows = list(session.scalars(select(Delivery).order_by(Delivery.id)))
        session.expunge_all()
    return rows
