"""The fields of accounts themselves: their facts and the latest analysis."""

from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased

from abm.accounts.models import Account
from abm.analysis.models import AccountResult
from abm.targets.sources import Column, Join, Scope, Source, make_fields, register
from abm.targets.vocabulary import FieldType, Subject
from abm.users.models import User

_T, _N, _D, _B = FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.TRUTH
SEGMENTS = ("champions", "loyal", "cannot_lose", "at_risk", "need_attention", "potential", "new", "promising",
            "about_to_sleep", "hibernating")
QUADRANTS = ("star", "cash_cow", "question_mark", "dog", "new", "gone")
ABC, XYZ, RHYTHM = ("A", "B", "C"), ("X", "Y", "Z"), ("active", "slowing", "lapsed", "unknown")

_FACTS = make_fields(
    "account", "Account",
    ("name", "name", _T), ("industry", "industry", _T), ("country", "country", FieldType.COUNTRY),
    ("region", "region", _T), ("city", "city", _T), ("employees", "number of employees", _N),
    ("annual_revenue", "annual revenue", _N),
    ("tier", "tier", _T), ("owner_email", "owner's e-mail", _T), ("domain", "domain", _T), ("source", "source", _T),
    ("timezone", "time zone", _T), ("account_id", "account id", _T), ("parent_id", "parent's account id", _T),
    ("created_at", "day it came in", _D), ("updated_at", "day of the last change", _D),
)
_CLASSES = (
    ("abc", "ABC class", _T, ABC), ("xyz", "XYZ class", _T, XYZ),
    ("cell", "ABC-XYZ cell", _T, tuple(a + x for a in ABC for x in XYZ)), ("is_new", "new", _B), ("value", "value", _N),
    ("orders", "number of orders", _N), ("share", "share of all value", _N),
    ("cumulative_share", "cumulative share", _N), ("cv", "coefficient of variation", _N),
    ("recency_days", "days since the last order", _N), ("frequency", "order frequency", _N),
    ("monetary", "monetary value", _N), ("r", "recency score", _N), ("f", "frequency score", _N),
    ("m", "monetary score", _N), ("segment", "RFM segment", _T, SEGMENTS), ("key_membership", "key membership", _N),
    ("quadrant", "share/growth quadrant", _T, QUADRANTS), ("expected_value_12m", "value expected in 12 months", _N),
)
_RHYTHM = (
    ("rhythm", "rhythm", _T, RHYTHM), ("overdue_ratio", "overdue ratio", _N),
    ("days_since_last", "days since the last order", _N), ("median_gap_days", "median gap in days", _N),
    ("order_days", "number of order days", _N), ("p_alive", "probability of being alive", _N),
    ("expected_orders_12m", "orders expected in 12 months", _N),
    ("seasonal_years", "earlier years with the same pause", _N), ("recent_gap_days", "mean of the last three gaps", _N),
)
_ANALYSIS = make_fields("analysis", "Analysis", *_CLASSES)
_BY_RHYTHM = make_fields("rhythm", "Rhythm", *_RHYTHM)
# The export's columns answer to both prefixes; the builder shows each once.
_ALSO = {**make_fields("analysis", "", *_RHYTHM), **make_fields("rhythm", "", *_CLASSES)}

_parent = aliased(Account)
_OWN = ("account",)


def _parent_id() -> ColumnElement[Any]:
    return select(_parent.external_id).where(_parent.id == Account.parent_id).correlate(Account).scalar_subquery()


def _owner_email() -> ColumnElement[Any]:
    """The owner's own address; the one that the file named while nobody here has it."""
    own = select(User.email).where(User.id == Account.owner_id).correlate(Account).scalar_subquery()
    return func.coalesce(own, Account.owner_email)


def _account_columns() -> dict[str, Column]:
    own = Account.__table__.c
    special = {"account.account_id": Column(own.external_id, follows=_OWN),
               "account.parent_id": Column(_parent_id(), follows=_OWN),
               "account.owner_email": Column(_owner_email(), follows=("account", "app_user")),
               "account.created_at": Column(own.created_at, is_moment=True, follows=_OWN),
               "account.updated_at": Column(own.updated_at, is_moment=True, follows=_OWN)}
    plain = {name: Column(own[name.removeprefix("account.")], follows=_OWN) for name in _FACTS if name not in special}
    return plain | special


def _is_latest(scope: Scope) -> ColumnElement[bool]:
    return and_(AccountResult.account_id == Account.id, AccountResult.run_id == (scope.run_id or 0))


LATEST_ANALYSIS = Join("analysis", AccountResult.__table__, _is_latest)


def _analysis_columns() -> dict[str, Column]:
    names = (*_ANALYSIS, *_BY_RHYTHM, *_ALSO)
    # The results of a run never change; a new run has a new id, and lists that ask are judged anew as a whole.
    return {name: Column(AccountResult.__table__.c[name.split(".")[1]], join=LATEST_ANALYSIS, follows=())
            for name in names}


ACCOUNTS = Subject("account", "account", "accounts", {**_FACTS, **_ANALYSIS, **_BY_RHYTHM, **_ALSO}, "account.custom.")

register(Source(ACCOUNTS, Account.__table__, Account.__table__.c.id, {**_account_columns(), **_analysis_columns()},
                custom=Account.__table__.c.custom))
