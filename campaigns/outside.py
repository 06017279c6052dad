"""What the engine needs from outside: who is to be written to, what personalises a message, where a call goes.

`abm.outreach` implements these and hands them over once, at start-up, with `connect`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session

from campaigns.country_rules import CountryRules
from campaigns.machine_rules import MachineRules
from core.errors import CannotRun


@dataclass(slots=True)
class Recipient:
    """What the gate must know of a person at the moment of sending."""

    contact_id: int
    account_id: int
    email: str | None
    phone: str | None
    country: str
    zone: str
    account_zone: str
    language: str
    lawful_basis: str
    tier: str
    is_active: bool
    role: str = ""
    consent_kind: str = ""
    basis_on: date | None = None


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call (or visit) step that has come due: becomes a task of a seller; `script` of a visit is its brief."""

    delivery_id: int
    account_id: int
    contact_id: int
    campaign_title: str
    step: str
    script: str
    assign_to: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person wrote back: the new words alone, and the message of ours it answers."""

    account_id: int
    contact_id: int
    campaign_id: int
    campaign_title: str
    delivery_id: int
    step: str
    text: str
    at: datetime
    event_id: int = 0


@dataclass(frozen=True, slots=True)
class RedeemedOffer:
    """So many redemptions of an offer, at what each costs in the company's currency."""

    title: str
    count: int
    each: Decimal

    @property
    def total(self) -> Decimal:
        return self.count * self.each


class People(Protocol):
    """Set-based answers about people, always for a whole batch."""

    def select_members(
        self, session: Session, *, list_name: str, roles: Sequence[str], per_account: int | None,
        accounts: Collection[int] | None = None,
    ) -> Select[Any]:
        """A SELECT of everybody the definition intends: contact_id, account_id, family_id, stratum, role, member_since
        (when the account came into the list) and, with `per_account`, place (among the account's people by weight of
        role). `accounts`: of these alone."""

    def select_current(self, session: Session) -> Select[Any]:
        """A SELECT with columns contact_id, account_id, email, is_active, lawful_basis, country, for joins in SQL."""

    def recipients(self, session: Session, contact_ids: Sequence[int]) -> dict[int, Recipient]:
        """The present facts of the batch's people; somebody erased is missing."""

    def values(self, session: Session, contact_ids: Sequence[int]) -> dict[int, Mapping[str, Mapping[str, Any]]]:
        """Per contact the plain values content may name: contact, account, owner, last_order (dicts of values)."""

    def postal_addresses(self, session: Session, contact_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Per contact the lines of a letter's address block; who has no street on file is missing."""

    def fitting(self, session: Session, rule: Mapping[str, Any], contact_ids: Sequence[int]) -> set[int]:
        """Of these people those whom (or whose account) a rule of target lists fits now."""

    def ordered_since(self, session: Session, accounts: Mapping[int, datetime]) -> set[int]:
        """Of these accounts those that ordered on or after their moment's day."""

    def count_orders_since(self, session: Session, accounts: Select[int, datetime]) -> int:
        """How many orders the accounts of a SELECT (account_id, since) made on or after their moment's day."""

    def external_ids(self, session: Session, contact_ids: Sequence[int]) -> dict[int, tuple[str, str, str]]:
        """Per contact the source system's own contact id and account id, and the present address (or empty)."""

    def tiers(self, session: Session, account_ids: Sequence[int]) -> dict[int, str]:
        """The tier of each account; empty where it has none."""

    def owners(self, session: Session, account_ids: Sequence[int]) -> dict[int, int]:
        """The user who looks after each account; accounts that nobody looks after are missing."""

    def keep_consent(self, session: Session, contact_id: int, *, source: str) -> None:
        """The person agreed to e-mail now: consent is the lawful basis, with this source."""

    def family_values(self, session: Session, family_ids: Sequence[int]) -> dict[int, float]:
        """What each family (the account with this id and its sites) ordered in the last 365 days; 0 for nothing."""

    def contacts_by_address(self, session: Session, address: str) -> list[tuple[int, int]]:
        """(contact_id, account_id) of everybody with this address, case-insensitively."""


class Desk(Protocol):
    """Where calls and visits go."""

    def place_calls(self, session: Session, requests: Sequence[CallRequest]) -> None:
        """Make one task per request; a repeat for the same delivery makes none."""

    def place_visits(self, session: Session, requests: Sequence[CallRequest]) -> None:
        """The same for visits."""

    def is_promised(self, delivery_id: ColumnElement[int], *, after: datetime) -> ColumnElement[bool]:
        """Whether the person of this call was promised another one, later than `after` (in the company's zone)."""

    def show_answer(self, session: Session, answer: Answer) -> None:
        """Put what somebody wrote where those who look after the account see it, as something to do for its owner."""


class Offers(Protocol):
    """What a message may promise."""

    def grant(
        self, session: Session, *, offer: str, recipients: Sequence[tuple[int, int]], campaign_id: int
    ) -> dict[int, Mapping[str, Any]]:
        """For (contact_id, account_id) pairs: values code, title, valid_until by contact id; stable when repeated.

        Missing in the answer: the offer is not available for that account (limit, validity). The campaign that
        promised it first bears its cost."""

    def redeemed(self, session: Session, campaign_id: int) -> list["RedeemedOffer"]:
        """What was taken up of what this campaign promised first, offer by offer."""


@dataclass(frozen=True)
class Policy:
    """The company's own rules for outreach. Points and touches: 0 means no limit.

    `second_approval_above`: more people than this need two approvals; 0: one is enough for any number."""

    zone: str
    country: str
    working_days: tuple[str, ...]
    working_from: time
    working_to: time
    account_points_7_days: int
    account_points_30_days: int
    person_touches_7_days: int
    person_touches_30_days: int
    lock_days_after_reply: int
    channel_points: Mapping[str, int]
    channel_costs: Mapping[str, str]
    is_sending_paused: bool
    second_approval_above: int = 0
    account_points_by_tier: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    country_rules: CountryRules = field(default_factory=CountryRules)
    machine_rules: MachineRules = field(default_factory=MachineRules)


class Company(Protocol):
    """The company's rules."""

    def policy(self, session: Session) -> Policy:
        """What holds now."""


@dataclass(frozen=True)
class Outside:
    people: People
    desk: Desk
    offers: Offers
    company: Company


_connected: list[Outside] = []


def connect(outside: Outside) -> None:
    """Hand over the application's side; called once per process at start-up."""
    _connected[:] = [outside]


def outside() -> Outside:
    if not _connected:
        raise CannotRun("The engine has no application behind it: call campaigns.outside.connect first")
    return _connected[0]
