"""What people of the sample company have to do: cases, an offer, tasks and the next meeting."""

from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from abm.company.actions import set_company_value
from abm.company.queries import company_today
from abm.installation.sample_dossier import add_sample_dossiers
from abm.installation.sample_files import SALES
from abm.installation.sample_partner import add_sample_partner
from abm.installation.sample_scores import add_sample_scores
from abm.meetings.actions import plan_meeting
from abm.meetings.forms import MeetingValues
from abm.offers.actions import create_offer
from abm.offers.forms import OfferValues
from abm.users.queries import list_users
from abm.winback.detection import detect_lapses
from abm.winback.queries import CaseFilter, list_cases
from abm.work.actions import create_task
from abm.work.forms import TaskValues

_TASKS_FOR_CASES = 3


def add_sample_work(session: Session) -> None:
    """Through the same actions as a person's; the order of the calls is the order on the timelines."""
    today = company_today(session)
    set_company_value(session, name="name", value="Northwind Traders")
    set_company_value(session, name="postal_address", value="1 Example Street, Example Town")
    detect_lapses(session)
    create_offer(session, values=_offer(today))
    _add_tasks(session, today)
    add_sample_dossiers(session)
    add_sample_scores(session)
    add_sample_partner(session, today)
    plan_meeting(session, values=MeetingValues("Sales and marketing, weekly", _next_monday(today)))


def _offer(today: date) -> OfferValues:
    return OfferValues(
        name="free-delivery",
        title="Free delivery of your next order",
        kind="service",
        terms="One order, any size, within the validity.",
        cause="deadline",
        rung=2,
        cost_amount=Decimal(45),
        currency="EUR",
        limit_count=20,
        valid_from=today,
        valid_until=today + timedelta(days=60),
    )


def _add_tasks(session: Session, today: date) -> None:
    """One for everybody who works on accounts, and one for the owner of each of the dearest cases."""
    by_email = {user.email: user for user in list_users(session)}
    for email in ("andrew.fuller@example.com", "laura.callahan@example.com", *SALES):
        _task(session, "Prepare the weekly meeting", by_email[email].id, today + timedelta(days=1))
    for case in list_cases(session, CaseFilter())[:_TASKS_FOR_CASES]:
        _task(session, f"Ask {case.account.name} what went wrong", case.owner_id, today, account_id=case.account_id)


def _task(
    session: Session, title: str, owner_id: int | None, due_on: date, *, account_id: int | None = None
) -> None:
    values = TaskValues(
        title=title,
        kind="task",
        note="",
        due_on=due_on,
        owner_id=owner_id,
        account_id=account_id,
        contact_id=None,
        script="",
    )
    create_task(session, values=values)


def _next_monday(today: date) -> date:
    return today + timedelta(days=7 - today.weekday())
