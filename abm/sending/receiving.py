"""Mailboxes and webhooks that answers and reports come in by: made and removed on the record, secrets write-only."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.web.fields import Fields
from campaigns.hook_forms import FORMS
from campaigns.hooks import hook_token
from campaigns.mailboxes import PORTS
from campaigns.models import EventHook, Mailbox
from core import clock
from core.errors import NotFound
from core.secrets import encrypt
from core.settings import settings

KINDS = {"imap": "A mailbox on a mail server (IMAP)", "maildir": "A Maildir folder on this machine"}
TLS = {"implicit": "TLS from the start (port 993)", "starttls": "STARTTLS (port 143)",
       "none": "None: only inside the own network"}


@dataclass(frozen=True, slots=True)
class NewHook:
    """A hook with its address; `secret` is shown once, where it was made here."""

    hook: EventHook
    url: str
    secret: str


def list_mailboxes(session: Session) -> Sequence[Mailbox]:
    return session.scalars(select(Mailbox).order_by(Mailbox.name)).all()


def list_hooks(session: Session) -> Sequence[EventHook]:
    return session.scalars(select(EventHook).order_by(EventHook.name)).all()


def hook_url(hook: EventHook) -> str:
    """The address that the provider calls."""
    return f"{settings().base_url}/hooks/{hook_token(hook.id)}"


def create_mailbox(session: Session, *, form: Mapping[str, str]) -> Mailbox:
    """Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    kind = fields.one_of("kind", KINDS, missing="Choose what it is.") or "imap"
    tls = fields.one_of("tls", TLS) or "implicit"
    name = fields.text("name", missing="Give it a name that colleagues know.", longest=120)
    is_imap = kind == "imap"
    folder = fields.text("folder", missing="" if is_imap else "Name the folder.", longest=500) or "INBOX"
    host = fields.text("host", missing="Name the mail server." if is_imap else "", longest=255)
    user = fields.text("user_name", missing="Give the user's name." if is_imap else "", longest=255)
    port = fields.whole("port", least=1, most=65_535) or PORTS[tls]
    if not is_imap and not Path(folder).is_absolute():
        fields.errors.setdefault("folder", "Write the whole path, from the root on.")
    if session.scalar(select(Mailbox.id).where(Mailbox.name == name)):
        fields.errors["name"] = "There is a mailbox of this name already."
    fields.finish()
    secret = form.get("secret", "")
    mailbox = Mailbox(name=name, kind=kind, folder=folder, host=host if is_imap else "", port=port if is_imap else 0,
                      tls=tls, user_name=user if is_imap else "", secret_sealed=encrypt(secret) if secret else "",
                      created_at=clock.now())
    session.add(mailbox)
    session.flush()
    record(session, action="mailbox.create", subject="mailbox", subject_id=mailbox.id,
           after={"name": name, "kind": kind, "folder": folder, "host": host, "secret": "set" if secret else ""})
    return mailbox


def remove_mailbox(session: Session, *, name: str) -> None:
    """What was read from it stays. Raises NotFound."""
    mailbox = session.scalars(select(Mailbox).where(Mailbox.name == name)).first()
    if mailbox is None:
        raise NotFound(f"There is no mailbox {name}")
    record(session, action="mailbox.remove", subject="mailbox", subject_id=mailbox.id, before={"name": name})
    session.delete(mailbox)


def create_hook(session: Session, *, form: Mapping[str, str]) -> NewHook:
    """A webhook; without a secret one is made. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    name = fields.text("name", missing="Give it a name that colleagues know.", longest=120)
    kind = fields.one_of("form", FORMS, missing="Choose the provider.") or "standard"
    given = form.get("secret", "").strip()
    if given and not _is_secret(given):
        fields.errors["secret"] = "Paste what the provider signs with: whsec_ and base64."  # noqa: S105 - a sentence
    if session.scalar(select(EventHook.id).where(EventHook.name == name)):
        fields.errors["name"] = "There is a webhook of this name already."
    fields.finish()
    made = "" if given else f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
    hook = EventHook(name=name, form=kind, secret_sealed=encrypt(given or made), created_at=clock.now())
    session.add(hook)
    session.flush()
    record(session, action="hook.create", subject="event_hook", subject_id=hook.id,
           after={"name": name, "form": kind, "secret": "set"})
    return NewHook(hook, hook_url(hook), made)


def _is_secret(given: str) -> bool:
    try:
        return len(base64.b64decode(given.removeprefix("whsec_") + "==", validate=False)) >= 16
    except ValueError:
        return False


def remove_hook(session: Session, *, name: str) -> None:
    """Its address is gone for good. Raises NotFound."""
    hook = session.scalars(select(EventHook).where(EventHook.name == name)).first()
    if hook is None:
        raise NotFound(f"There is no webhook {name}")
    record(session, action="hook.remove", subject="event_hook", subject_id=hook.id, before={"name": name})
    session.delete(hook)


