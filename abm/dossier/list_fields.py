"""What list rules may ask about the buying centre, tenders and competitors.

The completeness follows the company's own required roles, which are read from its settings inside the statement, so
that a list and the account page always agree.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, distinct, func, literal, select

from abm.accounts.models import Account
from abm.company.models import CompanySetting
from abm.company.policy import Company
from abm.contacts.buying_centre import ROLES
from abm.contacts.models import Acquaintance, Contact, FurtherSeat
from abm.dossier.models import Competitor, Tender
from abm.dossier.words import REASONS, RESULTS
from abm.targets.extending import add_account_fields
from abm.targets.sources import Column, Source, make_fields, register
from abm.targets.vocabulary import FieldType, Subject
from abm.users.models import User
from core.db import MONEY_SCALE

_OWN = and_(Contact.account_id == Account.id, Contact.is_active.is_(True))
_GUEST = and_(FurtherSeat.account_id == Account.id, Contact.is_active.is_(True))
_SEATED: FromClause = FurtherSeat.__table__.join(Contact.__table__, Contact.id == FurtherSeat.contact_id)


def _count(rows: Any, *conditions: ColumnElement[bool], of: Any = None) -> ColumnElement[Any]:
    counted = func.count() if of is None else func.count(distinct(of))
    return select(counted).select_from(rows).where(*conditions).correlate(Account).scalar_subquery()


def _needed(role: str) -> ColumnElement[Any]:
    """How many people the role needs: as Settings say, else the default."""
    own = CompanySetting.name == "required_roles"
    said = select(CompanySetting.content[("value", role)].as_integer()).where(own).scalar_subquery()
    is_set = select(func.count()).select_from(CompanySetting).where(own).scalar_subquery() > 0
    return case((is_set, func.coalesce(said, 0)), else_=Company().required_roles.get(role, 0))


def _known(role: str) -> ColumnElement[Any]:
    return (_count(Contact.__table__, _OWN, Contact.buying_role == role)
            + _count(_SEATED, _GUEST, FurtherSeat.buying_role == role))


def completeness_of_account() -> ColumnElement[Any]:
    """100 x mean over the required roles of min(1, known / needed); NULL where no role is required."""
    shares: ColumnElement[Any] = literal(0.0)
    required: ColumnElement[Any] = literal(0)
    for role in ROLES:
        needed, known = _needed(role), _known(role)
        shares += case((needed <= 0, 0.0), (known >= needed, 1.0), else_=known * 1.0 / func.nullif(needed, 0))
        required += case((needed > 0, 1), else_=0)
    return 100.0 * shares / func.nullif(required, 0)


def single_threaded() -> ColumnElement[Any]:
    """At most one thread: people whom one of us knows; where nobody says whom they know, everybody there."""
    tied = Acquaintance.__table__.join(User.__table__, and_(User.id == Acquaintance.user_id, User.is_active.is_(True)))
    known = (_count(tied.join(Contact.__table__, Contact.id == Acquaintance.contact_id), _OWN, of=Contact.id)
             + _count(tied.join(_SEATED, Contact.id == Acquaintance.contact_id), _GUEST, of=Contact.id))
    people = _count(Contact.__table__, _OWN) + _count(_SEATED, _GUEST)
    return case((known > 0, known <= 1), else_=people <= 1)


_CENTRE = make_fields(
    "account", "Buying centre",
    ("completeness", "completeness of the buying centre", FieldType.NUMBER),
    ("is_single_threaded", "hanging on a single person", FieldType.TRUTH),
    ("people", "number of people known", FieldType.NUMBER),
)
_SQL = {"account.completeness": completeness_of_account(), "account.is_single_threaded": single_threaded(),
        "account.people": _count(Contact.__table__, _OWN)}
add_account_fields({name: (field, Column(_SQL[name])) for name, field in _CENTRE.items()})

_TENDER = make_fields(
    "tender", "Tenders",
    ("title", "title", FieldType.TEXT), ("result", "result", FieldType.TEXT, tuple(RESULTS)),
    ("reason", "reason", FieldType.TEXT, tuple(REASONS)), ("amount", "amount", FieldType.NUMBER),
    ("winner", "winner", FieldType.TEXT), ("opened_on", "day it was opened", FieldType.DATE),
    ("decided_on", "day it was decided", FieldType.DATE),
)
_COMPETITOR = make_fields(
    "competitor", "Competitors",
    ("name", "name", FieldType.TEXT), ("strength", "strength", FieldType.NUMBER),
    ("offering", "offering", FieldType.TEXT), ("seen_on", "day last seen", FieldType.DATE),
)


def _columns(table: Any, fields: dict[str, Any]) -> dict[str, Column]:
    return {name: Column(table.c[name.partition(".")[2]], scale=MONEY_SCALE if name.endswith(".amount") else 1)
            for name in fields}


register(Source(Subject("tender", "tender", "tenders", _TENDER), Tender.__table__, Tender.__table__.c.account_id,
                _columns(Tender.__table__, _TENDER)))
register(Source(Subject("competitor", "competitor", "competitors", _COMPETITOR), Competitor.__table__,
                Competitor.__table__.c.account_id, _columns(Competitor.__table__, _COMPETITOR)))
