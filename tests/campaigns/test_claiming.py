"""What a claim takes, whatever plan the database chooses."""

from pathlib import Path

from sqlalchemy import text

from campaigns import outbox
from core import db
from tests.outbox_factory import running_campaign


def test_a_claim_keeps_to_its_limit_under_a_plan_that_asks_again_for_every_row(engine_side: Path) -> None:
    running_campaign(8)
    with db.transaction() as session:
        if db.is_postgres(session):
            for kind in ("hashjoin", "mergejoin", "hashagg", "sort", "material"):
                session.execute(text(f"SET LOCAL enable_{kind} = off"))
        claimed = outbox.claim_batch(session, worker="w", journal="j", limit=2)
    assert claimed is not None
    assert len(claimed.rows) == 2
