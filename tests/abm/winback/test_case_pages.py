"""Win-back in the browser."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from abm.offers.models import OfferGrant
from abm.winback.detection import detect_lapses
from abm.winback.jobs import detect
from abm.winback.models import Case, LossMonth
from core import db
from core.jobs import JobQueue, waiting_jobs
from tests.abm.offers.offering import make_offer
from tests.abm.winback.companies import bring_orders
from tests.factories import make_account, make_order, make_user

START = date(2026, 1, 1)


@pytest.fixture(autouse=True)
def _june(at: Callable[[datetime], None]) -> None:
    at(datetime(2026, 6, 10, 10, tzinfo=UTC))


@pytest.fixture
def seller(client_as: Callable[..., Any]) -> Any:
    return client_as("sales")


@pytest.fixture
def case_id(database: object) -> int:
    """An open case of Alfreds, 40 days silent against a gap of 10."""
    with db.transaction() as session:
        account = make_account(session, name="Alfreds", industry="Retail", country="DE")
        for day in (0, 10, 20):
            make_order(session, account, on=START + timedelta(days=day), amount="500")
        detect_lapses(session, as_of=START + timedelta(days=60))
        return session.scalars(select(Case.id)).one()


def _case(case_id: int) -> Case:
    with db.reading() as session:
        case = session.get_one(Case, case_id)
        session.expunge_all()
        return case


def test_an_installation_without_orders_says_what_to_bring(seller: Any) -> None:
    assert "Bring orders" in seller.get("/win-back").text
    assert "import orders first" in seller.post("/win-back/detect", follow_redirects=True).text


def test_looking_from_the_page_opens_cases_and_draws_the_year(seller: Any) -> None:
    with db.transaction() as session:
        bring_orders(session, "northwind")
    page = seller.post("/win-back/detect", follow_redirects=True).text
    assert "8 accounts are lapsed as of 1998-05-06: 8 cases opened" in page
    assert "8 accounts are lapsed on 1998-05-06" in page
    with db.reading() as session:
        assert session.scalars(select(LossMonth.lapsed).order_by(LossMonth.ended_on)).all()[-1] == 8


def test_with_many_accounts_the_look_goes_on_in_the_background(seller: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with db.transaction() as session:
        bring_orders(session, "northwind")
    monkeypatch.setattr("abm.winback.pages.AT_ONCE", 10)
    page = seller.post("/win-back/detect", follow_redirects=True).text
    assert "in the background" in page
    assert waiting_jobs("winback_detect-", JobQueue.GENERAL) == 1
    assert "every 2s" in seller.get("/win-back/look?after=0").text
    detect()
    found = seller.get("/win-back/look?after=0").text
    assert "8 accounts are lapsed as of 1998-05-06" in found
    assert "every 2s" not in found


@pytest.mark.parametrize("path", ["/win-back", "/win-back?by=owner", "/win-back/cases", "/win-back/results"])
def test_pages_show_the_case(seller: Any, case_id: int, path: str) -> None:
    page = seller.get(path)
    assert (page.status_code, "1,500 EUR" in page.text) == (200, True)


@pytest.mark.parametrize(("query", "is_shown"), [
    ("state=unclosed", True), ("state=won_back", False), ("industry=Retail", True), ("industry=Food", False),
    ("country=DE", True), ("q=alf", True), ("q=zzz", False), ("cause=unknown", True), ("cause=price", False),
])
def test_filters_narrow_the_cases(seller: Any, case_id: int, query: str, is_shown: bool) -> None:
    assert ("Alfreds" in seller.get(f"/win-back/cases?{query}").text) == is_shown


def test_a_case_shows_its_arithmetic(seller: Any, case_id: int) -> None:
    page = seller.get(f"/win-back/cases/{case_id}").text
    assert "40 / 10.0 = 4.00" in page


def test_a_cause_is_saved_and_logged(seller: Any, case_id: int) -> None:
    page = seller.post(f"/win-back/cases/{case_id}/cause", data={"cause": "price", "cause_note": "Too dear"},
                       follow_redirects=True).text
    assert (_case(case_id).cause, "Cause of loss: price" in page) == ("price", True)


def test_a_wrong_cause_is_named_and_the_note_is_kept(seller: Any, case_id: int) -> None:
    answer = seller.post(f"/win-back/cases/{case_id}/cause", data={"cause": "", "cause_note": "Too dear"})
    assert answer.status_code == 422
    assert "Choose the cause of the loss" in answer.text
    assert "Too dear" in answer.text
    assert _case(case_id).cause is None


def test_only_offers_that_fit_the_cause_and_are_left_can_be_chosen(seller: Any, case_id: int) -> None:
    with db.transaction() as session:
        fitting = make_offer(session, title="For price", cause="price")
        other = make_offer(session, title="For quality", cause="quality")
        used_up = make_offer(session, title="Used up", limit_count=1, granted_count=1)
    seller.post(f"/win-back/cases/{case_id}/cause", data={"cause": "price"})
    page = seller.get(f"/win-back/cases/{case_id}").text
    assert [title in page for title in ("For price", "For quality", "Used up")] == [True, False, False]
    for offer in (other, used_up):
        assert seller.post(f"/win-back/cases/{case_id}/offer", data={"offer_id": offer.id}).status_code == 422
    seller.post(f"/win-back/cases/{case_id}/offer", data={"offer_id": fitting.id})
    assert (_case(case_id).state, _case(case_id).offer_id) == ("offered", fitting.id)


def test_a_code_is_given_by_hand_once(seller: Any, case_id: int) -> None:
    with db.transaction() as session:
        offer = make_offer(session)
    seller.post(f"/win-back/cases/{case_id}/offer", data={"offer_id": offer.id})
    seller.post(f"/win-back/cases/{case_id}/code")
    page = seller.post(f"/win-back/cases/{case_id}/code", follow_redirects=True).text
    with db.reading() as session:
        assert session.scalars(select(OfferGrant.code)).one() in page


def test_letting_go_needs_a_reason_and_closes_the_case(seller: Any, case_id: int) -> None:
    assert seller.post(f"/win-back/cases/{case_id}/let-go", data={"reason": " "}).status_code == 422
    seller.post(f"/win-back/cases/{case_id}/let-go", data={"reason": "Closed down"})
    assert _case(case_id).state == "let_go"
    assert seller.post(f"/win-back/cases/{case_id}/cause", data={"cause": "price"}).status_code == 409


def test_a_case_can_be_given_to_somebody(seller: Any, case_id: int) -> None:
    with db.transaction() as session:
        owner = make_user(session, name="Olga")
    page = seller.post(f"/win-back/cases/{case_id}/owner", data={"owner_id": owner.id}, follow_redirects=True).text
    assert "Olga looks after the win-back" in page


def test_cases_can_be_downloaded(seller: Any, case_id: int) -> None:
    lines = seller.get("/win-back/cases.csv").text.splitlines()
    assert lines[0].startswith("case_id,account_id,account,state,last_order_on")
    assert ",Alfreds,open,2026-01-21,10.0,4.0,1500.0," in lines[1]


def test_a_viewer_sees_but_changes_nothing(client_as: Callable[..., Any], case_id: int) -> None:
    viewer = client_as("viewer")
    assert viewer.get(f"/win-back/cases/{case_id}").status_code == 200
    assert viewer.post(f"/win-back/cases/{case_id}/let-go", data={"reason": "x"}).status_code == 403
