"""Scores as fields of accounts: `scorecard.<name>`; coverage, membership and rank as `scorecard.<name>.<part>`."""

import re
from typing import Any

from sqlalchemy import ColumnElement, Float, literal, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.scorecards.models import AccountScore, Scorecard, ScorecardVersion
from abm.targets.extending import add_field_family
from abm.targets.sources import Column, FamilySource
from abm.targets.vocabulary import Family

PARTS = {"": ("score", "score"), ".coverage": ("coverage", "share of weight known"),
         ".member": ("membership", "membership"), ".place": ("place", "rank")}
_KEY = re.compile(r"([a-z0-9][a-z0-9_-]{0,99})(|\.coverage|\.member|\.place)")
_FOLLOWS = ("account_score", "scorecard")


def make_column(key: str) -> Column:
    """The account's value by the published version; nothing where there is none."""
    found = _KEY.fullmatch(key)
    if found is None:
        return Column(literal(None, Float()), follows=())
    version = (select(ScorecardVersion.id).join(Scorecard, Scorecard.id == ScorecardVersion.scorecard_id)
               .where(Scorecard.name == found[1], ScorecardVersion.number == Scorecard.published_number)
               .scalar_subquery())
    value: ColumnElement[Any] = AccountScore.__table__.c[PARTS[found[2]][0]]
    own = select(value).where(AccountScore.account_id == Account.id, AccountScore.version_id == version)
    return Column(own.correlate(Account).scalar_subquery(), follows=_FOLLOWS)


def list_keys(session: Session) -> dict[str, str]:
    """The published scorecards, each with its parts."""
    rows = session.execute(select(Scorecard.name, Scorecard.title).where(Scorecard.published_number.is_not(None))
                           .order_by(Scorecard.title))
    return {f"{name}{part}": f"{title}: {words}" for name, title in rows for part, (_, words) in PARTS.items()}


add_field_family(FamilySource(Family("scorecard.", "Scorecards"), make_column, list_keys))
