"""The webhook channel: a signed message to another program, as the Standard Webhooks specification has it.

Its id is the same on every try, so a receiver that keeps ids does the work once; that is why what is in doubt may be
sent again, and nothing is written to the journal before a message leaves.
"""

import json
import queue
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC

from campaigns.channels.base import (
    CarriedChannel,
    HandOverJournal,
    Making,
    MayBegin,
    Outcome,
    Outgoing,
    Posting,
    Result,
)
from campaigns.channels.http_post import NotAllowed, Unreachable, post
from campaigns.channels.webhook_secrets import Turns, read_turns, secrets_of
from campaigns.definition_values import WebhookStep
from campaigns.sandbox import compile_template
from campaigns.sending.circuit import Opening
from core import clock, db
from core.signing import keyed_digest

AT_ONCE = 8
_LATER = frozenset({408, 409, 425, 429})


def make(making: Making) -> Posting:
    """The message: what happened, to whom, by the source system's own ids, and the step's own values.

    Raises MissingValue with every name that is missing."""
    due, step = making.due, making.step
    assert isinstance(step, WebhookStep)
    contact, account = (dict(making.values.get(part, {})) for part in ("contact", "account"))
    contact_id, account_id, _address = making.external
    said = {
        "type": "campaign.step", "timestamp": due.due_at.astimezone(UTC).isoformat(),
        "data": {
            "campaign": making.definition.name, "step": step.id,
            "account": {"account_id": account_id, "name": account.get("name")},
            "contact": {"contact_id": contact_id, "first_name": contact.get("first_name"),
                        "last_name": contact.get("last_name"), "email": contact.get("email")},
            "values": {name: compile_template(source, is_html=False).render(making.values)
                       for name, source in step.payload.items()},
        },
    }
    return Posting(step.url, message_id(due.id), json.dumps(said, ensure_ascii=False, sort_keys=True).encode())


def message_id(delivery_id: int) -> str:
    """The idempotency key of a delivery: the same on every try, and nobody can guess another's."""
    return f"msg_{keyed_digest('webhook', str(delivery_id))[:32]}"


def headers_of(message: Outgoing, turns: Turns) -> dict[str, str]:
    """The message's headers, signed now with every secret that is in force for its host."""
    from standardwebhooks.webhooks import Webhook

    now = clock.now()
    signature = " ".join(Webhook(secret).sign(message.envelope_from, now, message.wire.decode())
                         for secret in secrets_of(message.envelope_to, turns, now=now))
    return {"Content-Type": "application/json", "webhook-id": message.envelope_from,
            "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature,
            "Idempotency-Key": message.envelope_from}


class WebhookCarrier:
    """Posts a few messages at a time, each over a connection of its own."""

    def __init__(self, journal: HandOverJournal, may_begin: MayBegin) -> None:
        self._journal, self._may_begin = journal, may_begin
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="webhook")
        self._told: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._waiting: dict[int, Outgoing] = {}
        self._is_withdrawn = False
        self._turns: Turns = {}

    def hand_over(self, messages: Sequence[Outgoing]) -> None:
        with db.reading() as session:
            self._turns = read_turns(session)
        for message in messages:
            self._waiting[message.delivery_id] = message
            self._pool.submit(self._carry, message)

    def _carry(self, message: Outgoing) -> None:
        self._told.put(self._post(message))

    def _post(self, message: Outgoing) -> Outcome:
        if self._is_withdrawn or not self._may_begin(message):
            return _outcome(message, Result.RETURNED, None, "stopped before it was begun")
        try:
            answer = post(message.envelope_to, message.wire, headers_of(message, self._turns))
        except NotAllowed as error:
            return _outcome(message, Result.REFUSED, None, str(error))
        except Unreachable as error:
            return _outcome(message, Result.DEFERRED, None, str(error))
        except Exception as error:  # whatever a strange server does, every message is answered for
            return _outcome(message, Result.DEFERRED, None, f"could not be posted ({type(error).__name__})")
        if 200 <= answer.status < 300:
            self._journal.accepted(message.delivery_id, message.fence, answer.status)
            return _outcome(message, Result.SENT, answer.status, answer.text)
        is_for_later = answer.status >= 500 or answer.status in _LATER
        return _outcome(message, Result.DEFERRED if is_for_later else Result.REFUSED, answer.status, answer.text)

    def outcomes(self, wait: float) -> list[Outcome]:
        told: list[Outcome] = []
        with suppress(queue.Empty):
            if wait and self._waiting:
                told.append(self._told.get(timeout=wait))
            while True:
                told.append(self._told.get_nowait())
        for one in told:
            self._waiting.pop(one.delivery_id, None)
        return told

    def in_hand(self) -> int:
        return len(self._waiting)

    def in_slow_lane(self) -> int:
        return 0

    def openings(self) -> list[Opening]:
        """Every message has a connection of its own, so there is nothing to break."""
        return []

    def withdraw(self) -> None:
        self._is_withdrawn = True

    def close(self, grace: float) -> None:
        """What has no answer by then is tried again: its id makes that harmless."""
        self.withdraw()
        self._pool.shutdown(wait=False, cancel_futures=False)
        end = clock.host_lease_clock() + grace
        answered: list[Outcome] = []
        while self._waiting and clock.host_lease_clock() < end:
            answered += self.outcomes(0.2)
        left = [_outcome(message, Result.DEFERRED, None, "no answer before the process stopped")
                for message in self._waiting.values()]
        self._waiting = {}
        for one in (*answered, *left):
            self._told.put(one)


def _outcome(message: Outgoing, result: Result, code: int | None, text: str) -> Outcome:
    return Outcome(message.delivery_id, message.fence, result, "webhook", code, text, clock.now())


CHANNEL = CarriedChannel(make, WebhookCarrier)
