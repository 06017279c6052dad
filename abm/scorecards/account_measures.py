"""What an account's facts, its sites and its people say, as of today."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Float, Select, case, cast, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from abm.accounts.models import Account
from abm.company.queries import company_today, get_company
from abm.contacts.consent import basis_in_force
from abm.contacts.models import Contact, FurtherSeat
from abm.scorecards.measures import Floats, Measure, fetch_rows, register, register_custom_fields

FACTS = (
    Measure("account.employees", "Number of employees", "Account"),
    Measure("account.annual_revenue", "Annual revenue", "Account"),
)
SITES = (Measure("account.sites", "Sites below the account", "Account", missing=0.0),)
PEOPLE = (
    Measure("people.known", "People known", "People", missing=0.0),
    Measure("people.reachable", "People who may be e-mailed", "People", missing=0.0),
    Measure("people.roles", "Different buying roles known", "People", missing=0.0),
    Measure("people.completeness", "Completeness of the buying centre, %", "People", missing=0.0),
    Measure("people.supporters", "Share of supporters", "People", "percent"),
    Measure("people.influence", "Influence on our side, sum", "People", missing=0.0),
)


def load_facts(session: Session, names: Sequence[str], _as_of: date | None) -> Floats:
    columns = [getattr(Account, name.removeprefix("account.")) for name in names]
    return fetch_rows(session, select(Account.id, *columns), 1 + len(names))


def load_sites(session: Session, names: Sequence[str], _as_of: date | None) -> Floats:
    site = aliased(Account)
    query: Select[*tuple[Any, ...]] = select(site.parent_id, func.count()).where(site.parent_id.is_not(None))
    return fetch_rows(session, query.group_by(site.parent_id), 1 + len(names))


def load_people(session: Session, names: Sequence[str], _as_of: date | None) -> Floats:
    """Over everybody who is still there, guests from other accounts included."""
    shared = (Contact.attitude, Contact.influence, Contact.lawful_basis, Contact.consent_kind, Contact.basis_at,
              Contact.email)
    own = select(Contact.account_id, Contact.buying_role, *shared).where(Contact.is_active.is_(True))
    guests = select(FurtherSeat.account_id, FurtherSeat.buying_role, *shared).join(
        Contact, Contact.id == FurtherSeat.contact_id).where(Contact.is_active.is_(True))
    people = union_all(own, guests).subquery()
    columns = _people_columns(people.c, get_company(session).required_roles, company_today(session))
    query: Select[*tuple[Any, ...]] = select(people.c.account_id, *(columns[name] for name in names))
    return fetch_rows(session, query.group_by(people.c.account_id), 1 + len(names))


def _people_columns(person: ReadOnlyColumnCollection[str, Any],
                    required: Mapping[str, int], today: date) -> Mapping[str, ColumnElement[Any]]:
    def number(condition: ColumnElement[bool]) -> ColumnElement[Any]:
        return func.sum(case((condition, 1), else_=0))

    needed_roles = {role: needed for role, needed in required.items() if needed > 0}
    completeness: ColumnElement[Any] = literal(0.0)
    for role, needed in needed_roles.items():
        known = number(person.buying_role == role)
        completeness = completeness + case((known >= needed, 1.0), else_=cast(known, Float) / needed)
    is_supporter = person.attitude == "supporter"
    return {
        "people.known": func.count(),
        "people.reachable": number(basis_in_force(today, of=person) & person.email.is_not(None)),
        "people.roles": func.count(person.buying_role.distinct()),
        "people.completeness": completeness * 100 / max(len(needed_roles), 1),
        "people.supporters": cast(number(is_supporter), Float) / func.nullif(func.count(person.attitude), 0),
        "people.influence": func.sum(case((is_supporter, func.coalesce(person.influence, 0)), else_=0)),
    }


def load_custom_fields(session: Session, names: Sequence[str], _as_of: date | None) -> Floats:
    """Custom fields that can be read as numbers; others have no value."""
    columns = [Account.custom[name.removeprefix("custom.")].as_string() for name in names]
    rows = session.connection().execute(select(Account.id, *columns).where(Account.custom.is_not(None))).fetchall()
    if not rows:
        return np.empty((0, 1 + len(names)))
    return np.array([(row[0], *(as_number(value) for value in row[1:])) for row in rows], dtype=np.float64)


def as_number(text: object) -> float:
    """A custom field's text as a finite number, else NaN."""
    try:
        number = float(str(text).strip().removesuffix("%"))
    except ValueError:
        return float("nan")
    return number if np.isfinite(number) else float("nan")


register(FACTS, load_facts)
register(SITES, load_sites)
register(PEOPLE, load_people)
register_custom_fields(load_custom_fields)
