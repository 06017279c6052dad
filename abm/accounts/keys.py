"""Keeping `account_key` true to the accounts: what they are compared by when duplicates or matches are looked for."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, insert, select
from sqlalchemy.orm import Session

from abm.accounts.company_names import block_of, core_name, matching_domain
from abm.accounts.models import Account, AccountAlias, AccountKey
from core import clock
from core.id_lists import is_among

_AT_ONCE = 5_000


def refresh_keys(session: Session) -> None:
    """Make the keys of new and changed accounts again. Work follows what changed."""
    last: int | None = 0
    while last is not None:
        last = refresh_next_keys(session, after=last)


def refresh_next_keys(session: Session, *, after: int) -> int | None:
    """As above for the next few thousand accounts beyond this id; the last one's id, None when all are done."""
    is_fresh = exists().where(AccountKey.account_id == Account.id, AccountKey.made_at >= Account.updated_at)
    ids = session.scalars(select(Account.id).where(~is_fresh, Account.id > after)
                          .order_by(Account.id).limit(_AT_ONCE)).all()
    if ids:
        refresh_keys_of(session, ids)
    return ids[-1] if ids else None


def refresh_keys_of(session: Session, account_ids: Sequence[int]) -> None:
    """Make the keys of these accounts again."""
    now = clock.now()
    session.execute(delete(AccountKey).where(is_among(AccountKey.account_id, account_ids)))
    rows = list(_rows(session, is_among(Account.id, account_ids), now))
    if rows:
        session.execute(insert(AccountKey), rows)


def _rows(session: Session, chosen: ColumnElement[bool], now: datetime) -> Iterator[dict[str, Any]]:
    own = select(Account.id, Account.name, Account.domain, Account.country).where(chosen)
    countries: dict[int, str] = {}
    for account_id, name, domain, country in session.execute(own):
        countries[account_id] = country or ""
        yield _row(account_id, "name", core_name(name, country or ""), now)
        found = matching_domain(domain) if domain else None
        if found:
            yield _row(account_id, "domain", found, now)
    others = select(AccountAlias.account_id, AccountAlias.kind, AccountAlias.value).join(
        Account, Account.id == AccountAlias.account_id).where(chosen, AccountAlias.kind.in_(("name", "domain")))
    for account_id, kind, value in session.execute(others).all():
        compared = core_name(value, countries[account_id]) if kind == "name" else matching_domain(value)
        if compared:
            yield {**_row(account_id, kind, compared, now), "is_alias": True}


def _row(account_id: int, kind: str, value: str, now: datetime) -> dict[str, Any]:
    return {"account_id": account_id, "kind": kind, "value": value[:300], "is_alias": False, "made_at": now,
            "block": block_of(value) if kind == "name" else None}
