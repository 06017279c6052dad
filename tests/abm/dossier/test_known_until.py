"""A company whose orders ended long ago is measured from the day until which they are known."""

import json
from datetime import date

import pytest

from abm.analysis.actions import run_analysis
from abm.cli import main
from abm.dossier.known import orders_known_until
from abm.orders.models import OrderLine
from core import db
from tests.abm.dossier.test_white_space import make_product
from tests.factories import make_account, make_order

TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(("last", "until"), [
    (date(2026, 6, 14), TODAY), (date(2026, 5, 16), TODAY), (date(2026, 5, 15), date(2026, 5, 15)),
    (date(1998, 5, 6), date(1998, 5, 6)), (date(2026, 9, 1), TODAY),
])
def test_a_month_without_any_order_ends_what_is_known(session, last, until):
    make_order(session, make_account(session), on=last)
    assert orders_known_until(session, today=TODAY) == until


def test_without_orders_it_is_today(session):
    assert orders_known_until(session, today=TODAY) == TODAY


@pytest.fixture
def ended(database):
    """Ten companies that ordered until May 1998; all but the first bought sugar too."""
    with db.transaction() as session:
        salt, sugar = make_product(session, "S1", "Salt"), make_product(session, "S2", "Sugar")
        parent = None
        for number in range(10):
            account = make_account(session, name=f"Company {number}", external_id=f"C{number}", industry="Food",
                                   parent_id=parent if number == 1 else None)
            parent = parent or account.id
            for month in (2, 3, 4, 5):
                order = make_order(session, account, on=date(1998, month, 6), amount="100")
                product = sugar if number and month == 5 else salt
                session.add(OrderLine(order_id=order.id, line_key="1", product_id=product.id, amount=100, quantity=2))
        run_analysis(session, value_kind="units")
        return parent


def test_its_page_shows_white_space_sites_and_the_next_order_of_that_time(client_as, ended):
    client = client_as("viewer")
    page = client.get(f"/accounts/{ended}").text
    assert "orders known until 6 May 1998" in page
    assert "days overdue" not in page
    assert "on 6 May 1998" in page
    assert "units in all" in page
    assert "EUR in all" not in page
    grid = client.get(f"/accounts/{ended}/white-space").text
    assert "Sugar" in grid
    assert "gap" in grid
    assert "800 EUR" in client.get(f"/accounts/{ended}/dossier").text


def test_the_command_says_until_when_orders_are_known(ended, capsys):
    assert main(["account", "show", "C0", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["orders_known_until"] == "1998-05-06"
    assert facts["rolled_up"]["value"] == {"sum": 800.0, "mean": 400.0, "max": 400.0}
    assert [row["category"] for row in facts["white_space"]] == []  # its site buys what it does not
