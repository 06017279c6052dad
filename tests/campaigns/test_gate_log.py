"""The gate's log: every decision can be made again from what it holds, and it names nobody."""

import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from abm.company.actions import set_company_value
from campaigns import gate_log, gate_rules
from campaigns.caps_rules import Limits, Used
from campaigns.dispatch import drain
from campaigns.gate import Decision
from campaigns.gate_rules import Evidence, Terms, decide
from campaigns.keys import address_key
from campaigns.models import GateRecord, Suppression
from campaigns.states import Reason
from campaigns.verdict import Answer
from core import clock
from core.db import reading, transaction
from tests.outbox_factory import deliveries, running_campaign, states

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
USED = st.builds(Used, st.integers(0, 200), st.integers(0, 200), st.none() | MOMENTS, st.none() | MOMENTS)
LIMITS = st.builds(Limits, st.integers(0, 100), st.integers(0, 100))
REASONS = st.sampled_from([reason.value for reason in Reason])
EVIDENCE = st.builds(
    Evidence, at=MOMENTS, due_at=MOMENTS, opening=MOMENTS, expires_at=st.none() | MOMENTS,
    ended=st.none() | st.sampled_from(["replied", "something_else"]), is_held_out=st.booleans(),
    objection=st.none() | st.tuples(REASONS, st.text(min_size=1, max_size=40)),
    condition=st.none() | st.sampled_from(["ordered", "clicked"]),
    lock=st.none() | st.tuples(MOMENTS, st.text(max_size=20)), account_limits=LIMITS, account_used=USED,
    person_used=USED)
TERMS = st.builds(Terms, campaign=st.just("c"), is_cancelled=st.booleans(), is_paused=st.booleans(),
                  is_all_paused=st.booleans(), stops_on_order=st.booleans(), is_capped=st.booleans(),
                  points=st.integers(1, 4), person_limits=LIMITS)


@given(EVIDENCE, TERMS)
def test_a_packed_decision_comes_back_as_it_was_and_is_decided_the_same(found: Evidence, terms: Terms) -> None:
    verdict = decide(found, terms)
    (again,) = gate_log.unpack(gate_log.pack([Decision(7, found, verdict)]))
    assert again.evidence == found
    assert decide(again.evidence, terms) == verdict


@given(EVIDENCE, TERMS)
def test_every_refusal_has_a_reason_and_every_deferral_a_moment(found: Evidence, terms: Terms) -> None:
    verdict = decide(found, terms)
    assert verdict.is_allowed or (verdict.reason is not None and verdict.detail)
    assert (verdict.answer is Answer.DEFER) == (verdict.until is not None)


@pytest.fixture
def mixed_batch(engine_side: Path) -> None:
    """Five people: one suppressed, and a person's cap of one touch that two of them have used already."""
    running = running_campaign(5)
    with transaction() as session:
        set_company_value(session, name="person_touches_7_days", value=1)
        session.add(Suppression(scope="address", key=address_key("jane1@example.com"), purpose="*", reason="manual",
                                created_at=clock.now()))
        for row in deliveries()[3:]:
            from campaigns.gate import record_touch

            record_touch(session, account_id=row.account_id, contact_id=row.contact_id, channel="call",
                         at=clock.now() - timedelta(hours=1))
    assert running
    drain()


def test_the_log_replays_to_the_same_decisions(mixed_batch: None) -> None:
    assert states() == {"sent": 2, "suppressed": 1, "queued": 2}
    with reading() as session:
        found = gate_log.replay(session)
    assert (found.checked, list(found.differing)) == (5, [])


def test_a_rule_that_has_changed_is_found_out(mixed_batch: None, monkeypatch: pytest.MonkeyPatch) -> None:
    without_caps = tuple(rule for rule in gate_rules.RULES if "touches left" not in rule[0])
    monkeypatch.setattr(gate_rules, "RULES", without_caps)
    with reading() as session:
        found = gate_log.replay(session)
    assert [(one.was, one.is_now) for one in found.differing] == [("defer over_cap", "allow")] * 2


def test_the_log_holds_no_address_and_no_name(mixed_batch: None) -> None:
    with reading() as session:
        packed = [zlib.decompress(row) for row in session.scalars(select(GateRecord.decisions))]
    assert packed
    assert not any(b"jane" in one.lower() or b"@" in one for one in packed)


def test_old_records_go_after_ninety_days(mixed_batch: None, at: Any) -> None:
    with transaction() as session:
        assert gate_log.remove_old(session, clock.now() + timedelta(days=89)) == 0
        assert gate_log.remove_old(session, clock.now() + timedelta(days=91)) >= 1
        assert session.scalar(select(func.count(GateRecord.id))) == 0


def test_an_account_of_a_tier_with_its_own_budget_may_be_touched_more(engine_side: Path) -> None:
    from sqlalchemy import update

    from abm.accounts.models import Account

    running_campaign(2)
    with transaction() as session:
        set_company_value(session, name="account_points_7_days", value=1)
        set_company_value(session, name="account_points_by_tier", value={"1": [3, 9]})
        first, second = deliveries()
        session.execute(update(Account).where(Account.id == first.account_id).values(tier="1"))
        for row in (first, second):
            from campaigns.gate import record_touch

            record_touch(session, account_id=row.account_id, contact_id=None, channel="call",
                         at=clock.now() - timedelta(hours=1))
    drain()
    assert [row.state for row in deliveries()] == ["sent", "queued"]
    assert "3 of" not in (deliveries()[1].detail or "")
