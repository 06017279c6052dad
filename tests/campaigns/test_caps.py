from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from campaigns import caps
from campaigns.definition import parse
from campaigns.facts import DueDelivery, RunFacts
from campaigns.gate import may_touch, record_touch
from campaigns.models import Touch
from campaigns.outside import Policy, outside
from campaigns.states import Reason
from core import clock
from core.db import Session, transaction
from tests.campaigns.campaign_factory import make_people, make_raw

NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)
RUN = RunFacts(1, 1, "hello", 1, "marketing", 5, False, parse(make_raw()))


def due(number: int, *, account: int = 1, contact: int | None = None, channel: str = "email") -> DueDelivery:
    return DueDelivery(
        number, 1, 1, number, account, contact or number, 0, "hello", channel, "a@example.com", 1, NOW, NOW, None
    )


@pytest.fixture
def policy(engine_side: Path) -> Policy:
    with transaction() as session:
        found = outside().company.policy(session)
    return replace(
        found,
        account_points_7_days=3,
        account_points_30_days=0,
        person_touches_7_days=0,
        person_touches_30_days=0,
        channel_points={"email": 1, "call": 2},
        channel_costs={"email": "0.05"},
    )


def take(
    session: Session, deliveries: list[DueDelivery], policy: Policy, at: datetime = NOW, run: RunFacts = RUN
) -> dict[int, Reason | None]:
    return {
        one: verdict.reason
        for one, verdict in caps.take_caps(session, deliveries, run=run, policy=policy, at=at).items()
    }


def test_an_account_gets_its_points_and_not_one_more(policy: Policy, session: Session) -> None:
    assert take(session, [due(n) for n in range(1, 6)], policy) == {4: Reason.OVER_CAP, 5: Reason.OVER_CAP}
    assert take(session, [due(6)], policy) == {6: Reason.OVER_CAP}


def test_a_call_costs_more_points_than_a_message(policy: Policy, session: Session) -> None:
    assert take(session, [due(1), due(2, channel="call"), due(3)], policy) == {3: Reason.OVER_CAP}


def test_a_person_has_a_budget_of_touches_beside_the_accounts(policy: Policy, session: Session) -> None:
    strict = replace(policy, account_points_7_days=0, person_touches_30_days=1)
    assert take(session, [due(1, contact=7), due(2, contact=7), due(3, contact=8)], strict) == {2: Reason.OVER_CAP}


def test_zero_means_no_limit(policy: Policy, session: Session) -> None:
    assert take(session, [due(n) for n in range(1, 50)], replace(policy, account_points_7_days=0)) == {}


def test_who_does_not_fit_waits_until_the_oldest_touch_leaves_the_window(policy: Policy, session: Session) -> None:
    take(session, [due(1)], policy, at=NOW - timedelta(days=5))
    refused = caps.take_caps(session, [due(2), due(3), due(4)], run=RUN, policy=policy, at=NOW)
    assert refused[4].until == NOW + timedelta(days=2)
    assert "3 of 3 points in 7 days" in refused[4].detail


def test_the_window_slides_to_the_second(policy: Policy, session: Session) -> None:
    take(session, [due(n) for n in (1, 2, 3)], policy)
    assert take(session, [due(4)], policy, at=NOW + timedelta(days=7, seconds=-1)) == {4: Reason.OVER_CAP}
    assert take(session, [due(4)], policy, at=NOW + timedelta(days=7)) == {}


def test_what_is_given_back_can_be_taken_again_and_giving_back_twice_changes_nothing(
    policy: Policy, session: Session
) -> None:
    take(session, [due(n) for n in (1, 2, 3)], policy)
    assert (caps.release_caps(session, [2]), caps.release_caps(session, [2])) == (1, 0)
    assert take(session, [due(4), due(5)], policy) == {5: Reason.OVER_CAP}


def test_taking_twice_for_one_delivery_counts_once(policy: Policy, session: Session) -> None:
    take(session, [due(1)], policy)
    take(session, [due(1)], policy)
    assert session.scalar(select(func.count()).select_from(Touch)) == 1


def test_an_exempt_run_is_counted_and_never_refused(policy: Policy, session: Session) -> None:
    exempt = replace(RUN, is_cap_exempt=True)
    assert take(session, [due(n) for n in range(1, 6)], policy, run=exempt) == {}
    assert take(session, [due(6)], policy) == {6: Reason.OVER_CAP}


def test_a_touch_by_hand_counts_against_the_cap_and_says_what_it_cost(policy: Policy, session: Session) -> None:
    person = make_people(session)[0]
    touch = record_touch(
        session, account_id=person.account_id, contact_id=person.id, channel="call", at=NOW, note="Fair"
    )
    assert (touch.points, touch.cost_amount) == (2, 180_000)
    assert take(session, [due(1, account=person.account_id), due(2, account=person.account_id)], policy) == {
        2: Reason.OVER_CAP
    }


def test_somebody_who_wants_to_call_by_hand_is_told_when_the_budget_is_free_again(
    policy: Policy, session: Session
) -> None:
    person = make_people(session)[0]
    whom = {"account_id": person.account_id, "contact_id": person.id, "channel": "visit", "purpose": "marketing"}
    assert may_touch(session, at=NOW, **whom).is_allowed
    record_touch(session, account_id=person.account_id, contact_id=person.id, channel="visit", at=NOW)
    assert may_touch(session, at=NOW, **whom).until == NOW + timedelta(days=7)


def test_sixteen_workers_take_exactly_the_hundred_points_of_one_account(policy: Policy) -> None:
    wide = replace(policy, account_points_7_days=100)

    def work(worker: int) -> int:
        taken = 0
        for number in range(10):
            with transaction() as session:
                delivery = due(worker * 100 + number + 1)
                taken += not caps.take_caps(session, [delivery], run=RUN, policy=wide, at=clock.now())
        return taken

    with ThreadPoolExecutor(16) as pool:
        taken = sum(pool.map(work, range(16)))
    with transaction() as session:
        used = session.scalar(select(func.sum(Touch.points)))
    assert (taken, used) == (100, 100)


def test_workers_that_want_the_same_accounts_in_different_order_never_block_each_other(policy: Policy) -> None:
    wide = replace(policy, account_points_7_days=10_000, person_touches_7_days=10_000)

    def work(worker: int) -> int:
        order = range(1, 30) if worker % 2 else range(29, 0, -1)
        for turn in range(4):
            with transaction() as session:
                caps.take_caps(
                    session,
                    [due(worker * 10_000 + turn * 100 + n, account=n, contact=n) for n in order],
                    run=RUN,
                    policy=wide,
                    at=clock.now(),
                )
        return worker

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(8))) == list(range(8))
