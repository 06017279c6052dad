from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.orders.models import AccountDay
from campaigns import editing
from campaigns.enrolment import advance, finish_runs, plan_chunk, plan_due_steps, stop_people
from campaigns.holdout import draw_families, preview_holdout, value_bands
from campaigns.models import Campaign, HoldoutAccount, HoldoutGhost, Run
from campaigns.planning import select_intended
from campaigns.reports import campaign_status
from campaigns.runs import get_run_facts
from campaigns.states import Reason, RunState
from core import clock
from core.db import Session, transaction
from tests.abm.imports.files import import_text
from tests.campaigns.campaign_factory import (
    HELLO,
    deliveries,
    enrolments,
    make_approved,
    make_people,
    make_run,
    put_in_list,
)
from tests.factories import make_account, make_contact

NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)


@given(
    st.dictionaries(st.integers(1, 10_000), st.sampled_from(["A", "B", "C"]), max_size=300),
    st.integers(1, 60),
    st.integers(0, 50),
)
def test_the_share_is_kept_in_the_whole_and_in_each_stratum(strata: dict[int, str], percent: int, salt: int) -> None:
    held = draw_families(strata, percent=percent, salt=salt)
    assert abs(len(held) - len(strata) * percent / 100) < 1
    for stratum, size in Counter(strata.values()).items():
        assert abs(sum(strata[family] == stratum for family in held) - size * percent / 100) < 2


def test_the_same_campaign_draws_the_same_and_another_one_differently() -> None:
    strata = dict.fromkeys(range(200), "A")
    assert draw_families(strata, percent=20, salt=1) == draw_families(strata, percent=20, salt=1)
    assert draw_families(strata, percent=20, salt=1) != draw_families(strata, percent=20, salt=2)


def test_every_family_has_the_same_chance() -> None:
    strata = dict(zip(range(30), "AABBBCCCCC" * 3, strict=True))
    drawn = Counter(family for salt in range(2_000) for family in draw_families(strata, percent=10, salt=salt))
    assert all(140 < drawn[family] < 260 for family in strata)


@pytest.fixture
def families(session: Session, engine_side: Path, at: Any) -> dict[int, list[int]]:
    """Twenty parents with two sites each, one person everywhere; account ids by family."""
    at(NOW)
    made: dict[int, list[int]] = {}
    for _ in range(20):
        parent = make_account(session)
        accounts = [parent, *(make_account(session, parent_id=parent.id) for _ in range(2))]
        for account in accounts:
            make_contact(session, account)
        put_in_list(session, accounts)
        made[parent.id] = [account.id for account in accounts]
    return made


def held_accounts(session: Session, run: Run) -> set[int]:
    return {row.account_id for row in enrolments(session, run) if row.end_reason == Reason.HELD_OUT}


def test_parent_and_sites_are_held_out_together(session: Session, families: dict[int, list[int]]) -> None:
    held = held_accounts(session, make_run(session, holdout="20%"))
    assert len(held) == 12
    assert all(set(accounts) <= held or not set(accounts) & held for accounts in families.values())


def test_a_draw_is_kept_over_launches_and_new_sites_follow_their_family(
    session: Session, families: dict[int, list[int]]
) -> None:
    first = make_run(session, holdout="20%")
    held = held_accounts(session, first)
    first.state = RunState.FINISHED
    held_parent = next(parent for parent in families if parent in held)
    site = make_account(session, parent_id=held_parent)
    make_contact(session, site)
    put_in_list(session, [site])
    campaign = session.get_one(Campaign, first.campaign_id)
    editing.approve(session, campaign=campaign, approver_id=2, approver_name="Second")
    second = editing.launch(session, campaign=campaign, launched_by="Second")
    plan_chunk(session, second.id)
    assert held_accounts(session, second) == held | {site.id}


def test_a_preview_holds_out_whom_the_launch_will(session: Session, families: dict[int, list[int]]) -> None:
    campaign = make_approved(session, holdout="20%")
    run = editing.launch(session, campaign=campaign, launched_by="Second")
    members = select_intended(session, get_run_facts(session, run.id), per_account=None)
    expected = preview_holdout(session, campaign_id=campaign.id, percent=20, members=members).accounts
    assert session.scalar(select(func.count()).select_from(HoldoutAccount)) == 0
    plan_chunk(session, run.id)
    assert held_accounts(session, run) == expected


def test_ghosts_are_written_when_the_messages_would_have_gone(
    session: Session, families: dict[int, list[int]], at: Any
) -> None:
    run = make_run(session, holdout="20%", steps=[HELLO, {**HELLO, "id": "more", "after": "7 days"}])
    plan_due_steps(session)
    assert count_ghosts(session) == [(0, 12)]
    at(datetime(2026, 3, 18, 12, tzinfo=UTC))
    plan_due_steps(session)
    assert count_ghosts(session) == [(0, 12), (1, 12)]
    assert {row.state for row in enrolments(session, run) if row.end_reason == Reason.HELD_OUT} == {"finished"}


def test_a_held_out_person_without_a_basis_gets_no_ghost(session: Session, engine_side: Path) -> None:
    make_people(session, 10, lawful_basis="none")
    make_run(session, holdout="50%")
    plan_due_steps(session)
    assert count_ghosts(session) == []
    assert campaign_status(session, "hello")["held_out"] == 5


def test_held_out_people_stand_outside_the_books_even_when_they_order(
    session: Session, families: dict[int, list[int]]
) -> None:
    run = make_run(session, holdout="20%")
    stop_people(session, reason=Reason.MET, at=clock.now(), account_ids=held_accounts(session, run))
    status = campaign_status(session, "hello")
    assert (status["held_out"], status["planned"]) == (12, 48)
    assert len(deliveries(session, run)) == 48


def test_a_run_is_not_finished_while_ghosts_are_due(session: Session, engine_side: Path) -> None:
    make_people(session, 10)
    run = make_run(session, holdout="50%")
    for row in deliveries(session, run):
        row.state, row.sent_at, row.ended_at = "sent", clock.now(), clock.now()
    session.flush()
    advance(session)
    assert finish_runs(session) == 0
    plan_due_steps(session)
    assert finish_runs(session) == 1


def count_ghosts(session: Session) -> list[tuple[int, int]]:
    rows = session.execute(
        select(HoldoutGhost.position, func.count()).group_by(HoldoutGhost.position).order_by(HoldoutGhost.position)
    )
    return [tuple(row) for row in rows]


def test_value_bands_are_quarters_of_those_with_value() -> None:
    values = {1: 0.0, 2: 5.0, 3: 1.0, 4: 9.0, 5: 7.0, 6: 0.0}
    assert value_bands(values) == {1: 0, 2: 2, 3: 1, 4: 4, 5: 3, 6: 0}
    assert value_bands({}) == {}


def test_each_quarter_by_value_is_held_out_alike(session: Session, engine_side: Path, at: Any) -> None:
    at(NOW)
    people = make_people(session, 80)
    for number, person in enumerate(people):
        session.add(AccountDay(account_id=person.account_id, day=date(2026, 2, 1), orders=1, amount=1 + number,
                               margin_amount=0, units=0))
    session.flush()
    held = held_accounts(session, make_run(session, holdout="20%"))
    quarters = [sum(person.account_id in held for person in people[start : start + 20]) for start in range(0, 80, 20)]
    assert sum(quarters) == 16
    assert all(3 <= quarter <= 5 for quarter in quarters)


def test_a_draw_survives_a_new_import_of_the_accounts(database: Path, engine_side: Path, at: Any, tmp_path: Path,
                                                      ) -> None:
    at(NOW)
    rows = [f"ACC-{number},Company {number},{1 + number % 3}" for number in range(20)]
    assert import_text(tmp_path, "accounts", "\n".join(["account_id,name,tier", *rows])).created == 20
    with transaction() as session:
        accounts = list(session.scalars(select(Account).order_by(Account.id)))
        for account in accounts:
            make_contact(session, account)
        put_in_list(session, accounts)
        run = make_run(session, holdout="25%")
        run.state = RunState.FINISHED
        before, campaign_id = held_accounts(session, run), run.campaign_id
    changed = [row[:-1] + str(1 + number % 2) for number, row in enumerate(reversed(rows))]
    import_text(tmp_path, "accounts", "\n".join(["account_id,name,tier", *changed, "ACC-99,New,1"]))
    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        editing.approve(session, campaign=campaign, approver_id=2, approver_name="Second")
        second = editing.launch(session, campaign=campaign, launched_by="Second")
        session.info.pop("after_commit", None)
        plan_chunk(session, second.id)
        assert held_accounts(session, second) == before
        assert len(before) == 5
