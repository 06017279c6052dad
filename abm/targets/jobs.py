"""Lists by rules are brought up to date every few minutes."""

from sqlalchemy import select

from abm.targets.actions import refresh_list
from abm.targets.models import TargetList
from core.db import reading, transaction
from core.errors import AbmError
from core.jobs import every, job, stopping
from core.logs import logger

REFRESH_SECONDS = 180
_log = logger(__name__)


@job("targets.refresh")
def refresh_lists() -> None:
    """Refresh every list by rules, one transaction each; a list that cannot be is left as it was and logged."""
    with reading() as session:
        by_rules = select(TargetList.name).where(TargetList.kind == "dynamic").order_by(TargetList.id)
        names = session.scalars(by_rules).all()
    for name in names:
        if stopping():
            return
        try:
            with transaction() as session:
                refresh_list(session, name=name)
        except AbmError as error:
            _log.warning("list not refreshed", list=name, reason=str(error))


every(REFRESH_SECONDS, "targets.refresh")
