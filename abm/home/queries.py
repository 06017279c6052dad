"""What Today shows: the first steps, my work, the programme's few numbers; and the search over everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import Select

from abm.accounts.models import Account
from abm.analysis.models import AnalysisRun
from abm.contacts.models import Contact
from abm.imports.models import ImportRun
from abm.orders.models import Order
from abm.outreach.models import Forecast
from abm.plans.models import AccountReview
from abm.plans.queries import list_open_reviews
from abm.targets.models import TargetList
from abm.winback.models import Case
from abm.work.models import Task
from campaigns.complaint_days import ComplaintDay, list_complaint_days
from campaigns.models import Campaign, Delivery, Event, RelayHealth, Run, SendingIdentity
from campaigns.sending.breaker import list_troubled
from campaigns.states import CampaignState, DeliveryState, RunState, states_of
from core import clock
from core.words import has_words

_FOUND_PER_KIND = 6
_MOST_FOUND = 500
_SENT = Delivery.state.in_(states_of("sent"))


@dataclass(frozen=True)
class Step:
    """A line of the first-minute checklist: ticked by doing it."""

    title: str
    text: str
    endpoint: str
    is_done: bool


def checklist(session: Session, *, has_sent: bool) -> list[Step]:
    """The five steps from an empty installation to the first message."""

    def there_is(query: Select[Any]) -> bool:
        return bool(session.scalar(select(exists(query))))

    has_data = there_is(select(Account.id)) and there_is(select(Order.id)) and there_is(select(Contact.id))
    return [
        Step(
            "Bring your accounts, orders and people",
            "CSV or Excel; columns are matched for you",
            "imports.new",
            has_data,
        ),
        Step(
            "Look at the analysis",
            "Which accounts are key, and which fall silent",
            "analysis.index",
            there_is(select(AnalysisRun.id).where(AnalysisRun.state == "done")),
        ),
        Step("Make a target list", "By rules in words, or by hand", "targets.index", there_is(select(TargetList.id))),
        Step(
            "Make a campaign",
            "E-mail and call steps, approved by a colleague",
            "outreach.index",
            there_is(select(Campaign.id)),
        ),
        Step(
            "Send it",
            "Messages go to the outbox of this machine until you set a mail server",
            "outreach.index",
            has_sent,
        ),
    ]


@dataclass(frozen=True)
class Figure:
    """A number of the programme with last week's beside it."""

    name: str
    value: int
    before: int
    endpoint: str


@dataclass(frozen=True)
class Messages:
    """Of all campaigns: sent ever, in the last seven days, in the seven before, and in doubt."""

    sent: int
    this_week: int
    last_week: int
    in_doubt: int


@dataclass(frozen=True)
class Today:
    tasks: list[Task]
    late: int
    drafts: list[Campaign]
    messages: Messages
    replies: list[tuple[Event, Account]]
    figures: list[Figure]
    reviews: Sequence[AccountReview]
    complaints: Sequence[ComplaintDay]
    troubled: Sequence[tuple[RelayHealth, SendingIdentity | None]]


def today_figures(session: Session, *, user_id: int) -> Today:
    """My open tasks due by tomorrow, campaigns that wait for approval, latest replies, this week against last."""
    tomorrow = clock.today() + timedelta(days=1)
    mine = (Task.owner_id == user_id) & (Task.state == "open")
    tasks = session.scalars(
        select(Task)
        .where(mine, or_(Task.due_on.is_(None), Task.due_on <= tomorrow))
        .order_by(Task.due_on, Task.id)
        .limit(8)
    )
    late = session.scalar(select(func.count()).select_from(Task).where(mine, Task.due_on < clock.today())) or 0
    drafts = session.scalars(
        select(Campaign).where(Campaign.state == CampaignState.DRAFT).order_by(Campaign.updated_at.desc()).limit(5)
    )
    messages = _count_messages(session)
    replies = session.execute(
        select(Event, Account)
        .join(Account, Account.id == Event.account_id)
        .where(Event.kind == "reply")
        .order_by(Event.at.desc())
        .limit(5)
    )
    return Today(list(tasks), late, list(drafts), messages, [(row[0], row[1]) for row in replies],
                 _figures(session, messages),
                 list_open_reviews(session, limit=5), list_complaint_days(session), list_troubled(session))


def _count_messages(session: Session) -> Messages:
    """In one walk: there may be millions, and no index holds their states, which would cost each that is sent."""
    now, week = clock.now(), timedelta(days=7)
    is_in_doubt, at = Delivery.state == DeliveryState.UNKNOWN, Delivery.sent_at
    row = session.execute(
        select(func.count().filter(_SENT),
               func.count().filter(_SENT & (at > now - week) & (at <= now)),
               func.count().filter(_SENT & (at > now - 2 * week) & (at <= now - week)),
               func.count().filter(is_in_doubt))
        .where(_SENT | is_in_doubt)).one()
    return Messages(*row)


def _figures(session: Session, messages: Messages) -> list[Figure]:
    now = clock.now()
    week, fortnight = now - timedelta(days=7), now - timedelta(days=14)

    def both(query: Select[Any], column: Any) -> tuple[int, int]:
        this = session.scalar(query.where(column > week, column <= now)) or 0
        last = session.scalar(query.where(column > fortnight, column <= week)) or 0
        return this, last

    replied = both(select(func.count()).select_from(Event).where(Event.kind == "reply"), Event.at)
    done = both(select(func.count()).select_from(Task).where(Task.state == "done"), Task.done_at)
    lost = both(select(func.count()).select_from(Case), Case.detected_at)
    won = both(select(func.count()).select_from(Case).where(Case.state == "won_back"), Case.closed_at)
    return [
        Figure("Messages sent", messages.this_week, messages.last_week, "outreach.index"),
        Figure("Replies", *replied, "outreach.index"),
        Figure("Tasks done", *done, "work.my_day"),
        Figure("Fell silent", *lost, "winback.index"),
        Figure("Won back", *won, "winback.index"),
    ]


@dataclass(frozen=True)
class Found:
    kind: str
    title: str
    note: str
    endpoint: str
    values: dict[str, Any]


def search_everything(session: Session, *, text: str) -> list[Found]:
    """Accounts and people in whose names, ids, addresses or titles the text's words begin words; lists and campaigns
    whose name holds the text. A few of each."""

    def has(*columns: Any) -> Any:
        return or_(*(column.icontains(text, autoescape=True) for column in columns))

    accounts = session.scalars(
        select(Account)
        .where(has_words("account", Account.id, text, most=_MOST_FOUND))
        .order_by(Account.name)
        .limit(_FOUND_PER_KIND)
    )
    people = session.execute(
        select(Contact, Account.name)
        .join(Account, Account.id == Contact.account_id)
        .where(has_words("contact", Contact.id, text, most=_MOST_FOUND))
        .order_by(Contact.last_name)
        .limit(_FOUND_PER_KIND)
    )
    lists = session.scalars(select(TargetList).where(has(TargetList.name, TargetList.title)).limit(_FOUND_PER_KIND))
    campaigns = session.scalars(select(Campaign).where(has(Campaign.name, Campaign.title)).limit(_FOUND_PER_KIND))
    return [
        *(
            Found("Account", row.name, row.city or row.country or "", "accounts.show", {"account_id": row.id})
            for row in accounts
        ),
        *(
            Found(
                "Person",
                f"{row.first_name or ''} {row.last_name or ''}".strip() or str(row.email),
                name,
                "contacts.show",
                {"contact_id": row.id},
            )
            for row, name in people
        ),
        *(
            Found("List", row.title, f"{row.member_count} accounts", "targets.show", {"name": row.name})
            for row in lists
        ),
        *(Found("Campaign", row.title, row.state, "outreach.show", {"campaign_id": row.id}) for row in campaigns),
    ]


def running_work(session: Session) -> list[Found]:
    """Imports, campaign runs, launch checks and dry runs that are under way."""
    imports = session.scalars(select(ImportRun).where(ImportRun.state.in_(["waiting", "running"])).limit(3))
    runs = session.execute(
        select(Campaign.title, Campaign.id)
        .join(Run, Run.campaign_id == Campaign.id)
        .where(Run.state.in_([RunState.PLANNING, RunState.ACTIVE]))
        .distinct()
        .limit(3)
    )
    forecasts = session.execute(
        select(Forecast, Campaign.title)
        .join(Campaign, Campaign.id == Forecast.campaign_id)
        .where(Forecast.state.in_(["waiting", "running"]))
        .limit(3)
    )
    return [
        *(
            Found(
                "Forecast",
                f"{title}: {'launch check' if row.kind == 'check' else 'dry run'}",
                f"{row.people_done:,} of {row.people:,} people",
                "outreach.check" if row.kind == "check" else "outreach.dry_run",
                {"campaign_id": row.campaign_id},
            )
            for row, title in forecasts
        ),
        *(
            Found("Import", row.file_name, f"{row.rows_read:,} rows", "imports.show", {"import_id": row.id})
            for row in imports
        ),
        *(
            Found("Campaign", title, "running", "outreach.show", {"campaign_id": campaign_id})
            for title, campaign_id in runs
        ),
    ]
