"""Lapsed accounts are found by their own rhythm, and each silence has one case."""

from datetime import date, timedelta
from itertools import pairwise
from statistics import median

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountEvent
from abm.orders.models import AccountDay
from abm.winback.detection import detect_lapses, find_silences
from abm.winback.jobs import detect_apart
from abm.winback.losses import count_losses
from abm.winback.models import Case, LossMonth
from core import clock, db
from core.errors import Refused
from tests.abm.winback.companies import bring_orders
from tests.factories import make_account, make_order, make_user

START = date(2026, 1, 1)


def _orders(session: Session, account: Account, *days: int, amount: str = "100") -> None:
    for number in days:
        make_order(session, account, on=START + timedelta(days=number), amount=amount)


@pytest.mark.parametrize(("folder", "lapsed"), [("northwind", 8), ("crm_opportunities", 9)])
def test_real_companies_have_their_known_number_of_lapsed_accounts(session: Session, folder: str, lapsed: int) -> None:
    bring_orders(session, folder)
    found = detect_lapses(session)
    assert (found.lapsed, found.opened, found.already_open, found.won_back) == (lapsed, lapsed, 0, 0)


def test_every_number_of_a_case_agrees_with_plain_arithmetic(session: Session) -> None:
    bring_orders(session, "northwind")
    as_of = detect_lapses(session).as_of
    for case in session.scalars(select(Case)):
        days = list(session.scalars(select(AccountDay.day).where(AccountDay.account_id == case.account_id)
                                    .order_by(AccountDay.day)))
        gap = median((later - earlier).days for earlier, later in pairwise(days))
        year = session.scalars(select(AccountDay.amount).where(
            AccountDay.account_id == case.account_id, AccountDay.day > days[-1] - timedelta(days=365)))
        assert (case.last_order_on, case.median_gap_days) == (days[-1], gap)
        assert case.overdue_ratio == pytest.approx((as_of - days[-1]).days / gap)
        assert case.yearly_value == pytest.approx(float(sum(year)))


def test_looking_again_opens_nothing(session: Session) -> None:
    bring_orders(session, "northwind")
    detect_lapses(session)
    again = detect_lapses(session)
    assert (again.opened, again.already_open, again.lapsed) == (0, 8, 8)


def test_an_earlier_day_finds_what_was_silent_then_and_a_later_one_what_came_back(session: Session) -> None:
    bring_orders(session, "northwind")
    earlier = detect_lapses(session, as_of=date(1997, 12, 31))
    later = detect_lapses(session)
    assert earlier.opened > 0
    assert later.won_back > 0
    assert later.open_cases == earlier.opened - later.won_back + later.opened == later.lapsed


def test_who_orders_while_the_others_are_looked_at_gets_no_case(session: Session) -> None:
    silent, returning = (make_account(session, external_id=name) for name in ("SILENT", "RETURNING"))
    for account in (silent, returning):
        _orders(session, account, 0, 10, 20)
    as_of = START + timedelta(days=90)
    seen = find_silences(session, as_of=as_of)
    _orders(session, returning, 85)
    found = detect_lapses(session, found=seen)
    assert list(session.scalars(select(Case.account_id))) == [silent.id]
    assert (len(seen.lapsed), found.opened) == (2, 1)


def test_looking_holds_up_nobody_who_saves(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.transaction() as session:
        _orders(session, make_account(session, external_id="SILENT"), 0, 10, 20)
        _orders(session, make_account(session, external_id="STEADY"), 0, 50, 100)

    def saving_meanwhile(session: Session, *, last_day: date) -> list[LossMonth]:
        with db.transaction() as other:  # SQLite would refuse this while a writing transaction is open
            make_account(other, external_id="NEW")
        return count_losses(session, last_day=last_day)

    monkeypatch.setattr("abm.winback.jobs.count_losses", saving_meanwhile)
    assert detect_apart().opened == 1
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 3
        assert session.scalar(select(func.count()).select_from(LossMonth)) == 13


@pytest.mark.parametrize(("days", "as_of", "is_lapsed"), [
    ((0, 10, 20), 40, False),
    ((0, 10, 20), 41, True),
    ((0, 10, 30), 60, False),
    ((0, 10, 30), 61, True),
    ((0, 10), 400, False),
    ((0, 0, 10), 400, False),
    ((0, 1, 2, 100), 190, True),
    ((0, 10, 20, 20), 41, True),
])
def test_lapsed_means_three_order_days_and_more_than_twice_the_median_gap(
        session: Session, days: tuple[int, ...], as_of: int, is_lapsed: bool) -> None:
    _orders(session, make_account(session), *days)
    assert detect_lapses(session, as_of=START + timedelta(days=as_of)).lapsed == is_lapsed


def test_cancelled_and_empty_orders_keep_no_account_alive(session: Session) -> None:
    account = make_account(session)
    _orders(session, account, 0, 10, 20)
    make_order(session, account, on=START + timedelta(days=45), is_cancelled=True)
    make_order(session, account, on=START + timedelta(days=45), amount="0")
    found = detect_lapses(session, as_of=START + timedelta(days=50))
    assert (found.opened, detect_lapses(session, as_of=START + timedelta(days=50)).won_back) == (1, 0)


def test_the_case_belongs_to_the_accounts_owner_and_carries_the_last_years_value(session: Session) -> None:
    owner = make_user(session)
    account = make_account(session, owner_id=owner.id)
    _orders(session, account, 0, 100, 200, 400, amount="12.3456")
    detect_lapses(session, as_of=START + timedelta(days=800))
    case = session.scalars(select(Case)).one()
    assert (case.owner_id, case.yearly_value) == (owner.id, pytest.approx(3 * 12.3456))


def test_an_order_after_the_silence_wins_the_case_back_with_the_first_such_order(session: Session) -> None:
    account = make_account(session)
    _orders(session, account, 0, 10, 20)
    detect_lapses(session, as_of=START + timedelta(days=60))
    first = make_order(session, account, on=START + timedelta(days=61))
    make_order(session, account, on=START + timedelta(days=63))
    assert detect_lapses(session, as_of=START + timedelta(days=64)).won_back == 1
    case = session.scalars(select(Case).execution_options(populate_existing=True)).one()
    assert (case.state, case.won_order_id) == ("won_back", first.id)


def test_an_order_after_the_day_looked_from_does_not_count(session: Session) -> None:
    account = make_account(session)
    _orders(session, account, 0, 10, 20, 61)
    assert detect_lapses(session, as_of=START + timedelta(days=60)).opened == 1
    assert detect_lapses(session, as_of=START + timedelta(days=60)).won_back == 0


def test_an_account_won_back_and_silent_again_gets_a_second_case(session: Session) -> None:
    account = make_account(session)
    _orders(session, account, 0, 10, 20)
    detect_lapses(session, as_of=START + timedelta(days=60))
    _orders(session, account, 61)
    found = detect_lapses(session, as_of=START + timedelta(days=200))
    assert (found.won_back, found.opened, found.open_cases) == (1, 1, 1)


def test_an_account_let_go_is_left_in_peace_until_it_orders(session: Session) -> None:
    account = make_account(session)
    _orders(session, account, 0, 10, 20)
    detect_lapses(session, as_of=START + timedelta(days=60))
    case = session.scalars(select(Case)).one()
    case.state, case.closed_at = "let_go", clock.now()
    session.flush()
    found = detect_lapses(session, as_of=START + timedelta(days=90))
    assert (found.lapsed, found.opened, found.let_go) == (1, 0, 1)


def test_opening_and_winning_stand_on_the_accounts_timeline(session: Session) -> None:
    account = make_account(session)
    _orders(session, account, 0, 10, 20)
    detect_lapses(session, as_of=START + timedelta(days=60))
    _orders(session, account, 61)
    detect_lapses(session, as_of=START + timedelta(days=62))
    case_id = session.scalars(select(Case.id)).one()
    lines = session.execute(select(AccountEvent.kind, AccountEvent.link).order_by(AccountEvent.id)).all()
    assert [tuple(line) for line in lines] == [("lapsed", f"/win-back/cases/{case_id}"),
                                               ("won_back", f"/win-back/cases/{case_id}")]


def test_without_orders_there_is_nothing_to_look_at(session: Session) -> None:
    with pytest.raises(Refused, match="import orders first"):
        detect_lapses(session)
