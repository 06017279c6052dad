"""The secrets that messages to other programs are signed with: one per host, made anew on request.

A secret follows from the installation's key, the host and how often it was made anew, so none is stored. For OVERLAP
after that, messages bear the signatures of both, as Standard Webhooks has it, so that the receiver can change in peace.
"""

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns.models import WebhookKey
from core import clock
from core.errors import Refused
from core.signing import keyed_digest

OVERLAP = timedelta(days=2)


class Turn(NamedTuple):
    """How often the secret of a host was made anew, and when last."""

    number: int
    rotated_at: datetime


Turns = Mapping[str, Turn]


def host_of(url: str) -> str:
    """The host of an address, or of a host's own name."""
    return (urlsplit(url if "//" in url else f"//{url}").hostname or "").lower()


def read_turns(session: Session) -> dict[str, Turn]:
    """Those of all hosts whose secret was ever made anew."""
    rows = session.execute(select(WebhookKey.host, WebhookKey.turn, WebhookKey.rotated_at))
    return {host: Turn(number, at) for host, number, at in rows}


def secrets_of(url: str, turns: Turns, *, now: datetime) -> tuple[str, ...]:
    """The secret of this host, in the form receivers' libraries take; behind it the one before, while both sign."""
    host = host_of(url)
    turn = turns.get(host)
    if turn is None:
        return (_secret(host, 0),)
    before = (_secret(host, turn.number - 1),) if now < turn.rotated_at + OVERLAP else ()
    return (_secret(host, turn.number), *before)


def _secret(host: str, number: int) -> str:
    named = f"{host}\x1f{number}" if number else host
    return "whsec_" + base64.b64encode(keyed_digest("webhook-secret", named)[:32].encode()).decode()


def rotate_secret(session: Session, *, url: str) -> Turn:
    """Make the host's secret anew. Refused while two sign already: a third would end the first one too early."""
    host, now = host_of(url), clock.now()
    if not host:
        raise Refused(f"{url} names no host; give an address such as https://example.com/hook")
    key = session.get(WebhookKey, host)
    if key is not None and now < key.rotated_at + OVERLAP:
        raise Refused(f"The secret of {host} was made anew on {key.rotated_at:%Y-%m-%d %H:%M} UTC and the one before "
                      f"still signs; wait until {key.rotated_at + OVERLAP:%Y-%m-%d %H:%M} UTC")
    if key is None:
        key = WebhookKey(host=host, turn=0, rotated_at=now)
        session.add(key)
    key.turn, key.rotated_at = key.turn + 1, now
    session.flush()
    return Turn(key.turn, now)
