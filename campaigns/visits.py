"""Opens and clicks kept as events, with what tells people from machines."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from campaigns.events import Said, keep_link, record_event
from campaigns.machine_rules import is_machine_click, is_machine_open
from campaigns.models import Delivery
from campaigns.tracking import Click
from core import clock


def record_open(session: Session, *, delivery_id: int, agent: str, ip: str) -> bool:
    """Keep one fetch of the pixel; False when the delivery is no longer there."""
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        return False
    is_machine = is_machine_open(agent=agent, seconds_since_sent=_seconds_since_sent(delivery))
    said = Said(raw=_raw(agent, ip), is_machine=is_machine)
    return record_event(session, delivery=delivery, kind="open", event_key=_key("open", delivery_id), said=said)


def record_click(session: Session, *, click: Click, agent: str, ip: str) -> bool:
    """Keep one click. Of a target that holds values of the person only its host is kept."""
    delivery = session.get(Delivery, click.delivery_id)
    if delivery is None:
        return False
    url = f"{urlsplit(click.url).scheme}://{urlsplit(click.url).netloc}/" if click.is_personal else click.url
    said = Said(
        raw=_raw(agent, ip),
        link_id=keep_link(session, version_id=delivery.version_id, url=url),
        is_machine=is_machine_click(agent=agent, seconds_since_sent=_seconds_since_sent(delivery)),
    )
    return record_event(session, delivery=delivery, kind="click", event_key=_key("click", click.delivery_id), said=said)


def _seconds_since_sent(delivery: Delivery) -> float | None:
    return (clock.now() - delivery.sent_at).total_seconds() if delivery.sent_at else None


def _raw(agent: str, ip: str) -> dict[str, Any]:
    return {"agent": agent[:300], "ip": ip[:60]}


def _key(kind: str, delivery_id: int) -> str:
    return f"{kind}:{delivery_id}:{secrets.token_hex(12)}"
