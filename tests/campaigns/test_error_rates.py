"""Too many dead mailboxes or complaints pause the run and say why; resuming goes on exactly with the rest."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from campaigns import editing
from campaigns.dispatch import drain
from campaigns.error_rates import Rates, pause_failing_runs
from campaigns.models import Campaign, Delivery, Run
from core import clock
from core.db import reading, transaction
from tests.outbox_factory import add_people, running_campaign, states


@pytest.mark.parametrize(("tried", "bounced", "complained", "is_paused"), [
    (99, 50, 0, False), (100, 5, 0, False), (100, 6, 0, True), (10_000, 500, 0, False), (10_000, 501, 0, True),
    (1_000, 0, 2, False), (1_000, 0, 3, True), (50, 0, 1, False), (50, 0, 2, True), (0, 0, 0, False)])
def test_the_thresholds(tried: int, bounced: int, complained: int, is_paused: bool) -> None:
    assert bool(Rates(tried, bounced, complained).objection) is is_paused


def mark(count: int, **values: object) -> None:
    with transaction() as session:
        sent = select(Delivery.id).where(Delivery.state == "sent").order_by(Delivery.id).limit(count)
        ids = session.scalars(sent).all()
        session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(**values))


def look() -> list[int]:
    with transaction() as session:
        return pause_failing_runs(session)


def test_a_run_with_many_dead_mailboxes_is_paused_with_the_numbers(engine_side: Path) -> None:
    running = running_campaign(120)
    drain()
    mark(6, state="bounced_hard")
    assert look() == []
    mark(1, state="failed_permanent", reason="hard_bounce")
    assert look() == [running.run_id]
    with reading() as session:
        run, campaign = session.get_one(Run, running.run_id), session.get_one(Campaign, running.campaign_id)
        assert (run.state, campaign.state) == ("paused", "paused")
        assert "7 of 120 messages went to mailboxes that do not exist (5.8%, at most 5%)" in (run.pause_reason or "")


def test_calls_and_letters_say_nothing_about_dead_mailboxes(engine_side: Path) -> None:
    running_campaign(120)
    drain()
    mark(30, channel="call")
    mark(7, state="bounced_hard", channel="email")
    assert look() == []


def test_a_refusal_of_another_kind_is_no_dead_mailbox(engine_side: Path) -> None:
    running_campaign(120)
    drain()
    mark(50, state="failed_permanent", reason=None)
    assert look() == []


def test_after_resuming_exactly_the_rest_goes_out_and_old_bounces_no_longer_count(engine_side: Path) -> None:
    running = running_campaign(110)
    drain()
    with transaction() as session:
        add_people(session, running, 30, first=1_001)
    mark(20, state="bounced_hard")
    look()
    drain()
    assert states() == {"sent": 90, "bounced_hard": 20, "queued": 30}
    with transaction() as session:
        editing.resume(session, campaign=session.get_one(Campaign, running.campaign_id))
        session.info.pop("after_commit", None)
    drain()
    assert states() == {"sent": 120, "bounced_hard": 20}
    assert look() == []


def test_new_trouble_after_resuming_pauses_again(engine_side: Path) -> None:
    running = running_campaign(110)
    drain()
    with transaction() as session:
        session.get_one(Run, running.run_id).watched_from = clock.now() - timedelta(hours=1)
    mark(20, state="complained")
    assert look() == [running.run_id]


def test_only_as_many_messages_are_counted_as_the_answer_needs(engine_side: Path) -> None:
    running_campaign(1_500)
    drain()
    mark(3, state="bounced_hard")
    assert look() == []
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Delivery)) == 1_500
