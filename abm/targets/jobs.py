"""Lists by rules follow the data within seconds: only those that something changed for are touched."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.targets.actions import refresh_list
from abm.targets.addressing import keep_addresses_in_turns
from abm.targets.agreement import end_past_vetoes
from abm.targets.models import TargetList
from abm.targets.refreshing import is_stale, spread_changes
from core.db import reading, transaction
from core.errors import AbmError
from core.jobs import every, job, stopping
from core.logs import logger

REFRESH_SECONDS = 15
_log = logger(__name__)


@job("targets.refresh")
def refresh_lists() -> None:
    """Refresh every list that something changed for, one transaction each; one that cannot be is left and logged."""
    keep_addresses_in_turns()
    with transaction() as session:
        end_past_vetoes(session)
        spread_changes(session)
    with reading() as session:
        rows = session.scalars(select(TargetList).where(TargetList.kind == "dynamic").order_by(TargetList.id))
        names = [row.name for row in rows if _needs_refresh(session, row)]
    for name in names:
        if stopping():
            return
        try:
            with transaction() as session:
                refresh_list(session, name=name)
        except AbmError as error:
            _log.warning("list not refreshed", list=name, reason=str(error))


def _needs_refresh(session: Session, row: TargetList) -> bool:
    try:
        return is_stale(session, row)
    except AbmError as error:
        _log.warning("list not refreshed", list=row.name, reason=str(error))
        return False


every(REFRESH_SECONDS, "targets.refresh")
