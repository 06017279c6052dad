"""The plain frozen values that a campaign definition consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = ("minutes", "hours", "days", "working days", "weeks")
STOPS = ("reply", "order", "meeting", "opt_out", "complaint", "hard_bounce")
DEFAULT_STOPS = ("reply", "meeting", "opt_out", "complaint", "hard_bounce")
CONDITIONS = ("replied", "clicked", "ordered", "met")
ZONES = ("recipient", "account", "company")
ACCOUNT_OWNER = "account_owner"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after the end of the previous step; `unit` is one of UNITS."""

    amount: int = 0
    unit: str = "days"

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.removesuffix('s') if self.amount == 1 else self.unit}"


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom messages come. `postal_address` may be empty in a draft; the launch check refuses that."""

    name: str = ""
    email: str = ""
    postal_address: str = ""


@dataclass(frozen=True, slots=True)
class PeopleRule:
    """Who at each account: these buying roles (none: everybody), at most so many (None: no limit)."""

    roles: tuple[str, ...] = ()
    per_account: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """When steps may be carried out. None and the empty tuple mean the company's own.

    `closes` includes its minute; `closes` before `opens` crosses midnight. `zone`: recipient, account, company or IANA.
    """

    days: tuple[str, ...] = ()
    opens: time | None = None
    closes: time | None = None
    zone: str = "recipient"
    skip_holidays: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """Words of a message in one language; None falls back to the step's own."""

    subject: str | None = None
    html: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """Another wording for a share of the people, in whole percent. Who is in no variant gets the step's own words."""

    share: int
    content: Content


@dataclass(frozen=True, slots=True)
class EmailStep:
    """`html` or `text` is given; without `text` the plain part is made from the HTML."""

    id: str
    subject: str
    html: str | None
    text: str | None = None
    after: Delay = Delay()
    unless: tuple[str, ...] = ()
    offer: str | None = None
    languages: Mapping[str, Content] = field(default_factory=dict)
    variants: Mapping[str, Variant] = field(default_factory=dict)
    channel: str = "email"


@dataclass(frozen=True, slots=True)
class CallStep:
    """A task for a seller: `assign_to` is account_owner or a user's address."""

    id: str
    script: str = ""
    assign_to: str = ACCOUNT_OWNER
    after: Delay = Delay()
    unless: tuple[str, ...] = ()
    offer: str | None = None
    channel: str = "call"


Step = EmailStep | CallStep


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole campaign. `window` None: the company's working hours, holidays skipped."""

    name: str
    title: str
    list_name: str
    steps: tuple[Step, ...]
    purpose: str = "marketing"
    sender: Sender = Sender()
    people: PeopleRule = PeopleRule()
    window: Window | None = None
    holdout_percent: int = 0
    stop_when: tuple[str, ...] = DEFAULT_STOPS
    priority: int = 5
    is_cap_exempt: bool = False
    is_continuous: bool = False
