"""The plain frozen values that a campaign definition consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = ("minutes", "hours", "days", "working days", "weeks")
STOPS = ("reply", "order", "meeting", "opt_out", "complaint", "hard_bounce")
DEFAULT_STOPS = ("reply", "meeting", "opt_out", "complaint", "hard_bounce")
CONDITIONS = ("replied", "clicked", "ordered", "met")
ZONES = ("recipient", "account", "company")
ACCOUNT_OWNER = "account_owner"
ACCOUNT_PARTNER = "account_partner"
END = "end"
REENTRY_NEVER, REENTRY_REQUALIFIED, REENTRY_AFTER = "never", "requalified", "after"


@dataclass(frozen=True, slots=True)
class Delay:
    """How long after the end of the previous step; `unit` is one of UNITS."""

    amount: int = 0
    unit: str = "days"

    def __str__(self) -> str:
        return f"{self.amount} {self.unit.removesuffix('s') if self.amount == 1 else self.unit}"


REPLY_TO = ("sender", "owner")


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom messages come. `postal_address` may be empty in a draft; the launch check refuses that.

    `reply_to`: where answers go, one of REPLY_TO: the sender, or whoever owns the account.
    """

    name: str = ""
    email: str = ""
    postal_address: str = ""
    reply_to: str = "sender"


@dataclass(frozen=True, slots=True)
class Wave:
    """People of these roles begin `after` the wave before; not at all once somebody at the account did `unless`."""

    roles: tuple[str, ...]
    after: Delay = Delay()
    unless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reentry:
    """Whether somebody who took part before may again: never, `after` so long since the end, or once requalified."""

    kind: str
    after: Delay = Delay()


@dataclass(frozen=True, slots=True)
class PeopleRule:
    """Who at each account: these buying roles (none: everybody), at most so many (None: no limit).

    `waves`: who begins first and who follows; roles in no wave begin with the last. `replaces_leavers`: the next person
    in the role takes the place of one who has left.
    """

    roles: tuple[str, ...] = ()
    per_account: int | None = None
    waves: tuple[Wave, ...] = ()
    replaces_leavers: bool = False


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
    """`html` (or MJML in it) or `text` is given; without `text` the plain part is made from the HTML.

    Every step may name `roles` (others pass it by) and `next`, a later step that follows instead of the one below.
    """

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
    roles: tuple[str, ...] = ()
    next: str | None = None
    track: bool = True  # counts opens and clicks, where the campaign and the person's country let it


@dataclass(frozen=True, slots=True)
class CallStep:
    """A task for a seller: `assign_to` is account_owner, account_partner (the partner that looks after the
    account, else its owner) or a user's address; `languages` hold the script (as text)."""

    id: str
    script: str = ""
    assign_to: str = ACCOUNT_OWNER
    languages: Mapping[str, Content] = field(default_factory=dict)
    after: Delay = Delay()
    unless: tuple[str, ...] = ()
    offer: str | None = None
    channel: str = "call"
    roles: tuple[str, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True)
class LetterStep:
    """A letter on paper: printed from the queue and posted by a person. `body` is plain text with **bold** words;
    `languages` hold other words for subject and text."""

    id: str
    body: str
    subject: str = ""
    languages: Mapping[str, Content] = field(default_factory=dict)
    after: Delay = Delay()
    unless: tuple[str, ...] = ()
    offer: str | None = None
    channel: str = "letter"
    roles: tuple[str, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True)
class VisitStep:
    """A seller goes there; `brief` is what they should know and aim at, `languages` hold it too (as text)."""

    id: str
    brief: str = ""
    assign_to: str = ACCOUNT_OWNER
    languages: Mapping[str, Content] = field(default_factory=dict)
    after: Delay = Delay()
    unless: tuple[str, ...] = ()
    offer: str | None = None
    channel: str = "visit"
    roles: tuple[str, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookStep:
    """A signed message to another program. `payload` adds values by name, each a template."""

    id: str
    url: str
    payload: Mapping[str, str] = field(default_factory=dict)
    after: Delay = Delay()
    unless: tuple[str, ...] = ()
    offer: str | None = None
    channel: str = "webhook"
    roles: tuple[str, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True)
class WaitStep:
    """Nothing but time, which ends inside the window."""

    id: str
    after: Delay = Delay()
    channel: str = "wait"
    unless: tuple[str, ...] = ()
    offer: str | None = None
    roles: tuple[str, ...] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """What a branch asks: something the person did (one of CONDITIONS), or a `rule` as target lists write them."""

    event: str = ""
    rule: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BranchStep:
    """Two ways on, both to later steps (or END); None is the step below."""

    id: str
    test: Test
    then: str | None = None
    otherwise: str | None = None
    after: Delay = Delay()
    channel: str = "branch"
    unless: tuple[str, ...] = ()
    offer: str | None = None
    roles: tuple[str, ...] = ()
    next: str | None = None


Step = EmailStep | CallStep | LetterStep | VisitStep | WebhookStep | WaitStep | BranchStep
SILENT = ("wait", "branch")  # steps that touch nobody and make no delivery


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
    is_exclusive: bool = False
    reentry: Reentry | None = None
    track: bool = True
    snippets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def find_position(self, step_id: str) -> int | None:
        """Where the step with this id stands; None when there is none."""
        return next((place for place, step in enumerate(self.steps) if step.id == step_id), None)

    def position_after(self, position: int) -> int | None:
        """Where somebody goes whose step has ended; None: their way is over. For a branch see `position_of_choice`."""
        return self.position_of_choice(position, self.steps[position].next)

    def position_of_choice(self, position: int, target: str | None) -> int | None:
        """The place of `target` as seen from a step: None is the step below, END the end."""
        if target is not None:
            return None if target == END else self.find_position(target)
        return position + 1 if position + 1 < len(self.steps) else None

    @property
    def first_delivering(self) -> int:
        """The first step that makes deliveries."""
        return next((place for place, step in enumerate(self.steps) if step.channel not in SILENT), 0)
