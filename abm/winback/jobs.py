"""Looking for lapsed accounts by the clock, and soon after an analysis has ended."""

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.analysis.models import AnalysisRun
from abm.audit.models import AuditEntry
from abm.winback.detection import Detection, detect_lapses, find_silences
from abm.winback.losses import count_losses, keep_losses
from core import db
from core.errors import Refused
from core.jobs import every, job
from core.logs import logger

_log = logger(__name__)
DAY_SECONDS = 24 * 60 * 60
SOON_SECONDS = 120


@job("winback.detect")
def detect() -> None:
    """Open and close cases as of the last order's day; without orders there is nothing to do."""
    try:
        detect_apart()
    except Refused as nothing:
        _log.info("no lapses looked for", reason=str(nothing))


def detect_apart(as_of: date | None = None) -> Detection:
    """Look in a reading transaction, then write in a short one: with 100,000 accounts looking takes seconds, and on
    SQLite nobody could save meanwhile. Raises Refused as `find_silences` does."""
    with db.reading() as session:
        found = find_silences(session, as_of=as_of)
        losses = count_losses(session, last_day=found.as_of)
    with db.transaction() as session:
        keep_losses(session, losses)
        return detect_lapses(session, found=found)


@job("winback.detect_after_analysis")
def detect_after_analysis() -> None:
    """Look again when an analysis has ended since the last look: what it shows and the cases then agree."""
    with db.reading() as session:
        is_behind = is_analysis_newer(session)
    if is_behind:
        detect()


def is_analysis_newer(session: Session) -> bool:
    """Whether an analysis ended after the last detection."""
    analysed_at = session.scalar(select(func.max(AnalysisRun.finished_at)).where(AnalysisRun.totals.is_not(None)))
    looked_at = session.scalar(select(func.max(AuditEntry.at)).where(
        AuditEntry.subject == "winback", AuditEntry.action == "winback.detect"))
    return analysed_at is not None and (looked_at is None or looked_at < analysed_at)


every(DAY_SECONDS, "winback.detect")
every(SOON_SECONDS, "winback.detect_after_analysis")
