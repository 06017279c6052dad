"""Changing accounts by hand. Imports have their own way in."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountEvent
from abm.accounts.names import name_key
from abm.accounts.queries import find_account_by_external_id, get_account
from abm.audit.actions import actor, record
from core import clock
from core.errors import InvalidInput

EDITABLE = ("name", "domain", "industry", "employees", "annual_revenue", "country", "region", "city", "timezone",
            "tier", "owner_id", "owner_email", "parent_id", "custom")


def create_account(session: Session, *, values: Mapping[str, Any]) -> Account:
    """Make an account from checked values (see forms.py). Without `external_id` one is made. Raises InvalidInput for an
    id that exists."""
    external_id = values.get("external_id") or f"abm-{secrets.token_hex(6)}"
    if find_account_by_external_id(session, external_id) is not None:
        raise InvalidInput("The account was not made", {"external_id": f"{external_id} belongs to another account"})
    now = clock.now()
    own = {name: values[name] for name in EDITABLE if name in values}
    account = Account(external_id=external_id, name_key=name_key(own["name"]), source="by hand", created_at=now,
                      updated_at=now, **own)
    session.add(account)
    session.flush()
    record(session, action="account.create", subject="account", subject_id=account.id,
           after={"external_id": external_id, **own})
    add_account_event(session, account_id=account.id, kind="account", title="Account created")
    return account


def update_account(session: Session, *, account_id: int, values: Mapping[str, Any]) -> Account:
    """Change the given values on record. Raises NotFound; InvalidInput for a parent that stands below."""
    account = get_account(session, account_id)
    changed = {name: values[name] for name in EDITABLE if name in values and values[name] != getattr(account, name)}
    if not changed:
        return account
    if changed.get("parent_id") is not None:
        _refuse_circle(session, account_id=account_id, parent_id=changed["parent_id"])
    before = {name: getattr(account, name) for name in changed}
    for name, value in changed.items():
        setattr(account, name, value)
    account.name_key, account.updated_at = name_key(account.name), clock.now()
    record(session, action="account.update", subject="account", subject_id=account.id, before=before, after=changed)
    if "owner_id" in changed:
        session.flush()
        session.refresh(account, ["owner"])
        new = account.owner.name if account.owner else "nobody"
        add_account_event(session, account_id=account.id, kind="account", title=f"Owner is now {new}")
    session.flush()
    return account


def _refuse_circle(session: Session, *, account_id: int, parent_id: int) -> None:
    above: int | None = parent_id
    seen: set[int] = set()
    while above is not None and above not in seen:
        if above == account_id:
            raise InvalidInput("The account was not saved", {"parent": "An account cannot stand below itself"})
        seen.add(above)
        above = session.scalar(select(Account.parent_id).where(Account.id == above))


def add_account_event(session: Session, *, account_id: int, kind: str, title: str, text: str = "", link: str = "",
                      contact_id: int | None = None, at: datetime | None = None) -> AccountEvent:
    """Add a line to the account's timeline, under the name of who acts. `link` is a path inside the product."""
    event = AccountEvent(account_id=account_id, contact_id=contact_id, at=at or clock.now(), kind=kind,
                         title=title[:300], text=text, actor=actor().name[:200], link=link[:300])
    session.add(event)
    session.flush()
    return event
