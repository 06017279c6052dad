"""Complaints by sender's domain and day: from 0.1 % on people are told where they look."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from abm.sending.doctor import look_at_senders
from campaigns.complaint_days import ComplaintDay, list_complaint_days
from campaigns.models import Delivery
from core import clock
from core.db import reading, transaction
from tests.outbox_factory import running_campaign

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(("sent", "complained", "is_grave"), [
    (1_000, 1, False), (1_000, 2, False), (1_000, 3, True), (50, 1, True), (0, 1, True)])
def test_at_three_in_a_thousand_it_is_grave(sent: int, complained: int, is_grave: bool) -> None:
    day = ComplaintDay("example.com", date(2026, 3, 10), sent, complained)
    assert day.is_grave is is_grave


def sent_with_complaints(count: int, complaints: int, *, days_ago: int = 0) -> None:
    with transaction() as session:
        moment = clock.now() - timedelta(days=days_ago)
        ids = session.scalars(select(Delivery.id).where(Delivery.state == "queued").limit(count)).all()
        session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(state="sent", sent_at=moment))
        session.execute(update(Delivery).where(Delivery.id.in_(ids[:complaints])).values(state="complained"))


@pytest.mark.parametrize(("complaints", "told"), [(0, []), (1, [(1_000, 1)]), (2, [(1_000, 2)])])
def test_one_in_a_thousand_is_told_with_its_numbers(
    engine_side: Path, at: Callable[[datetime], None], complaints: int, told: list[tuple[int, int]]
) -> None:
    at(NOON)
    running_campaign(1_001)
    sent_with_complaints(1_000, complaints)
    with reading() as session:
        assert [(day.sent, day.complained) for day in list_complaint_days(session)] == told


def test_less_than_one_in_a_thousand_is_quiet_and_days_are_apart(
    engine_side: Path, at: Callable[[datetime], None]
) -> None:
    at(NOON)
    running_campaign(1_101)
    sent_with_complaints(1_001, 1)
    sent_with_complaints(90, 1, days_ago=2)
    with reading() as session:
        found = list_complaint_days(session)
        assert [(one.day, one.domain, one.sent) for one in found] == [(date(2026, 3, 8), "example.com", 90)]
        assert list_complaint_days(session, domain="elsewhere.example") == []
    at(NOON + timedelta(days=6))
    with reading() as session:
        assert list_complaint_days(session) == []


def test_it_is_said_on_today_on_the_campaign_and_by_the_doctor(client_as: Callable[..., Any]) -> None:
    campaign_id = running_campaign(500).campaign_id
    sent_with_complaints(500, 1)
    client, sentence = client_as("marketer"), "1 of 500 recipients"
    assert sentence in client.get("/").text
    assert sentence in client.get(f"/campaigns/{campaign_id}").text
    assert sentence in client.get(f"/campaigns/{campaign_id}/results").text
    assert any(name == "complaints" and level == "warning" and sentence in text
               for name, level, text, _fix in look_at_senders())
