"""What a campaign brought: accounts written to against those left alone, and the wordings of a step side by side."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.cli import main
from abm.orders.models import AccountDay
from abm.outreach.effect import read_effect
from abm.outreach.effect_rules import HELD_OUT, TREATED, Amounts, Effect, Group, points
from abm.outreach.variant_results import OWN, list_trials
from abm.targets.models import TargetList
from abm.wiring import connect_engine
from campaigns.models import Campaign, CampaignVersion, Delivery, Event, HoldoutGhost, Run, Touch
from core import db
from tests.campaigns.campaign_factory import HELLO, make_people, make_run
from tests.factories import make_account, make_contact

SENT = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
BEFORE, SAME_DAY, LATER = date(2026, 3, 9), date(2026, 3, 10), date(2026, 4, 20)


@pytest.fixture
def engine_side(database: Path) -> Path:
    connect_engine()
    return database


@pytest.fixture
def run(session: Session, engine_side: Path, at: Callable[..., None]) -> Run:
    """A campaign with half of the accounts to be left alone, without people of its own yet."""
    at(SENT + timedelta(days=60))
    return start(session, holdout="50%")


def start(session: Session, **values: Any) -> Run:
    """A run on a list with one person, to whom nothing has gone."""
    if not session.scalar(select(TargetList.id)):
        make_people(session, 1)
    return make_run(session, **values)


def write_to(session: Session, run: Run, account: Account, **values: Any) -> Delivery:
    person = make_contact(session, account)
    row = Delivery(run_id=run.id, version_id=run.version_id, enrolment_id=1, account_id=account.id,
                   contact_id=person.id, position=0, step="hello", channel="email", state="sent", due_at=SENT,
                   planned_at=SENT, sent_at=SENT, **values)
    session.add(row)
    session.flush()
    return row


def leave_alone(session: Session, run: Run, account: Account) -> None:
    session.add(HoldoutGhost(run_id=run.id, contact_id=make_contact(session, account).id, position=0,
                             account_id=account.id, would_have_sent_at=SENT))
    session.flush()


def order(session: Session, account: Account, day: date, amount: int = 100, orders: int = 1) -> None:
    session.add(AccountDay(account_id=account.id, day=day, orders=orders, amount=amount, margin_amount=0, units=0))
    session.flush()


def effect_of(session: Session, run: Run, days: int | None = None) -> Effect:
    return read_effect(session, session.get_one(Campaign, run.campaign_id), days=days)


def test_orders_count_from_the_day_of_the_first_send_and_of_the_ghost(session: Session, run: Run) -> None:
    treated = [make_account(session) for _ in range(4)]
    left = [make_account(session) for _ in range(3)]
    for account in treated:
        write_to(session, run, account)
    for account in left:
        leave_alone(session, run, account)
    for account, day in ((treated[0], SAME_DAY), (treated[0], LATER), (treated[1], LATER), (treated[2], BEFORE),
                         (left[0], LATER), (left[1], BEFORE)):
        order(session, account, day)
    found = effect_of(session, run)
    assert (found.treated.accounts, found.treated.ordered, found.treated.orders) == (4, 2, Amounts(4, 3, 5))
    assert found.treated.values == Amounts(4, 300, 50_000)
    assert (found.held_out.accounts, found.held_out.ordered, found.held_out.values.total) == (3, 1, 100)
    assert effect_of(session, run, days=30).treated.orders.total == 1


def test_an_account_with_its_sites_counts_once(session: Session, run: Run) -> None:
    parent = make_account(session)
    site = make_account(session, parent_id=parent.id)
    for account in (parent, site):
        write_to(session, run, account)
        order(session, account, LATER, 50)
    found = effect_of(session, run).treated
    assert (found.accounts, found.members, found.ordered, found.values) == (1, 2, 1, Amounts(1, 100, 10_000))


def test_an_account_in_both_groups_is_in_no_comparison(session: Session, run: Run) -> None:
    account = make_account(session)
    write_to(session, run, account)
    leave_alone(session, run, make_account(session, parent_id=account.id))
    found = effect_of(session, run)
    assert (found.mixed, found.treated.accounts, found.held_out.accounts) == (1, 0, 0)
    assert not found.is_measurable


def test_messages_that_never_left_make_nobody_written_to(session: Session, run: Run) -> None:
    write_to(session, run, make_account(session)).state = "suppressed"
    session.flush()
    assert effect_of(session, run).treated.accounts == 0


def test_held_out_accounts_that_heard_from_us_otherwise_are_counted(session: Session, run: Run) -> None:
    left = [make_account(session) for _ in range(4)]
    for account in left:
        leave_alone(session, run, account)
    own = write_to(session, run, make_account(session))
    other = start(session, campaign="other")
    elsewhere = write_to(session, other, make_account(session))
    touches = ((left[0], None, 5), (left[0], elsewhere.id, 9), (left[1], elsewhere.id + 1_000, 3), (left[2], None, -1))
    for account, delivery_id, days in touches:
        session.add(Touch(account_id=account.id, channel="email", points=1, delivery_id=delivery_id,
                          at=SENT + timedelta(days=days)))
    session.add(Touch(account_id=own.account_id, channel="email", points=1, delivery_id=own.id,
                      at=SENT + timedelta(hours=1)))
    session.flush()
    found = effect_of(session, run).touched
    assert (found[HELD_OUT].by_campaigns, found[HELD_OUT].by_hand, found[HELD_OUT].any) == (2, 1, 2)
    assert found[TREATED].any == 0


def an_effect(ordered: int = 90, left: int = 10, **values: Any) -> Effect:
    given = {"campaign": "x", "holdout_percent": 20, "is_running": False, "mixed": 0, "touched": {}, "cost": 500.0,
             "treated": Group(400, 400, ordered, Amounts(400, ordered, ordered), Amounts(400, 100 * ordered,
                                                                                          10_000 * ordered)),
             "held_out": Group(100, 100, left, Amounts(100, left, left), Amounts(100, 100 * left, 10_000 * left))}
    return Effect(**{**given, **values})


def test_orders_on_top_and_their_cost_follow_from_the_difference() -> None:
    found = an_effect()
    assert found.incremental_orders.value == pytest.approx((90 / 400 - 10 / 100) * 400)
    each = found.cost_per_incremental_order
    assert each.value == pytest.approx(10)
    assert each.low is not None
    assert each.high is not None
    assert each.low < 10 < each.high


def test_the_sentence_gives_an_interval_and_no_verdict() -> None:
    clear, unclear = an_effect(), an_effect(ordered=44)
    assert "+12.5 points" in clear.sentence
    assert "All of them are above none" in clear.sentence
    assert "an interval (95 %)" in clear.sentence
    assert "not a verdict" in unclear.sentence
    assert "these data do not tell" in unclear.sentence
    assert unclear.cost_per_incremental_order.high is None


def test_groups_that_lost_accounts_are_called_uneven() -> None:
    assert not an_effect().as_json()["split"]["is_uneven"]
    assert an_effect(held_out=Group(40, 40, 4)).as_json()["split"]["is_uneven"]


def test_points_are_signed_and_never_minus_nought() -> None:
    assert [points(share) for share in (0.025, -0.013, -0.0001)] == ["+2.5 points", "−1.3 points", "+0.0 points"]


VARIANTS = {"short": {"share": 30, "subject": "Short"}, "warm": {"share": 20, "subject": "Warm"}}


def test_wordings_are_compared_with_the_own_words_by_what_people_did(session: Session, engine_side: Path,
                                                                     at: Callable[..., None]) -> None:
    at(SENT)
    run = start(session, steps=[{**HELLO, "variants": VARIANTS}])
    rows = [write_to(session, run, make_account(session), variant=name)
            for name in [None] * 10 + ["short"] * 6 + ["warm"] * 4]
    for number, (row, kind, is_machine) in enumerate((
            (rows[0], "click", False), (rows[0], "click", False), (rows[10], "click", False),
            (rows[11], "click", False), (rows[12], "click", True), (rows[16], "reply", False))):
        session.add(Event(event_key=f"e{number}", delivery_id=row.id, kind=kind, is_machine=is_machine, at=SENT))
    session.flush()
    [trial] = list_trials(session, run.campaign_id)
    assert [(arm.name, arm.sent, arm.clicked, arm.replied) for arm in trial.arms] == [
        (OWN, 10, 1, 0), ("short", 6, 2, 0), ("warm", 4, 0, 1)]
    assert trial.split is not None
    assert trial.split.chi_squared == 0
    clicks = trial.arms[1].clicks
    assert clicks is not None
    assert clicks.value == pytest.approx(2 / 6 - 1 / 10)
    assert trial.arms[0].clicks is None


def test_wordings_that_went_out_against_their_shares_are_uneven(session: Session, engine_side: Path,
                                                                at: Callable[..., None]) -> None:
    at(SENT)
    run = start(session, steps=[{**HELLO, "variants": VARIANTS}])
    for name in ["short"] * 5 + ["warm"] * 25:
        write_to(session, run, make_account(session), variant=name)
    [trial] = list_trials(session, run.campaign_id)
    assert trial.split is not None
    assert trial.split.is_uneven
    assert trial.split.expected == {OWN: 15, "short": 9, "warm": 6}


@pytest.fixture
def measured(database: Path, engine_side: Path, at: Callable[..., None]) -> int:
    """A committed campaign with both groups and a trial; its id."""
    at(SENT + timedelta(days=60))
    with db.transaction() as session:
        run = start(session, holdout="50%", steps=[{**HELLO, "variants": VARIANTS}])
        for number in range(6):
            account = make_account(session)
            write_to(session, run, account, variant="short" if number % 2 else None)
            order(session, account, LATER)
            leave_alone(session, run, make_account(session))
        assert session.get(CampaignVersion, run.version_id) is not None
        return run.campaign_id


def test_the_command_answers_with_groups_intervals_and_wordings(measured: int, capsys: pytest.CaptureFixture[str],
                                                                ) -> None:
    assert main(["campaigns", "effect", "hello", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["treated"]["ordering_rate"], found["held_out"]["ordering_rate"]) == (1.0, 0.0)
    assert found["differences"]["ordering_rate"]["low"] > 0
    assert found["incremental_orders"]["value"] == 6
    assert [arm["variant"] for arm in found["variants"][0]["arms"]] == [OWN, "short", "warm"]
    assert main(["campaigns", "effect", "hello"]) == 0
    assert "not a verdict" in capsys.readouterr().out


def test_the_page_says_it_in_words_and_every_number_opens(client_as: Callable[..., Any], measured: int) -> None:
    client = client_as("marketer")
    page = client.get(f"/campaigns/{measured}/effect").text
    assert "100.0% of the accounts written to ordered" in page
    assert "Wordings of step hello" in page
    for what in ("rate", "value", "orders", "split", "contamination", "cost"):
        assert f"/effect/why/{what}" in page
        assert client.get(f"/campaigns/{measured}/effect/why/{what}?days=30").status_code == 200
    assert client.get(f"/campaigns/{measured}/effect/why/nonsense").status_code == 404
    assert "own words" in client.get(f"/campaigns/{measured}/variants.csv").text


def test_without_a_holdout_the_page_says_what_to_do(client_as: Callable[..., Any], database: Path, engine_side: Path,
                                                    ) -> None:
    with db.transaction() as session:
        campaign_id = start(session).campaign_id
    page = client_as("marketer").get(f"/campaigns/{campaign_id}/effect").text
    assert "Nobody was left alone" in page
