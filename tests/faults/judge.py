"""The verdict: what the sink accepted, by its own log, against what the database says."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from campaigns.models import Attempt, Delivery
from core.db import reading
from tests.faults.registry import Verdict
from tests.faults.scene import FINAL, Scene
from tests.outbox_factory import deliveries


def judge(scene: Scene, *, intended: int, most_unknown: int = 0, refused: int = 0,
          recoveries: Sequence[float] = ()) -> Verdict:
    """I1 to I4 and I14 when all is over. A message is lost when it has no row, no final state, or counts as sent though
    the sink never took it; one that was accepted and would go out again counts as a duplicate. `refused`: how many
    messages are to have failed for good."""
    accepted, rows = scene.accepted(), deliveries()
    sent = {row.message_id for row in rows if row.state == "sent"}
    failed = [row for row in rows if row.state == "failed_permanent"]
    unfinished = [row for row in rows if row.state not in FINAL and row not in failed]
    verdict = Verdict(intended, most_unknown=most_unknown, recoveries=list(recoveries))
    verdict.lost = max(0, intended - len(rows)) + len(unfinished) + len(sent - set(accepted))
    again = {row.message_id for row in unfinished if row.message_id in accepted}
    verdict.duplicated = sum(times - 1 for times in accepted.values()) + len(again)
    verdict.unknown = sum(row.state == "unknown" for row in rows)
    if len(rows) > intended:
        verdict.broken.append(f"{len(rows)} rows for {intended} intents")
    if strangers := set(accepted) - {row.message_id for row in rows}:
        verdict.broken.append(f"the sink took {len(strangers)} messages that no row knows")
    if len(failed) != refused:
        verdict.broken.append(f"{len(failed)} messages failed for good, not {refused}")
    if unfinished:
        verdict.notes.append(f"unfinished: {dict(Counter(row.state for row in unfinished))}")
    verdict.broken += _retold(rows)
    return verdict


def _retold(rows: Sequence[Delivery]) -> list[str]:
    """I14: the attempts tell each row's state."""
    told: dict[int, list[str]] = defaultdict(list)
    with reading() as session:
        for delivery_id, outcome in session.execute(
                select(Attempt.delivery_id, Attempt.outcome).order_by(Attempt.id)):
            told[delivery_id].append(outcome)
    wrong = [row.id for row in rows if row.state in FINAL and (
        not told[row.id] or told[row.id][-1] != row.state or told[row.id].count("sent") > 1)]
    return [f"the attempts do not tell the state of {len(wrong)} messages, such as {wrong[0]}"] if wrong else []
