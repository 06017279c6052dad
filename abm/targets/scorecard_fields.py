"""Scores as fields of accounts: `scorecard.<name>`; coverage, membership and rank as `scorecard.<name>.<part>`."""

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.scorecards.models import AccountScore, Scorecard, ScorecardVersion
from abm.targets.families import Family, register_family
from abm.targets.sources import Column
from abm.targets.vocabulary import Field, FieldType

PREFIX = "scorecard."
PARTS = {"": ("score", "score"), ".coverage": ("coverage", "share of weight known"),
         ".member": ("membership", "membership"), ".place": ("place", "rank")}
_NAME = re.compile(r"scorecard\.([a-z0-9][a-z0-9_-]{0,99})(|\.coverage|\.member|\.place)")


def find_field(name: str) -> Field | None:
    found = _NAME.fullmatch(name)
    return _field(found[1], found[1].replace("-", " "), found[2]) if found else None


def _field(name: str, title: str, part: str) -> Field:
    return Field(f"{PREFIX}{name}{part}", f"{title}: {PARTS[part][1]}", FieldType.NUMBER, "Scorecards")


def make_column(name: str) -> Column:
    """The account's value by the published version; nothing where there is none."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise LookupError(name)
    version = (select(ScorecardVersion.id).join(Scorecard, Scorecard.id == ScorecardVersion.scorecard_id)
               .where(Scorecard.name == found[1], ScorecardVersion.number == Scorecard.published_number)
               .scalar_subquery())
    value: ColumnElement[Any] = AccountScore.__table__.c[PARTS[found[2]][0]]
    own = select(value).where(AccountScore.account_id == Account.id, AccountScore.version_id == version)
    return Column(own.correlate(Account).scalar_subquery())


def list_fields(session: Session) -> Iterator[Field]:
    rows = session.execute(select(Scorecard.name, Scorecard.title).where(Scorecard.published_number.is_not(None))
                           .order_by(Scorecard.title))
    for name, title in rows:
        yield from (_field(name, title, part) for part in PARTS)


FAMILY = Family(PREFIX, find_field, make_column, list_fields)
register_family(FAMILY)
