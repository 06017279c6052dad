"""The books of a campaign: every intended message in one state, what came back, what it cost."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns.costs import Costs, read_costs
from campaigns.models import Campaign, Delivery, Enrolment, Event, Run
from campaigns.outside import outside
from campaigns.states import BOOK_OF_STATE, DeliveryState, Reason
from campaigns.tally import Tally, tally_messages
from core.errors import NotFound

BOOKS = ("queued", "sent", "suppressed", "failed", "unknown")
EXPORT_COLUMNS = ("account_id", "contact_id", "email", "step", "channel", "state", "reason", "due_at", "sent_at",
                  "message_id", "attempts")
_BOUNCED = (DeliveryState.BOUNCED_SOFT, DeliveryState.BOUNCED_HARD)
_AT_ONCE = 5_000


def get_campaign_named(session: Session, name: str) -> Campaign:
    """NotFound with the nearest name that exists."""
    campaign = session.scalar(select(Campaign).where(Campaign.name == name))
    if campaign is None:
        near = get_close_matches(name, list(session.scalars(select(Campaign.name))), n=1)
        raise NotFound(f"There is no campaign {name}" + (f', did you mean "{near[0]}"?' if near else ""))
    return campaign


def campaign_status(session: Session, name: str, tally: Tally | None = None,
                    costs: Costs | None = None) -> dict[str, Any]:
    """The answer of `status --json`, over all runs. `planned` is the sum of `by_state`; `held_out` stands outside.
    `tally` and `costs` are counted where they are not known."""
    campaign = get_campaign_named(session, name)
    tally = tally or tally_messages(session, campaign.id)
    states = tally.by_state()
    by_state = books_of(states)
    events = _count_events(session, campaign.id)
    return {
        "campaign": campaign.name, "state": campaign.state, "planned": sum(by_state.values()),
        "held_out": count_held_out(session, campaign.id), "by_state": by_state, "reasons": tally.by_reason(),
        "replied": events.get(("reply", False), 0), "clicked": events.get(("click", False), 0),
        "opened_human": events.get(("open", False), 0), "opened_machine": events.get(("open", True), 0),
        "bounced": sum(states[state] for state in _BOUNCED),
        "complained": states[DeliveryState.COMPLAINED],
        "unsubscribed": events.get(("unsubscribe", False), 0),
        "cost": float((costs or read_costs(session, tally)).total),
        "orders": count_orders(session, campaign.id),
    }


def books_of(states: Mapping[DeliveryState, int]) -> dict[str, int]:
    """Messages by book; all five are named."""
    books = dict.fromkeys(BOOKS, 0)
    for state, count in states.items():
        books[BOOK_OF_STATE[state]] += count
    return books


def count_held_out(session: Session, campaign_id: int) -> int:
    """People of held-out accounts, by person and not by step."""
    return session.scalar(select(func.count(Enrolment.contact_id.distinct())).where(
        Enrolment.run_id.in_(_runs(campaign_id)), Enrolment.end_reason == Reason.HELD_OUT.value)) or 0


def count_steps(tally: Tally) -> list[dict[str, Any]]:
    """Per step: position, step, channel, planned and the five books, in the order of the steps."""
    steps: dict[tuple[int, str], dict[str, Any]] = {}
    for line in sorted(tally.lines, key=lambda line: line.position):
        row = steps.setdefault((line.position, line.step), {
            "position": line.position, "step": line.step, "channel": line.channel, "planned": 0,
            **dict.fromkeys(BOOKS, 0)})
        row["planned"] += line.messages
        row[line.book] += line.messages
    return list(steps.values())


def _count_events(session: Session, campaign_id: int) -> dict[tuple[str, bool], int]:
    """Messages with at least one event, by kind and by whether a machine made it."""
    rows = session.execute(
        select(Event.kind, Event.is_machine, func.count(Event.delivery_id.distinct()))
        .join(Delivery, Delivery.id == Event.delivery_id).where(Delivery.run_id.in_(_runs(campaign_id)))
        .group_by(Event.kind, Event.is_machine))
    return {(kind, bool(is_machine)): count for kind, is_machine, count in rows}




def count_orders(session: Session, campaign_id: int) -> int:
    """Orders of accounts that take part (held-out ones do not), each since its first launch."""
    since = (
        select(Enrolment.account_id, func.min(Run.launched_at).label("since")).join(Run, Run.id == Enrolment.run_id)
        .where(Run.campaign_id == campaign_id, func.coalesce(Enrolment.end_reason, "") != Reason.HELD_OUT.value)
        .group_by(Enrolment.account_id))
    return outside().people.count_orders_since(session, since)


def export_rows(session: Session, name: str, *, only: Select[int] | None = None) -> Iterator[dict[str, Any]]:
    """One mapping per intended message with EXPORT_COLUMNS, read in slices. `account_id` and `contact_id` are the
    source system's own ids where the application knows them. `only` selects the ids of the deliveries wanted."""
    campaign = get_campaign_named(session, name)
    chosen: ColumnElement[bool] = true() if only is None else Delivery.id.in_(only)
    last_id = 0
    while rows := session.execute(_export_slice(campaign.id, last_id).where(chosen)).all():
        last_id = rows[-1].id
        known = outside().people.external_ids(session, [row.contact_id for row in rows])
        for row in rows:
            yield _export_row(row, known.get(row.contact_id))


def list_export_rows(session: Session, campaign_id: int, *, after: int, size: int) -> list[tuple[int, dict[str, Any]]]:
    """Some rows of the same export behind the delivery `after`, each with its id."""
    rows = session.execute(_export_slice(campaign_id, after).limit(size)).all()
    known = outside().people.external_ids(session, [row.contact_id for row in rows])
    return [(row.id, _export_row(row, known.get(row.contact_id))) for row in rows]


def _export_slice(campaign_id: int, after_id: int) -> Select[Any]:
    columns: tuple[InstrumentedAttribute[Any] | ColumnElement[Any], ...] = (
        Delivery.id, Delivery.contact_id, Delivery.address.label("email"), Delivery.step, Delivery.channel,
        Delivery.state, Delivery.reason, Delivery.due_at, Delivery.sent_at, Delivery.message_id, Delivery.attempts)
    return (select(*columns).where(Delivery.run_id.in_(_runs(campaign_id)), Delivery.id > after_id)
            .order_by(Delivery.id).limit(_AT_ONCE))


def _export_row(row: Row[Any], known: tuple[str, str, str] | None) -> dict[str, Any]:
    """`known`: the person's external contact id, account id and present address; erased people have none."""
    contact_id, account_id, email = known or ("", "", "")
    known_ones = {"account_id": account_id, "contact_id": contact_id,
                  "email": row.email if row.channel == "email" else email}
    return {column: known_ones.get(column, getattr(row, column, None)) for column in EXPORT_COLUMNS}


def _runs(campaign_id: int) -> Select[int]:
    return select(Run.id).where(Run.campaign_id == campaign_id)
