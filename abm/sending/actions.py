"""Changing sending identities, their keys and their standing. Secrets are written and never shown again."""

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.integrations.actions import rotate_source_secrets
from abm.sending.forms import IdentityValues
from abm.sending.queries import get_identity
from abm.users.second_factor import rotate_second_factors
from campaigns.models import DkimKey, EventHook, Mailbox, SendingIdentity
from campaigns.sending import breaker, dkim_keys, domain_check
from campaigns.sending.dns_rules import Lookup
from campaigns.sending.routes import OPERATOR, route_of
from core import clock
from core.errors import InvalidInput
from core.secrets import decrypt, encrypt
from core.settings import settings


def create_identity(session: Session, *, values: IdentityValues) -> SendingIdentity:
    """A new identity, not yet verified. Raises InvalidInput when the address has one already."""
    _refuse_second(session, values.email, 0)
    now = clock.now()
    identity = SendingIdentity(**_columns(values), secret_sealed=encrypt(values.secret) if values.secret else "",
                               created_at=now, updated_at=now)
    session.add(identity)
    session.flush()
    record(session, action="sender.create", subject="sending_identity", subject_id=identity.id, after=_told(values))
    return identity


def edit_identity(session: Session, *, identity_id: int, values: IdentityValues) -> SendingIdentity:
    """Change it. Another address, relay or provider has to be verified again; an empty secret keeps the stored one."""
    identity = get_identity(session, identity_id)
    _refuse_second(session, values.email, identity.id)
    columns = _columns(values)
    before = {name: getattr(identity, name) for name in columns}
    is_moved = any(before[name] != columns[name] for name in ("email", "kind", "host", "base_url"))
    if is_moved and identity.secret_sealed and not values.secret and before["host"] + before["base_url"]:
        raise InvalidInput("Please look at the marked fields", {
            "secret": "Type the password or key again: a stored one is not sent to another relay."})
    for name, value in columns.items():
        setattr(identity, name, value)
    if is_moved:
        identity.verified_at, identity.verified_by, identity.checked_at, identity.findings = None, "", None, None
    if values.secret:
        identity.secret_sealed = encrypt(values.secret)
    identity.updated_at = clock.now()
    session.flush()
    changed = {name for name in columns if before[name] != columns[name]}
    record(session, action="sender.edit", subject="sending_identity", subject_id=identity.id,
           before={name: _plain(before[name]) for name in changed},
           after={name: _plain(columns[name]) for name in changed} | ({"secret": "changed"} if values.secret else {}))
    return identity


def _columns(values: IdentityValues) -> dict[str, Any]:
    return values.stored | {"domain": values.email.rpartition("@")[2]}


def _told(values: IdentityValues) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.stored.items()} | {"secret": "set" if values.secret else ""}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str | bool) or value is None else str(value)


def _refuse_second(session: Session, email: str, own_id: int) -> None:
    other = session.scalar(select(SendingIdentity.id).where(SendingIdentity.email == email))
    if other is not None and other != own_id:
        raise InvalidInput("Please look at the marked fields",
                           {"email": "This address has a sending identity already."})


def set_identity_active(session: Session, *, identity_id: int, is_active: bool) -> SendingIdentity:
    """An inactive identity is not used: its sender goes through the operator's relay."""
    identity = get_identity(session, identity_id)
    identity.is_active, identity.updated_at = is_active, clock.now()
    record(session, action="sender.activate" if is_active else "sender.deactivate", subject="sending_identity",
           subject_id=identity.id)
    return identity


def verify_identity(session: Session, *, identity_id: int) -> SendingIdentity:
    """An administrator vouches for the sender, whatever the checks say; who did it and what stood is kept."""
    identity = get_identity(session, identity_id)
    identity.verified_at, identity.verified_by = clock.now(), actor().name
    open_findings = [one["text"] for one in identity.findings or [] if one["level"] != "ok"]
    record(session, action="sender.verify", subject="sending_identity", subject_id=identity.id,
           after={"in_spite_of": open_findings})
    return identity


def examine_identity(session: Session, *, identity_id: int) -> domain_check.Subject:
    """What to ask the name system about an identity; nothing is asked here."""
    identity = get_identity(session, identity_id)
    keys = [key for key in dkim_keys.list_keys(session, identity.id) if key.state != "retired"]
    envelope = settings().bounce_address.rpartition("@")[2] or identity.domain
    relay = identity.host if identity.kind == "smtp" else ""
    if identity.kind == OPERATOR:
        relay = urlsplit(settings().mail_url).hostname or ""
    return domain_check.Subject(
        identity.domain, [(key.selector, key.public_key) for key in keys],
        is_signing=any(key.state == "active" for key in keys),
        signed_by="Resend" if identity.kind == "resend" else "", envelope_domain=envelope, relay_host=relay)


def store_findings(session: Session, *, identity_id: int, found: list[domain_check.Verdict]) -> SendingIdentity:
    """Keep what the domain's records say, for the page, the launch check and the doctor."""
    identity = get_identity(session, identity_id)
    identity.findings = [{"what": one.what, "level": one.level, "text": one.text, "fix": one.fix} for one in found]
    identity.checked_at = clock.now()
    return identity


def examine(subject: domain_check.Subject, lookup: Lookup) -> list[domain_check.Verdict]:
    """Ask the name system. Never inside a transaction: it takes up to three seconds."""
    return domain_check.examine(subject, lookup)


def try_now(session: Session, *, identity_id: int) -> int:
    """End the pause after failures; how many messages are due again. 0 means the operator's own relay."""
    health_id = route_of(get_identity(session, identity_id)).health_id if identity_id else 0
    woken = breaker.try_now(session, health_id)
    record(session, action="sender.try_now", subject="sending_identity", subject_id=identity_id)
    return woken


def make_key(session: Session, *, identity_id: int, algorithm: str) -> DkimKey:
    key = dkim_keys.make_key(session, identity=get_identity(session, identity_id), algorithm=algorithm)
    record(session, action="sender.key_make", subject="sending_identity", subject_id=identity_id,
           after={"selector": key.selector, "algorithm": algorithm})
    return key


def activate_key(session: Session, *, key_id: int) -> DkimKey:
    key = dkim_keys.activate_key(session, key=dkim_keys.get_key(session, key_id))
    record(session, action="sender.key_activate", subject="sending_identity", subject_id=key.identity_id,
           after={"selector": key.selector})
    return key


def retire_key(session: Session, *, key_id: int) -> DkimKey:
    key = dkim_keys.retire_key(session, key=dkim_keys.get_key(session, key_id))
    record(session, action="sender.key_retire", subject="sending_identity", subject_id=key.identity_id,
           after={"selector": key.selector})
    return key


def rotate_secrets(session: Session) -> int:
    """Seal every stored secret again with the first key of ABM_SECRET_KEY; how many. The old key may go then."""
    count = 0
    for identity in session.scalars(select(SendingIdentity).where(SendingIdentity.secret_sealed != "")):
        identity.secret_sealed = encrypt(decrypt(identity.secret_sealed))
        count += 1
    for key in session.scalars(select(DkimKey)):
        key.private_sealed = encrypt(decrypt(key.private_sealed))
        count += 1
    for kept in (*session.scalars(select(Mailbox).where(Mailbox.secret_sealed != "")),
                 *session.scalars(select(EventHook))):
        kept.secret_sealed = encrypt(decrypt(kept.secret_sealed))
        count += 1
    count += rotate_source_secrets(session) + rotate_second_factors(session)
    record(session, action="secrets.rotate", subject="installation", after={"secrets": count})
    return count
