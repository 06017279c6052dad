"""White space against peers, sources, and the sheet, on a real database."""

from datetime import timedelta
from decimal import Decimal

import pytest

from abm.analysis.actions import run_analysis
from abm.catalogue.models import Product
from abm.company.queries import company_today
from abm.dossier.peers import find_peers, read_grid
from abm.orders.models import OrderLine
from core import clock, db
from tests.abm.contacts.test_centre_map import count_queries
from tests.factories import make_account, make_contact, make_order


def make_product(session, sku, category):
    product = Product(sku=sku, name=f"Product {sku}", category=category, created_at=clock.now(), updated_at=clock.now())
    session.add(product)
    session.flush()
    return product


def buy(session, account, product, amount, *, ago=30, **values):
    order = make_order(session, account, on=company_today(session) - timedelta(days=ago), amount=str(amount), **values)
    session.add(OrderLine(order_id=order.id, line_key="1", product_id=product.id, amount=Decimal(amount), quantity=2))
    session.flush()


@pytest.fixture
def market(database):
    """One food company and ten peers; all buy salt, half of the peers buy sugar."""
    with db.transaction() as session:
        salt, sugar = make_product(session, "S1", "Salt"), make_product(session, "S2", "Sugar")
        own = make_account(session, name="Own", industry="Food", employees=100, source="fair")
        buy(session, own, salt, 70)
        buy(session, own, sugar, 500, ago=800)
        buy(session, own, sugar, 500, is_cancelled=True)
        for number in range(10):
            peer = make_account(session, industry="Food", employees=90 + number, source="referral")
            buy(session, peer, salt, 10)
            if number % 2:
                buy(session, peer, sugar, 10 * number)
        other = make_account(session, industry="Steel", employees=100)
        buy(session, other, sugar, 9_999)
        return own.id


def grid_of(account_id):
    from abm.accounts.queries import get_account

    with db.reading() as session:
        return read_grid(session, get_account(session, account_id), today=company_today(session))


def test_a_category_that_half_of_the_peers_buy_is_a_gap(market):
    grid = grid_of(market)
    rows = {row.category: row for row in grid.rows}
    assert (grid.peers.count, grid.peers.is_fallback) == (10, False)
    assert (rows["Sugar"].buying_peers, rows["Sugar"].median, rows["Sugar"].total) == (5, 50.0, 0)
    assert [row.category for row in grid.gaps] == ["Sugar"]
    assert rows["Salt"].by_site == {market: 70.0}


def test_without_enough_peers_of_the_industry_the_comparison_is_wider_and_says_so(client_as, market):
    with db.transaction() as session:
        lonely = make_account(session, industry="Glass", employees=5)
        lonely_id = lonely.id
        peers = find_peers(session, lonely, but=[lonely.id], since=company_today(session) - timedelta(days=730))
    assert (peers.count, peers.is_fallback) == (12, True)
    assert "compared across industries" in client_as("viewer").get(f"/accounts/{lonely_id}/white-space").text


def test_a_cell_opens_into_its_numbers(client_as, market):
    client = client_as("viewer")
    gap = client.get(f"/accounts/{market}/white-space/cell?category=Sugar&site={market}").text
    assert "5 of 10 peers buy" in gap
    assert "25 EUR" in gap
    bought = client.get(f"/accounts/{market}/white-space/cell?category=Salt&site={market}").text
    assert "Product S1" in bought
    assert client.get(f"/accounts/{market}/white-space/cell?category=Nothing").status_code == 404


def test_the_grid_is_exported(client_as, market):
    text = client_as("sales").get(f"/accounts/{market}/white-space/export.csv").text
    assert text.splitlines()[0] == "category,Own,peers,buying_peers,share,mean,median"
    assert text.splitlines()[1] == "Sugar,0.0,10,5,0.5,50.0,50.0"


def test_each_source_shows_what_it_brought_in(client_as, market):
    with db.transaction() as session:
        run_analysis(session)
        make_contact(session, basis_source="fair 2026")
    client = client_as("sales")
    lines = client.get("/sources/export.csv").text.splitlines()
    assert lines[0] == "source,accounts,buyers,orders,value,value_per_account,lapsed"
    assert {line.split(",")[0]: line.split(",")[1:5] for line in lines[1:]} == {
        "not known": ["2", "1", "1", "9999.0"], "fair": ["1", "1", "2", "570.0"],
        "referral": ["10", "10", "15", "350.0"]}
    assert "fair 2026,1,1,1" in client.get("/sources/people/export.csv").text
    assert "Not known brought the most" in client.get("/sources").text


def test_what_sellers_should_know_about_a_product_is_kept(client_as, market):
    from abm.catalogue.queries import find_product_by_sku

    client = client_as("sales")
    with db.reading() as session:
        product_id = find_product_by_sku(session, "S1").id
    client.post(f"/products/{product_id}", data={"application": "For curing", "availability_note": "Two weeks"})
    text = client_as("viewer").get(f"/products/{product_id}").text
    assert "For curing" in text
    assert "Two weeks" in text
    assert client_as("viewer").post(f"/products/{product_id}", data={"application": "x"}).status_code == 403


def test_the_sheet_and_every_tab_answer_for_a_full_and_for_an_empty_account(client_as, market):
    with db.transaction() as session:
        empty_id = make_account(session, name="Empty").id
        run_analysis(session)
    client = client_as("viewer")
    for account_id in (market, empty_id):
        for part in ("", "/people", "/orders", "/scores", "/dossier", "/outreach", "/timeline", "/sheet"):
            assert client.get(f"/accounts/{account_id}{part}").status_code == 200, part


@pytest.mark.parametrize(("part", "most"), [
    ("", 32), ("/people", 26), ("/orders", 26), ("/dossier", 30), ("/timeline", 26), ("/white-space", 16),
])
def test_a_tab_needs_few_queries(client_as, market, part, most):
    client = client_as("viewer")
    assert count_queries(lambda: client.get(f"/accounts/{market}{part}")) <= most
