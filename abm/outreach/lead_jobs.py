"""Counting by the clock what the page from lead to customer shows of a large company."""

from abm.dossier.jobs import OFTEN_SECONDS
from abm.dossier.sources import is_large, keep_figures
from abm.outreach.lead_results import read_paths
from core.db import reading, transaction
from core.jobs import every, job


@job("outreach.count_leads")
def count() -> None:
    """Count what each source and campaign brought, where the page would have to wait for it."""
    with reading() as session:
        if not is_large(session):
            return
        figures = read_paths(session)
    with transaction() as session:
        keep_figures(session, figures)


every(OFTEN_SECONDS, "outreach.count_leads")
