"""The audit log is sealed every minute."""

from abm.audit.seals import seal_entries
from core.db import transaction
from core.jobs import every, job

SEAL = "audit.seal"


@job(SEAL)
def seal() -> None:
    """Seal what has settled."""
    with transaction() as session:
        seal_entries(session)


every(60, SEAL)
