"""What the parts of the engine tell each other about a delivery: values that nobody changes once they are made.

Those that are made for every message are not declared frozen: Python needs three times as long to make a frozen one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from campaigns.definition import Definition


@dataclass(slots=True)
class DueDelivery:
    """A row of the outbox that has come due, as claimed."""

    id: int
    run_id: int
    version_id: int
    enrolment_id: int
    account_id: int
    contact_id: int
    position: int
    step: str
    channel: str
    address: str | None
    generation: int
    planned_at: datetime
    due_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run that a batch belongs to, with the definition as it was approved."""

    run_id: int
    campaign_id: int
    campaign_name: str
    version_id: int
    purpose: str
    priority: int
    is_cap_exempt: bool
    definition: Definition


@dataclass(slots=True)
class DeliveryFacts:
    """What rendering needs beside a person's values. `offer`: code, title, valid_until, terms; `track`: pixel, links;
    `reply_to`: an address, empty where answers go to the sender."""

    delivery_id: int
    message_id: str
    to_address: str
    to_name: str
    unsubscribe_url: str
    preferences_url: str
    envelope_from: str
    references: tuple[str, ...] = ()
    offer: Mapping[str, Any] = field(default_factory=dict)
    track: bool = True
    reply_to: str = ""
