"""Which way out a sender's messages take: the identity's own relay or provider first, else the operator's."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from campaigns.models import CampaignVersion, SendingIdentity
from campaigns.sending.ramp import WarmUp
from core.secrets import decrypt

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Route:
    """A way out with its limits (0: none). `identity_id` 0: no identity is known for the sender."""

    identity_id: int = 0
    kind: str = OPERATOR
    name: str = ""
    host: str = ""
    port: int = 0
    tls: str = "starttls"
    connections: int = 4
    user: str = ""
    secret_sealed: str = field(default="", repr=False)
    base_url: str = ""
    per_second: int = 0
    per_day: int = 0
    per_domain_day: int = 0
    warm_up: WarmUp | None = None
    changed_at: datetime | None = None

    @property
    def health_id(self) -> int:
        """Whose circuit breaker it is: the operator's relay has one for all that go through it."""
        return 0 if self.kind == OPERATOR else self.identity_id

    @property
    def way(self) -> tuple[int, datetime | None]:
        """Equal for routes that may share connections."""
        return (0, None) if self.kind == OPERATOR else (self.identity_id, self.changed_at)

    @property
    def is_limited_by_day(self) -> bool:
        return bool(self.per_day or self.warm_up)

    @property
    def secret(self) -> str:
        """The relay's password or the provider's key. Raises CannotRun when its key is gone."""
        return decrypt(self.secret_sealed) if self.secret_sealed else ""


OPERATORS_OWN = Route()


def find_identity(session: Session, sender_email: str) -> SendingIdentity | None:
    """The active identity of an address: its own, else one that covers the whole domain."""
    email = sender_email.strip().lower()
    domain = email.rpartition("@")[2]
    found = session.scalars(
        select(SendingIdentity).where(SendingIdentity.is_active, or_(
            SendingIdentity.email == email,
            SendingIdentity.covers_domain & (SendingIdentity.domain == domain)))).all()
    return min(found, key=lambda one: (one.email != email, one.id), default=None)


def find_route(session: Session, sender_email: str) -> Route:
    """The way out of a sender; the operator's own without limits where no identity is known."""
    found = find_identity(session, sender_email)
    return route_of(found) if found else OPERATORS_OWN


def route_of(one: SendingIdentity) -> Route:
    warm_up = WarmUp(one.warm_up_from, one.warm_up_first, one.warm_up_growth) if one.warm_up_from else None
    return Route(one.id, one.kind, one.name, one.host, one.port, one.tls, one.connections, one.user_name,
                 one.secret_sealed, one.base_url, one.per_second, one.per_day, one.per_domain_day, warm_up,
                 one.updated_at)


def sender_of_version(session: Session, version_id: int) -> str:
    """The sender's address of an approved version, which never changes."""
    if version_id not in _senders:
        raw = session.scalar(select(CampaignVersion.definition["sender"]["email"].as_string()).where(
            CampaignVersion.id == version_id))
        if len(_senders) > 1_000:
            _senders.clear()
        _senders[version_id] = raw or ""
    return _senders[version_id]


_senders: dict[int, str] = {}
