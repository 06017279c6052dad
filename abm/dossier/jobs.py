"""Counting by the clock what pages of large companies show."""

from abm.dossier.sources import count_sources, is_large
from core.db import reading, transaction
from core.jobs import every, job

OFTEN_SECONDS = 1_800


@job("dossier.count_sources")
def count() -> None:
    """Count what each source brought in, where a page would have to wait for it."""
    with reading() as session:
        if not is_large(session):
            return
    with transaction() as session:
        count_sources(session)


every(OFTEN_SECONDS, "dossier.count_sources")
