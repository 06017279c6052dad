"""Reading the dossier of an account, and tenders and competitors over all accounts."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.dossier.models import Competitor, Dossier, DossierLink, SourceCost, Tender
from core.errors import NotFound

Row = TypeVar("Row")


def find_dossier(session: Session, account_id: int) -> Dossier | None:
    return session.get(Dossier, account_id)


def _get(session: Session, kind: type[Row], row_id: int, word: str) -> Row:
    row = session.get(kind, row_id)
    if row is None:
        raise NotFound(f"There is no such {word}")
    return row


def get_tender(session: Session, tender_id: int) -> Tender:
    return _get(session, Tender, tender_id, "tender")


def get_competitor(session: Session, competitor_id: int) -> Competitor:
    return _get(session, Competitor, competitor_id, "competitor")


def get_link(session: Session, link_id: int) -> DossierLink:
    return _get(session, DossierLink, link_id, "link")


def list_links(session: Session, account_id: int) -> Sequence[DossierLink]:
    query = select(DossierLink).where(DossierLink.account_id == account_id)
    return session.scalars(query.order_by(DossierLink.title, DossierLink.id).limit(200)).all()


def list_tenders(session: Session, account_id: int) -> Sequence[Tender]:
    """An account's tenders: open ones first, then the latest."""
    query = select(Tender).where(Tender.account_id == account_id).order_by(
        (Tender.result != "open"), Tender.decided_on.desc().nulls_first(), Tender.id.desc())
    return session.scalars(query.limit(200)).all()


def list_competitors(session: Session, account_id: int) -> Sequence[Competitor]:
    """An account's competitors, the strongest first."""
    query = select(Competitor).where(Competitor.account_id == account_id)
    return session.scalars(query.order_by(Competitor.strength.desc(), Competitor.name).limit(100)).all()


TENDER_COLUMNS = ("title", "result", "reason", "reason_text", "winner", "amount", "currency", "opened_on", "decided_on")
COMPETITOR_COLUMNS = ("name", "strength", "offering", "note", "seen_on")


def export_of(session: Session, kind: type[Tender] | type[Competitor], columns: Sequence[str], *,
              account_id: int | None) -> Iterator[Sequence[Any]]:
    """Account id, account and the columns, of one account or of all."""
    query = select(Account.external_id, Account.name, *(getattr(kind, name) for name in columns)).join(
        Account, Account.id == kind.account_id).order_by(Account.name_key, kind.id)
    if account_id is not None:
        query = query.where(kind.account_id == account_id)
    yield from session.execute(query, execution_options={"yield_per": 5_000})


def list_source_costs(session: Session, *, limit: int = 20) -> Sequence[SourceCost]:
    """What was paid for sources, the latest first."""
    return session.scalars(select(SourceCost).order_by(SourceCost.spent_on.desc(), SourceCost.id.desc())
                           .limit(limit)).all()
