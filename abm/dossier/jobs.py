"""Counting by the clock what pages of large companies show."""

from abm.dossier.sources import is_large, keep_figures, read_sources
from core.db import reading, transaction
from core.jobs import every, job

OFTEN_SECONDS = 1_800


@job("dossier.count_sources")
def count() -> None:
    """Count what each source brought in, where a page would have to wait for it."""
    with reading() as session:
        if not is_large(session):
            return
        figures = read_sources(session)
    with transaction() as session:
        keep_figures(session, figures)


every(OFTEN_SECONDS, "dossier.count_sources")
