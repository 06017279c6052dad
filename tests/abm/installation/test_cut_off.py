"""After a crash in the middle of sending the product starts what sends beside its first page."""

from abm.installation.schema import was_cut_off
from campaigns import outbox
from campaigns.journal import Journal
from core.db import transaction
from core.settings import settings
from tests.campaigns.conftest import engine_side
from tests.outbox_factory import running_campaign

__all__ = ["engine_side"]


def test_an_open_batch_tells_that_sending_was_cut_off(engine_side):
    running_campaign(3)
    assert not was_cut_off()
    journal = Journal(settings().journal_dir)
    with transaction() as session:
        batch = outbox.claim_batch(session, worker="w", journal=journal.name, limit=10)
    assert was_cut_off()
    with transaction() as session:
        outbox.give_back(session, fence=batch.id)
    assert not was_cut_off()
    journal.close()
