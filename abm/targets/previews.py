"""What a list would hold, before it is saved: counts, a sample, who enters and who leaves."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.targets.addressing import keep_addresses
from abm.targets.compile import select_account_ids
from abm.targets.files import ListDefinition
from abm.targets.membership import select_entering, select_leaving
from abm.targets.models import TargetList
from abm.targets.queries import find_account_ids
from abm.targets.related_fields import NEEDS_ADDRESSES
from abm.targets.rule_tree import Rule, Top, fields_in, lists_in
from abm.targets.scopes import is_not_vetoed, make_scope, narrow_scope
from abm.targets.sources import Scope, find_column, get_source, make_vocabulary
from core.errors import InvalidInput

SAMPLE_SIZE = 10
COUNTING_SECONDS, SAVING_SECONDS = 5, 30


@dataclass(frozen=True, slots=True)
class Preview:
    """`contacts`: everybody still there at these accounts. `unknown`: ids of a list by hand that no account has."""

    accounts: int
    contacts: int
    sample: tuple[dict[str, Any], ...]
    seconds: float
    unknown: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        answer = {"accounts": self.accounts, "contacts": self.contacts, "sample": list(self.sample),
                  "seconds": round(self.seconds, 4)}
        return answer | ({"unknown": list(self.unknown)} if self.unknown else {})


@dataclass(frozen=True, slots=True)
class Changes:
    """How many accounts would enter and leave, with the names of the first few."""

    entering: int
    leaving: int
    entering_names: tuple[str, ...]
    leaving_names: tuple[str, ...]


def preview(session: Session, definition: ListDefinition) -> Preview:
    """Count and sample what the list would hold. Where rules ask who may be e-mailed and the session only reads,
    `keep_addresses_apart` comes first."""
    started = time.perf_counter()
    if definition.accounts is not None:
        known = find_account_ids(session, definition.accounts)
        accounts, contacts, sample = _count_by_hand(session, list(dict.fromkeys(known.values())))
        unknown = tuple(each for each in definition.accounts if each not in known)
        return Preview(accounts, contacts, sample, time.perf_counter() - started, unknown)
    accounts, contacts, sample = _count(session, select_definition(session, definition))
    return Preview(accounts, contacts, sample, time.perf_counter() - started)


def select_definition(session: Session, definition: ListDefinition) -> Select[Any]:
    """SELECT of the internal account ids that a list by rules would hold, without those vetoed for the saved list."""
    own = session.scalar(select(TargetList.id).where(TargetList.name == definition.name))
    return select_by_rules(session, rule=definition.who, top=definition.top, within=(definition.name,), list_id=own)


def select_by_rules(session: Session, *, rule: Rule | None, top: Top | None, within: tuple[str, ...] = (),
                    list_id: int | None = None, only: tuple[int, ...] | None = None,
                    scope: Scope | None = None) -> Select[Any]:
    """As above, with everything made ready that the rules need. `list_id`: whose vetoes hold; `only`: who is judged;
    `scope`: what holds now, where that was read already."""
    if needs_addresses(rule):
        keep_addresses(session)
    narrowed = narrow_scope(session, scope or make_scope(session), within=within, only=only)
    return select_account_ids(rule, top, narrowed, *(() if list_id is None else (is_not_vetoed(list_id, narrowed),)))


def needs_addresses(rule: Rule | None) -> bool:
    """Whether the digests of addresses must be up to date for this rule (another list's rules may need them, too)."""
    return bool(fields_in(rule) & NEEDS_ADDRESSES or lists_in(rule))


def _count(session: Session, found: Select[Any]) -> tuple[int, int, tuple[dict[str, Any], ...]]:
    """One statement, so that the rules are worked through once."""
    ids = found.cte("found")
    there = Contact.account_id.in_(select(ids.c.id))
    people = select(func.count()).select_from(Contact).where(Contact.is_active, there)
    total = select(func.count()).select_from(ids)
    rows = session.execute(
        select(Account.external_id, Account.name, total.scalar_subquery(), people.scalar_subquery())
        .join(ids, ids.c.id == Account.id).order_by(Account.name_key, Account.id).limit(SAMPLE_SIZE)
    ).all()
    sample = tuple({"account_id": row[0], "name": row[1]} for row in rows)
    return (rows[0][2], rows[0][3], sample) if rows else (0, 0, ())


def _count_by_hand(session: Session, ids: Sequence[int]) -> tuple[int, int, tuple[dict[str, Any], ...]]:
    contacts = 0
    for start in range(0, len(ids), 500):
        part = select(func.count()).select_from(Contact).where(Contact.is_active,
                                                               Contact.account_id.in_(ids[start:start + 500]))
        contacts += session.scalar(part) or 0
    rows = session.execute(select(Account.external_id, Account.name).where(Account.id.in_(ids[:SAMPLE_SIZE]))
                           .order_by(Account.name_key))
    return len(ids), contacts, tuple({"account_id": row[0], "name": row[1]} for row in rows)


def find_changes(session: Session, *, found: Select[Any], list_id: int) -> Changes:
    """Who would enter and leave the saved list if it held `found`."""
    entering = _count(session, select_entering(found, list_id=list_id))
    leaving = _count(session, select_leaving(found, list_id=list_id))
    return Changes(entering[0], leaving[0], _names(entering[2]), _names(leaving[2]))


def _names(sample: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(each["name"] for each in sample)


def suggest_values(session: Session, *, field_name: str, typed: str = "", limit: int = 30) -> list[str]:
    """Values that the data has for a text field and that hold what was typed. InvalidInput: no such field."""
    vocabulary = make_vocabulary()
    subject = vocabulary.subject_of(field_name)
    field = vocabulary.find_field(subject, field_name) if subject else None
    if subject is None or field is None:
        raise InvalidInput(f'"{field_name}" is not a field', {"field": "is not a field"})
    if field.choices:
        return list(field.choices)
    source = get_source(subject.name)
    known = find_column(source, field_name)
    column = known.sql if known is not None else None
    if not isinstance(column, ColumnElement) or field.type not in ("text", "country"):
        return []
    values = select(column).select_from(source.table).where(column.is_not(None), column != "").distinct()
    if typed.strip():
        values = values.where(func.lower(column).contains(typed.strip().lower(), autoescape=True))
    return [str(value) for value in session.scalars(values.order_by(column).limit(limit))]
