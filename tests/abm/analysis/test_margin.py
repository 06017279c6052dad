"""Ranked by margin, where accounts may bring a loss, nothing at all, or where nobody wrote the margin down."""

from datetime import date
from decimal import Decimal

import pytest

from abm.accounts.models import Account
from abm.analysis.actions import run_analysis
from abm.analysis.findings import portfolio_finding, segment_finding
from abm.analysis.portfolio_chart import draw
from abm.analysis.shares import whole_of
from core import db
from tests.factories import make_account, make_order

# account -> margins of its orders, one a month from January; 100 of sales each
MARGINS = {"GAIN": ["60", "40"], "SMALL": ["25"], "EVEN": ["10", "-10"], "LOSS": ["-70", "-80"], "UNKNOWN": [None]}


def keep(margins: dict[str, list[str | None]]) -> int:
    with db.transaction() as session:
        for name, own in margins.items():
            account = make_account(session, external_id=name, region=name.lower())
            for month, margin in enumerate(own, start=1):
                make_order(session, account, on=date(2026, month, 5), amount="100",
                           margin_amount=None if margin is None else Decimal(margin))
        return run_analysis(session, value_kind="margin", period="month").id


@pytest.fixture
def run_id(database):
    return keep(MARGINS)


def page(client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return " ".join(response.get_data(as_text=True).split())


def test_shares_of_cells_are_of_those_that_are_ranked_and_the_others_are_counted_beside(client_as, run_id):
    text = page(client_as("viewer"), "/analysis")
    assert "AX: 1 accounts, 80.0 % of margin" in text
    assert "BY: 1 accounts, 20.0 % of margin" in text
    assert "3 accounts without margin above zero" in text
    assert "-150" in text  # what these come to


def test_orders_without_a_margin_are_said(client_as, run_id):
    assert "1 order has no margin on file and counts as 0" in page(client_as("viewer"), "/analysis")


def test_the_table_shows_those_without_a_class_alone(client_as, run_id):
    text = page(client_as("viewer"), "/analysis/accounts?abc=none")
    assert {name for name in MARGINS if f">{name}<" in text} == {"EVEN", "LOSS", "UNKNOWN"}


def test_a_loss_opens_into_its_arithmetic(client_as, run_id):
    with db.reading() as session:
        loss = session.query(Account).filter_by(external_id="LOSS").one().id
    for drawer in ("class", "steadiness", "scores", "rhythm", "share-growth"):
        page(client_as("viewer"), f"/analysis/why/{loss}/{drawer}?run={run_id}")


@pytest.mark.parametrize("factor", ["account", "site", "parent", "region"])
@pytest.mark.parametrize("margins", [MARGINS, {"LOSS": ["-5", "-6"], "EVEN": ["0"]}, {"UNKNOWN": [None, None]}])
def test_every_page_opens_whatever_the_margins_are(client_as, database, factor, margins):
    keep(margins)
    with db.transaction() as session:
        run_analysis(session, value_kind="margin", factor=factor)
    client = client_as("viewer")
    page(client, f"/analysis?by={factor}")
    page(client, f"/analysis/accounts?by={factor}")


def test_a_company_without_margins_is_told_to_import_them(client_as, database):
    keep({"UNKNOWN": [None, None]})
    assert "No order has a margin on file" in page(client_as("viewer"), "/analysis")


def row(name: str, *, year: float, before: float, share: float) -> object:
    kept = {"id": 1, "name": name, "quadrant": "dog", "year_value": year, "year_before_value": before,
            "relative_share": share}
    return type("Row", (), kept)()


def test_a_loss_of_the_last_year_has_no_place_in_the_matrix_of_share_and_growth():
    drawing = draw([row("a", year=100, before=50, share=2), row("b", year=-20, before=50, share=-0.2)],
                   share_line=0.25, growth_line=0.1)
    assert [dot.name for dot in drawing["dots"]] == ["a"]


def test_a_segment_brings_its_gains_as_a_share_of_all_gains():
    facts = {"cells": {"AZ": {"accounts": 1, "value": 100.0}, "BZ": {"accounts": 1, "value": 25.0}}, "ranked": 2,
             "segments": {"champions": {"accounts": 2, "value": 30.0, "gain": 100.0}}}
    totals = {"value": -25.0, "accounts": 5}
    assert segment_finding(totals, facts, "margin", "accounts") == "2 champions bring 80 % of margin"
    found = whole_of(totals, facts)
    assert (found.value, found.unranked, found.unranked_value) == (125.0, 3, -150.0)


def test_quadrants_with_losses_say_shares_of_what_was_gained():
    facts = {"quadrants": {"star": {"accounts": 1, "value": 100.0, "gain": 100.0},
                           "gone": {"accounts": 1, "value": -60.0, "gain": 0.0}}}
    assert portfolio_finding(facts, "margin", "accounts") == "1 star brings 100 % of the last year's margin"
