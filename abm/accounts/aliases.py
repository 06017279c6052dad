"""Other ids, names and domains by which an account is known: finding by them, adding and removing them by hand."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Select, String, Table, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session, aliased

from abm.accounts.models import Account, AccountAlias
from abm.accounts.names import name_key, plain_domain
from abm.accounts.queries import get_account
from abm.audit.actions import actor, record
from abm.imports.alias_rows import AliasTable, Row, fold_alias_rows
from abm.imports.lookups import Lookup
from abm.imports.staging import Stage
from core import clock
from core.errors import InvalidInput, NotFound
from core.id_lists import is_among

KINDS = {"name": "Name", "domain": "Web domain", "id": "Source id"}
_ALIAS = cast(Table, AccountAlias.__table__)
_ACCOUNT = cast(Table, Account.__table__)
_FIELDS = {
    "name": ("name", "name_key"), "domain": ("domain",), "industry": ("industry",), "employees": ("employees",),
    "annual_revenue": ("annual_revenue",), "country": ("country",), "region": ("region",), "city": ("city",),
    "tier": ("tier",), "owner": ("owner_id", "owner_email"), "parent": ("parent",), "source": ("source",),
}


def account_lookup() -> Lookup:
    """Our id for a source id, that of an account which was merged into another included."""
    return Lookup(Account.external_id, Account.id, also=select(AccountAlias.value_key, AccountAlias.account_id).where(
        AccountAlias.kind == "id"))


def list_aliases(session: Session, account_id: int) -> Sequence[AccountAlias]:
    return session.scalars(select(AccountAlias).where(AccountAlias.account_id == account_id)
                           .order_by(AccountAlias.kind, AccountAlias.id)).all()


def add_alias(session: Session, *, account_id: int, kind: str, value: str) -> AccountAlias:
    """Know the account by another name, domain or source id. Raises NotFound, InvalidInput."""
    account = get_account(session, account_id)
    text = " ".join(value.replace("\x00", "").split())[:300]
    key = {"name": name_key(text), "domain": plain_domain(text) or "", "id": text[:200]}.get(kind, "")
    if not key:
        raise InvalidInput("The alias was not added", {"value": _WORDS.get(kind, "Choose what kind of alias it is")})
    _refuse_taken(session, account, kind, key)
    alias = AccountAlias(account_id=account_id, kind=kind, value=text, value_key=key,
                         feeds=[] if kind == "id" else None, added_by=actor().name[:200], added_at=clock.now())
    session.add(alias)
    account.updated_at = clock.now()
    record(session, action="account.alias_add", subject="account", subject_id=account_id, after={kind: text})
    session.flush()
    return alias


_WORDS = {"name": "Type the other name", "domain": "Write it like example.com", "id": "Type the id in the other system"}


def _refuse_taken(session: Session, account: Account, kind: str, key: str) -> None:
    own = select(AccountAlias.id).where(AccountAlias.kind == kind, AccountAlias.value_key == key)
    if kind != "id":
        own = own.where(AccountAlias.account_id == account.id)
    is_own_id = kind == "id" and session.scalar(select(Account.id).where(Account.external_id == key)) is not None
    if is_own_id or session.scalar(own) is not None:
        raise InvalidInput("The alias was not added", {"value": "This is on file already"})


def remove_alias(session: Session, *, account_id: int, alias_id: int) -> None:
    """Forget an alias. Raises NotFound; InvalidInput for an id that a merge left: undo the merge instead."""
    alias = session.get(AccountAlias, alias_id)
    if alias is None or alias.account_id != account_id:
        raise NotFound("There is no such alias")
    if alias.feeds:
        raise InvalidInput("The alias was not removed", {"value": "A merge left this id: undo the merge instead"})
    record(session, action="account.alias_remove", subject="account", subject_id=account_id,
           before={alias.kind: alias.value})
    session.delete(alias)
    session.execute(update(Account).where(Account.id == account_id).values(updated_at=clock.now()))
    session.flush()


def fold_accounts(stage: Stage, *, has_parents: bool) -> None:
    """Let staged rows of merged accounts, and parents that were merged, reach what was kept."""
    rows = stage.rows
    with stage.preparing() as session:
        fold_alias_rows(session, stage, AliasTable(_ALIAS, "account_id", _ACCOUNT, _FIELDS, _read_stored))
        if not has_parents:
            return
        kept = (select(_ACCOUNT.c.external_id).join(_ALIAS, _ALIAS.c.account_id == _ACCOUNT.c.id)
                .where(_ALIAS.c.kind == "id", _ALIAS.c.value_key == rows.c.parent).correlate(rows).scalar_subquery())
        known = select(_ALIAS.c.value_key).where(_ALIAS.c.kind == "id")
        session.execute(update(rows).where(rows.c.parent.in_(known)).values(parent=kept))
        session.execute(update(rows).where(rows.c.parent == rows.c.external_id).values(parent=None))


def _read_stored(session: Session, ids: Sequence[int]) -> Mapping[str, Row]:
    upper = aliased(Account)
    columns = [_ACCOUNT.c[name] for names in _FIELDS.values() for name in names if name != "parent"]
    query: Select[Any] = (
        select(_ACCOUNT.c.external_id, _ACCOUNT.c.custom, sql_cast(upper.external_id, String).label("parent"), *columns)
        .outerjoin(upper, upper.id == _ACCOUNT.c.parent_id).where(is_among(_ACCOUNT.c.id, ids)))
    return {row["external_id"]: {name: row[name] for name in row if name != "external_id"}
            for row in session.execute(query).mappings()}
