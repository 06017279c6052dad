"""Reading scorecards, versions, ratings and scores."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AnalysisRun
from abm.contacts.models import Contact
from abm.imports.models import ImportRun
from abm.orders.models import Order
from abm.scorecards.definition import Definition
from abm.scorecards.models import AccountScore, Scorecard, ScorecardRating, ScorecardVersion
from abm.scorecards.reading import read_definition
from campaigns.raw_fields import nearest
from core.errors import NotFound, Refused


def get_scorecard(session: Session, name: str) -> Scorecard:
    """A scorecard by its name. Raises NotFound with the nearest right name."""
    found = session.scalars(select(Scorecard).where(Scorecard.name == name)).first()
    if found is None:
        known = session.scalars(select(Scorecard.name)).all()
        raise NotFound(f"There is no scorecard called {name}{nearest(name, known)}")
    return found


def list_scorecards(session: Session) -> Sequence[Scorecard]:
    return session.scalars(select(Scorecard).order_by(Scorecard.family, Scorecard.title, Scorecard.id)).all()


def draft_of(scorecard: Scorecard) -> Definition:
    """The definition being worked on."""
    return stored_definition(scorecard.draft)


def stored_definition(document: Mapping[str, Any]) -> Definition:
    """A definition as it was saved: measures are not asked again, they may have gone."""
    names = {str(one.get("by", "")) for one in document["criteria"]}
    return read_definition(document, names)


def find_published(session: Session, scorecard: Scorecard) -> ScorecardVersion | None:
    """The version that scores; None before the first one."""
    if scorecard.published_number is None:
        return None
    return get_version(session, scorecard, scorecard.published_number)


def get_version(session: Session, scorecard: Scorecard, number: int) -> ScorecardVersion:
    """A version by its number. Raises NotFound."""
    query = select(ScorecardVersion).where(ScorecardVersion.scorecard_id == scorecard.id,
                                           ScorecardVersion.number == number)
    found = session.scalars(query).first()
    if found is None:
        raise NotFound(f"The scorecard {scorecard.name} has no version {number}")
    return found


def get_published(session: Session, scorecard: Scorecard) -> ScorecardVersion:
    """The version that scores. Raises Refused before the first one."""
    found = find_published(session, scorecard)
    if found is None:
        raise Refused(f"The scorecard {scorecard.name} has no published version yet; publish it first")
    return found


def list_versions(session: Session, scorecard: Scorecard) -> Sequence[ScorecardVersion]:
    query = select(ScorecardVersion).where(ScorecardVersion.scorecard_id == scorecard.id)
    return session.scalars(query.order_by(ScorecardVersion.number.desc())).all()


def list_published(session: Session) -> Sequence[tuple[Scorecard, ScorecardVersion]]:
    """Every scorecard that scores, with the version it does so by."""
    query = select(Scorecard, ScorecardVersion).join(
        ScorecardVersion, (ScorecardVersion.scorecard_id == Scorecard.id)
        & (ScorecardVersion.number == Scorecard.published_number))
    return [(row[0], row[1]) for row in session.execute(query.order_by(Scorecard.family, Scorecard.title))]


def list_account_scores(session: Session, account_id: int) -> dict[int, AccountScore]:
    """An account's scores by version id."""
    rows = session.scalars(select(AccountScore).where(AccountScore.account_id == account_id))
    return {row.version_id: row for row in rows}


def list_ratings(session: Session, *, scorecard_id: int, account_id: int) -> dict[str, ScorecardRating]:
    """What people said of an account, by criterion."""
    query = select(ScorecardRating).where(ScorecardRating.scorecard_id == scorecard_id,
                                          ScorecardRating.account_id == account_id)
    return {row.criterion: row for row in session.scalars(query)}


def select_ranking(version_id: int) -> Select[*tuple[Any, ...]]:
    """AccountScore and Account of everybody; unsorted."""
    both: Select[*tuple[Any, ...]] = select(AccountScore, Account)
    return both.join(Account, Account.id == AccountScore.account_id).where(AccountScore.version_id == version_id)


def list_top(session: Session, version_id: int, *, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The first of the ranking."""
    query = select_ranking(version_id).where(AccountScore.place.is_not(None)).order_by(AccountScore.place)
    return session.execute(query.limit(limit)).all()


def places_of(session: Session, version_id: int, account_ids: Collection[int]) -> dict[int, int | None]:
    """The published rank of some accounts."""
    query = select(AccountScore.account_id, AccountScore.place).where(
        AccountScore.version_id == version_id, AccountScore.account_id.in_(list(account_ids)))
    return {row.account_id: row.place for row in session.execute(query)}


def names_of(session: Session, account_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """(name, the source system's id) of some accounts."""
    query = select(Account.id, Account.name, Account.external_id).where(Account.id.in_(list(account_ids)))
    return {row.id: (row.name, row.external_id) for row in session.execute(query)}


def present_basis(session: Session, scorecard_id: int) -> str:
    """Which state of the data scores would be of now: when it differs from the stored one, they are computed again."""
    def newest(column: Any, *where: Any) -> Any:
        value = session.scalar(select(func.max(column)).where(*where))
        return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value

    parts = (
        newest(AnalysisRun.id, AnalysisRun.state == "done"), newest(ImportRun.id, ImportRun.finished_at.is_not(None)),
        newest(Order.id), newest(Account.updated_at), newest(Account.id), newest(Contact.updated_at),
        newest(ScorecardRating.rated_at, ScorecardRating.scorecard_id == scorecard_id))
    return " ".join(str(part or "-") for part in parts)


def list_stale_ids(session: Session) -> list[int]:
    """Ids of the published scorecards whose data have changed since they were computed."""
    return [scorecard.id for scorecard, _version in list_published(session)
            if scorecard.basis != present_basis(session, scorecard.id)]
