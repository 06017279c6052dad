"""What of a person is looked for when they are erased: address, name and number, and the words about them in any table.

An address is looked for everywhere. A name too, unless somebody else bears it (another person on file, a user): then
only at the person's own account. A last name alone is looked for at the own account, unless a colleague there bears it.
In rows that belong to the person every part of the name counts.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, String, Table, Text, cast, false, func, or_, select, update
from sqlalchemy.orm import Session

from abm.contacts.models import Contact
from abm.contacts.names import full_name
from abm.outreach.person_export import text_columns
from abm.targets.sql_text import unicode_lower
from abm.users.models import User
from core.db import Base, is_postgres

ERASED = "[erased]"
_LEAST_NAME, _LEAST_DIGITS = 3, 7
_PLAIN = re.compile(r"[ !#-\[\]-~]+")
# Of other people's rows only these are words about somebody; users and our own addresses are not the person's.
_OF_OTHERS = {"contact": {"custom", "basis_source"}, "app_user": set[str](), "sending_identity": set[str](),
              "mailbox": set[str](), "company_setting": set[str]()}
# A company may be called like a person, and colleagues sign what they did.
_NO_NAMES = frozenset({"account", "account_key", "account_alias", "partner", "target_list", "campaign"})
_SIGNATURES = re.compile(r"(^actor|_by|^by_name|^editor_name)$")


@dataclass(frozen=True, slots=True)
class Trace:
    """A pattern, and a part of it (lower case) that a text must hold for the pattern to fit."""

    pattern: re.Pattern[str]
    part: str
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class Traces:
    """By where they are looked for."""

    everywhere: Sequence[Trace]
    at_account: Sequence[Trace]
    in_own_rows: Sequence[Trace]


def traces_of(session: Session, contacts: Sequence[Contact], addresses: Collection[str]) -> Traces:
    """What to look for, decided by who else is on file."""
    everywhere = [_address(address) for address in sorted(addresses)]
    at_account: list[Trace] = []
    own = list(everywhere)
    for one in contacts:
        full = _full_name(one)
        own += [*full, *(_word(part) for part in (one.first_name, one.last_name) if part and part.strip())]
        (at_account if _has_namesake(session, one) else everywhere).extend(full)
        if one.last_name and len(one.last_name.strip()) > _LEAST_NAME and not _has_relative(session, one):
            at_account.append(_word(one.last_name))
        number = _number(one.phone)
        own += number
        if not _shares_number(session, one):
            everywhere += number
    return Traces(everywhere, at_account, own)


def _address(address: str) -> Trace:
    """Not as a part of a longer one (jane@example.com.au), but also at the head of a file's name."""
    ends = r"(?![\w-]|\.(?!(?:csv|tsv|txt|xlsx|ods|eml)\b)\w)"
    return Trace(re.compile(rf"(?<![\w.+-]){re.escape(address)}{ends}", re.IGNORECASE), address.lower())


def _word(word: str) -> Trace:
    said = word.strip()
    return Trace(re.compile(rf"(?<!\w){re.escape(said)}(?!\w)", re.IGNORECASE), said.lower(), is_name=True)


def _full_name(contact: Contact) -> list[Trace]:
    first, last = (" ".join((part or "").split()) for part in (contact.first_name, contact.last_name))
    if not first or not last:
        return []
    one, other = re.escape(first), re.escape(last)
    pattern = re.compile(rf"(?<!\w)(?:{one}\s+{other}|{other},?\s+{one})(?!\w)", re.IGNORECASE)
    return [Trace(pattern, max(first, last, key=len).lower(), is_name=True)]


def _number(phone: str | None) -> list[Trace]:
    digits = re.sub(r"\D", "", phone or "").lstrip("0")
    if len(digits) < _LEAST_DIGITS:
        return []
    pattern = r"(?<!\d)\+?0{0,2}" + r"[\s()./-]{0,3}".join(digits) + r"(?!\d)"
    return [Trace(re.compile(pattern), digits[-4:])]


def _has_namesake(session: Session, contact: Contact) -> bool:
    full = full_name(contact.first_name, contact.last_name).lower()
    same = (unicode_lower(Contact.first_name) == (contact.first_name or "").lower()) & (
        unicode_lower(Contact.last_name) == (contact.last_name or "").lower())
    others = select(Contact.id).where(same, Contact.id != contact.id, _other_address(contact))
    users = select(User.id).where(unicode_lower(User.name) == full)
    return any(session.scalar(query.limit(1)) is not None for query in (others, users))


def _has_relative(session: Session, contact: Contact) -> bool:
    same = unicode_lower(Contact.last_name) == (contact.last_name or "").lower()
    query = select(Contact.id).where(Contact.account_id == contact.account_id, same, Contact.id != contact.id,
                                     _other_address(contact))
    return session.scalar(query.limit(1)) is not None


def _shares_number(session: Session, contact: Contact) -> bool:
    query = select(Contact.id).where(Contact.phone == contact.phone, Contact.id != contact.id, _other_address(contact))
    return bool(contact.phone) and session.scalar(query.limit(1)) is not None


def _other_address(contact: Contact) -> ColumnElement[bool]:
    return or_(Contact.email_key.is_(None), Contact.email_key != contact.email_key)


def erase_traces(session: Session, traces: Traces, *, contact_ids: Collection[int],
                 account_ids: Collection[int]) -> int:
    """Replace the traces in every text and JSON column of every table; how many rows. The people's own rows in
    `contact` are gone by now."""
    count = 0
    for table in Base.metadata.sorted_tables:
        columns = [column for column in text_columns(table) if column.name in _OF_OTHERS.get(table.name, {column.name})]
        if not columns:
            continue
        count += _replace(session, table, columns, traces.everywhere)
        if "account_id" in table.c and account_ids and table.name != "contact":
            count += _replace(session, table, columns, traces.at_account, table.c.account_id.in_(account_ids))
        if "contact_id" in table.c and contact_ids:
            count += _replace(session, table, columns, traces.in_own_rows, table.c.contact_id.in_(contact_ids))
    return count


def _replace(session: Session, table: Table, columns: Sequence[Column[Any]], traces: Sequence[Trace],
             within: ColumnElement[bool] | None = None) -> int:
    changed = 0
    held = or_(false(), *(_holds(session, column, trace.part) for column in columns for trace in traces
                 if _may_hold(table, column, trace)))
    keys = list(table.primary_key.columns)
    for row in session.execute(select(*keys, *columns).where(held if within is None else held & within)).mappings():
        new = {column.name: _without(row[column.name], [trace.pattern for trace in traces
                                                        if _may_hold(table, column, trace)]) for column in columns}
        new = {name: value for name, value in new.items() if value != row[name]}
        if new:
            session.execute(update(table).where(*(key == row[key.name] for key in keys)).values(new))
            changed += 1
    return changed


def _may_hold(table: Table, column: Column[Any], trace: Trace) -> bool:
    return not trace.is_name or not (table.name in _NO_NAMES or _SIGNATURES.search(column.name))


def _holds(session: Session, column: Column[Any], part: str) -> ColumnElement[bool]:
    """A first look in SQL, which may find too much: JSON is kept with other letters than ASCII as `\\u00fc`."""
    if not isinstance(column.type, JSON) or is_postgres(session):
        text = cast(column, Text) if not isinstance(column.type, String) else column
        return unicode_lower(text).contains(part, autoescape=True)
    plain = max(_PLAIN.findall(part), key=len, default="")
    return func.lower(cast(column, Text)).contains(plain, autoescape=True) if plain else column.is_not(None)


def _without(value: Any, patterns: Iterable[re.Pattern[str]]) -> Any:
    if isinstance(value, str):
        for pattern in patterns:
            value = pattern.sub(ERASED, value)
        return value
    if isinstance(value, dict):
        return {_without(key, patterns): _without(item, patterns) for key, item in value.items()}
    return [_without(item, patterns) for item in value] if isinstance(value, list) else value



# An area above this one that keeps words about people: clears them, and says the addresses it knew them by.
Forgets = Callable[[Session, Collection[int]], Iterable[str]]
_forgetting: list[Forgets] = []


def register_forgetting(forgets: Forgets) -> None:
    """Called with the ids of the people who are erased, before their rows go."""
    if forgets not in _forgetting:
        _forgetting.append(forgets)


def forget_elsewhere(session: Session, contact_ids: Collection[int]) -> Iterator[str]:
    """Let every registered area forget; the addresses they knew."""
    for forgets in _forgetting:
        yield from forgets(session, contact_ids)
