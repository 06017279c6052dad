"""The books of a campaign: every intended message in one state, what came back, what it cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from campaigns.letters import TAKEN_BACK
from campaigns.models import Campaign, Delivery, Enrolment, Event, Run, Touch
from campaigns.outside import outside
from campaigns.states import AWAITED, BOOK_OF_STATE, Channel, DeliveryState, Reason
from core.db import MONEY_SCALE
from core.errors import NotFound

BOOKS = ("queued", "sent", "suppressed", "failed", "unknown")
EXPORT_COLUMNS = ("account_id", "contact_id", "email", "step", "channel", "state", "reason", "due_at", "sent_at",
                  "message_id", "attempts")
_BOUNCED = (DeliveryState.BOUNCED_SOFT, DeliveryState.BOUNCED_HARD)
_SENT = tuple(state for state, book in BOOK_OF_STATE.items() if book == "sent")
_NEVER_MADE = (Reason.CALL_NOT_DONE.value, Reason.VISIT_NOT_DONE.value, Reason.LETTER_NOT_POSTED.value, TAKEN_BACK,
               "visit_cancelled")
_NOBODY_THERE = ("call_not_reached", "call_wrong_number", "visit_not_there")
_AT_ONCE = 5_000


def get_campaign_named(session: Session, name: str) -> Campaign:
    """NotFound with the nearest name that exists."""
    campaign = session.scalar(select(Campaign).where(Campaign.name == name))
    if campaign is None:
        near = get_close_matches(name, list(session.scalars(select(Campaign.name))), n=1)
        raise NotFound(f"There is no campaign {name}" + (f', did you mean "{near[0]}"?' if near else ""))
    return campaign


def campaign_status(session: Session, name: str) -> dict[str, Any]:
    """The answer of `status --json`, over all runs. `planned` is the sum of `by_state`; `held_out` stands outside."""
    campaign = get_campaign_named(session, name)
    states = count_states(session, campaign.id)
    by_state = books_of(states)
    events = _count_events(session, campaign.id)
    return {
        "campaign": campaign.name, "state": campaign.state, "planned": sum(by_state.values()),
        "held_out": count_held_out(session, campaign.id), "by_state": by_state,
        "reasons": count_reasons(session, campaign.id),
        "replied": events.get(("reply", False), 0), "clicked": events.get(("click", False), 0),
        "opened_human": events.get(("open", False), 0), "opened_machine": events.get(("open", True), 0),
        "bounced": sum(states.get(state, 0) for state in _BOUNCED),
        "complained": states.get(DeliveryState.COMPLAINED, 0),
        "unsubscribed": events.get(("unsubscribe", False), 0),
        "cost": float(cost_of_sent(session, campaign.id)), "orders": count_orders(session, campaign.id),
    }


def count_states(session: Session, campaign_id: int) -> dict[DeliveryState, int]:
    """Messages by exact state."""
    rows = session.execute(select(Delivery.state, func.count()).where(Delivery.run_id.in_(_runs(campaign_id)))
                           .group_by(Delivery.state))
    return {DeliveryState(state): count for state, count in rows}


def books_of(states: Mapping[DeliveryState, int]) -> dict[str, int]:
    """Messages by book; all five are named."""
    books = dict.fromkeys(BOOKS, 0)
    for state, count in states.items():
        books[BOOK_OF_STATE[state]] += count
    return books


def count_reasons(session: Session, campaign_id: int) -> dict[str, int]:
    """Why messages were suppressed, deferred or failed, the frequent reasons first."""
    rows = session.execute(
        select(Delivery.reason, func.count())
        .where(Delivery.run_id.in_(_runs(campaign_id)), Delivery.reason.is_not(None), Delivery.state.not_in(_SENT))
        .group_by(Delivery.reason).order_by(func.count().desc(), Delivery.reason))
    return {str(reason): count for reason, count in rows}


def count_held_out(session: Session, campaign_id: int) -> int:
    """People of held-out accounts, by person and not by step."""
    return session.scalar(select(func.count(Enrolment.contact_id.distinct())).where(
        Enrolment.run_id.in_(_runs(campaign_id)), Enrolment.end_reason == Reason.HELD_OUT.value)) or 0


def count_steps(session: Session, campaign_id: int) -> list[dict[str, Any]]:
    """Per step: position, step, channel, planned and the five books, in the order of the steps."""
    rows = session.execute(
        select(Delivery.position, Delivery.step, Delivery.channel, Delivery.state, func.count())
        .where(Delivery.run_id.in_(_runs(campaign_id)))
        .group_by(Delivery.position, Delivery.step, Delivery.channel, Delivery.state).order_by(Delivery.position))
    steps: dict[tuple[int, str], dict[str, Any]] = {}
    for position, step, channel, state, count in rows:
        row = steps.setdefault((position, step), {"position": position, "step": step, "channel": channel,
                                                  "planned": 0, **dict.fromkeys(BOOKS, 0)})
        row["planned"] += count
        row[BOOK_OF_STATE[DeliveryState(state)]] += count
    return list(steps.values())


def _count_events(session: Session, campaign_id: int) -> dict[tuple[str, bool], int]:
    """Messages with at least one event, by kind and by whether a machine made it."""
    rows = session.execute(
        select(Event.kind, Event.is_machine, func.count(Event.delivery_id.distinct()))
        .join(Delivery, Delivery.id == Event.delivery_id).where(Delivery.run_id.in_(_runs(campaign_id)))
        .group_by(Event.kind, Event.is_machine))
    return {(kind, bool(is_machine)): count for kind, is_machine, count in rows}


@dataclass(frozen=True, slots=True)
class CostLine:
    """What the touches of one channel cost: `flat` of them at the channel's `price`, `measured` at what their time (or
    the visit with its expenses) came to. `idle`: handed over, and not made by anybody, which costs nothing."""

    channel: str
    flat: int
    price: Decimal
    measured: int
    seconds: int
    measured_cost: Decimal
    idle: int

    @property
    def total(self) -> Decimal:
        return self.flat * self.price + self.measured_cost


def cost_of_sent(session: Session, campaign_id: int) -> Decimal:
    """What the touches that were made cost, in the company's currency; see `list_cost_lines`."""
    return sum((line.total for line in list_cost_lines(session, campaign_id)), Decimal(0))


def list_cost_lines(session: Session, campaign_id: int) -> list[CostLine]:
    """By channel what was made cost: its time where it was measured, visits with their expenses, else today's price of
    the channel. What waits for a seller or for the post, or was never done, costs nothing but the time of its tries."""
    prices = outside().company.policy(session).channel_costs
    is_ours = and_(Delivery.run_id.in_(_runs(campaign_id)), Delivery.state.in_(_SENT))
    timed_touch = aliased(Touch)
    was_tried = exists().where(timed_touch.delivery_id == Delivery.id, timed_touch.seconds.is_not(None))
    counts = or_(is_made(), was_tried)
    handed = session.execute(select(Delivery.channel, func.count(), func.count(case((counts, 1))))
                             .where(is_ours).group_by(Delivery.channel).order_by(Delivery.channel)).all()
    measured = {channel: (count, seconds, cost) for channel, count, seconds, cost in session.execute(
        select(Delivery.channel, func.count(), func.sum(Touch.seconds), func.sum(Touch.cost_amount))
        .join(Touch, Touch.delivery_id == Delivery.id)
        .where(is_ours, counts, or_(Touch.seconds.is_not(None), Touch.channel == "visit"))
        .group_by(Delivery.channel))}
    lines = []
    for channel, count, made in handed:
        timed, seconds, cost = measured.get(channel, (0, 0, 0))
        lines.append(CostLine(channel, made - timed, _price(prices, channel), timed, int(seconds or 0),
                              Decimal(int(cost or 0)) / MONEY_SCALE, count - made))
    return lines


def is_made() -> ColumnElement[bool]:
    """Whether a handed-over message reached somebody: of calls, visits and letters, once a person said so."""
    is_done = and_(Delivery.reason.is_not(None), Delivery.reason.not_in(_NEVER_MADE))
    return or_(Delivery.channel.not_in(list(AWAITED)), is_done)


def count_reached(session: Session, campaign_id: int) -> int:
    """People who got at least one e-mail or letter, or were talked to."""
    return session.scalar(select(func.count(Delivery.contact_id.distinct())).where(
        Delivery.run_id.in_(_runs(campaign_id)), Delivery.state.in_(_SENT), is_made(),
        Delivery.channel != Channel.WEBHOOK.value,
        func.coalesce(Delivery.reason, "").not_in(_NOBODY_THERE))) or 0


def _price(costs: Mapping[str, str], channel: str) -> Decimal:
    return Decimal(str(costs.get(channel, 0)))


def count_orders(session: Session, campaign_id: int) -> int:
    """Orders of accounts that take part (held-out ones do not), each since its first launch."""
    since: dict[int, datetime] = dict(session.execute(
        select(Enrolment.account_id, func.min(Run.launched_at)).join(Run, Run.id == Enrolment.run_id)
        .where(Run.campaign_id == campaign_id, func.coalesce(Enrolment.end_reason, "") != Reason.HELD_OUT.value)
        .group_by(Enrolment.account_id)).all())
    accounts = sorted(since.items())
    return sum(outside().people.count_orders_since(session, dict(accounts[start:start + _AT_ONCE]))
               for start in range(0, len(accounts), _AT_ONCE))


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
