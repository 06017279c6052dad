"""What came back, stored once, applied in any order: the highest of a delivery's events is its state (T10, T12)."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from campaigns.message_ids import told_number
from campaigns.models import Delivery, EarlierMessageId, Event, Link
from campaigns.states import Channel, DeliveryState
from core import clock
from core.db import is_postgres
from core.id_lists import is_among, is_among_given

_RANK: dict[DeliveryState, int] = {
    DeliveryState.UNKNOWN: 0,
    DeliveryState.UNKNOWN_FINAL: 0,
    DeliveryState.SENT: 1,
    DeliveryState.BOUNCED_SOFT: 2,
    DeliveryState.DELIVERED: 3,
    DeliveryState.BOUNCED_HARD: 4,
    DeliveryState.COMPLAINED: 5,
}
STATE_OF_KIND: dict[str, DeliveryState] = {
    "complaint": DeliveryState.COMPLAINED,
    "bounce_hard": DeliveryState.BOUNCED_HARD,
    "delivered": DeliveryState.DELIVERED,
    "bounce_soft": DeliveryState.BOUNCED_SOFT,
    "blocked": DeliveryState.BOUNCED_SOFT,
    "reply": DeliveryState.SENT,
    "auto_reply": DeliveryState.SENT,
    "open": DeliveryState.SENT,
    "click": DeliveryState.SENT,
    "unsubscribe": DeliveryState.SENT,
    "confirmed": DeliveryState.SENT,
}


@dataclass(frozen=True, slots=True)
class Said:
    """What an event tells beside its kind. `raw` is kept so that a classification can be made again."""

    code: str | None = None
    text: str | None = None
    raw: dict[str, Any] | None = None
    is_machine: bool = False
    link_id: int | None = None


def record_event(
    session: Session,
    *,
    delivery: Delivery,
    kind: str,
    event_key: str,
    said: Said | None = None,
    at: datetime | None = None,
) -> bool:
    """Store an event and apply it to its delivery; False when it was known already, and then nothing changes."""
    told = said or Said()
    if delivery.address is None and delivery.channel == Channel.EMAIL:  # the person was erased
        told = replace(told, text=None, raw=None)
    moment = at or clock.now()
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    row = insert(Event).values(
        event_key=event_key[:120],
        delivery_id=delivery.id,
        account_id=delivery.account_id,
        contact_id=delivery.contact_id,
        kind=kind,
        is_machine=told.is_machine,
        link_id=told.link_id,
        code=told.code,
        text=told.text,
        raw=told.raw,
        at=moment,
    )
    if session.execute(row.on_conflict_do_nothing().returning(Event.id)).first() is None:
        return False
    raise_state(session, delivery.id, kind, moment)
    session.expire(delivery)
    return True


def raise_state(session: Session, delivery_id: int, kind: str, at: datetime) -> None:
    """Never lowers a state; one that is still being handed over is raised when that is recorded."""
    raised = states_raised_by(kind)
    if not raised:
        return
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state.in_(raised))
        .values(
            state=STATE_OF_KIND[kind], sent_at=func.coalesce(Delivery.sent_at, at),
            ended_at=func.coalesce(Delivery.ended_at, at),
        )
        .execution_options(synchronize_session=False)
    )


def states_raised_by(kind: str) -> tuple[DeliveryState, ...]:
    """The states that an event of this kind replaces by its own (`STATE_OF_KIND`): those of a lower rank."""
    target = STATE_OF_KIND.get(kind)
    return () if target is None else tuple(state for state, rank in _RANK.items() if rank < _RANK[target])


def apply_late_events(session: Session, *, since: datetime | None = None) -> int:
    """Raise deliveries whose events came while their hand-over was being recorded; how many. For the sweep."""
    return _raise(session, _outranked().where(Event.at >= (since or clock.now() - timedelta(hours=2))), {})


def apply_earlier_events(session: Session, delivery_ids: Collection[int]) -> int:
    """Raise these deliveries, whose hand-over is recorded only now, to what came back of them before; how many."""
    return _raise(session, _outranked_among(), {"ids": delivery_ids}) if delivery_ids else 0


@cache
def _outranked() -> Select[int | None, str, datetime]:
    """Events whose state ranks above that of their delivery."""
    wanted = case({kind: _RANK[state] for kind, state in STATE_OF_KIND.items()}, value=Event.kind, else_=0)
    present = case({state.value: rank for state, rank in _RANK.items()}, value=Delivery.state, else_=9)
    return select(Event.delivery_id, Event.kind, Event.at).join(
        Delivery, Delivery.id == Event.delivery_id).where(wanted > present)


@cache
def _outranked_among() -> Select[int | None, str, datetime]:
    return _outranked().where(is_among_given(Event.delivery_id, "ids"))


def _raise(session: Session, outranked: Select[int | None, str, datetime], given: Mapping[str, Any]) -> int:
    late = session.connection().execute(outranked, given).all()
    for delivery_id, kind, at in late:
        if delivery_id is not None:
            raise_state(session, delivery_id, kind, at)
    return len(late)


def keep_link(session: Session, *, version_id: int, url: str) -> int:
    """The id of a link of a content version; made on its first click."""
    digest = hashlib.sha256(url.encode()).hexdigest()[:40]
    insert = postgres_insert if is_postgres(session) else sqlite_insert
    session.execute(insert(Link).values(version_id=version_id, url_hash=digest, url=url).on_conflict_do_nothing())
    return session.scalars(select(Link.id).where(Link.version_id == version_id, Link.url_hash == digest)).one()


def find_delivery_by_message_ids(session: Session, message_ids: Sequence[str]) -> Delivery | None:
    """The delivery that one of these Message-IDs belongs to, the first one wins."""
    wanted = [form for identity in message_ids[:50] for form in (identity, identity.strip("<>"))]
    numbers = {number for form in wanted if (number := told_number(form)) is not None}
    earlier = select(EarlierMessageId.delivery_id).where(EarlierMessageId.message_id.in_(wanted))
    rows = session.scalars(select(Delivery).where(or_(is_among(Delivery.id, numbers), Delivery.id.in_(earlier))))
    found = {row.message_id: row for row in rows}
    return next((found[form] for form in wanted if form in found), None)
