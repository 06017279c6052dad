"""The same analysis by site, parent, product and region."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.analysis.actions import run_analysis
from abm.analysis.loading import topmost
from abm.analysis.models import FactorResult
from abm.analysis.queries import export_rows, latest_run
from abm.catalogue.models import Product
from abm.orders.models import OrderLine
from core import clock
from core.errors import Refused
from tests.factories import make_account, make_order


def by(session: Session, factor: str, **options: object) -> dict[str, FactorResult]:
    run = run_analysis(session, factor=factor, **options)  # type: ignore[arg-type]
    return {row.key: row for row in session.scalars(select(FactorResult).filter_by(run_id=run.id))}


@pytest.fixture
def group(session: Session) -> Session:
    """A head office with a site that has a site of its own, and a stranger."""
    head = make_account(session, external_id="HEAD", region="North")
    site = make_account(session, external_id="SITE", parent_id=head.id, region="South")
    deep = make_account(session, external_id="DEEP", parent_id=site.id, region=" South ")
    other = make_account(session, external_id="OTHER", region=None)
    for account, on, amount in ((head, 5, "100"), (site, 5, "20"), (deep, 6, "3"), (other, 7, "50")):
        make_order(session, account, on=date(2026, 1, on), amount=amount, margin_amount=Decimal(amount) / 4)
    return session


def test_a_parent_adds_up_everything_below_it(group: Session) -> None:
    rows = by(group, "parent")
    assert {key: (row.value, row.orders, row.order_days) for key, row in rows.items()} == {
        "HEAD": (123, 3, 2), "OTHER": (50, 1, 1)}


def test_sites_are_the_accounts_as_they_order(group: Session) -> None:
    assert {key: row.value for key, row in by(group, "site").items()} == {
        "HEAD": 100, "SITE": 20, "DEEP": 3, "OTHER": 50}


def test_regions_add_up_and_none_is_a_region_too(group: Session) -> None:
    rows = by(group, "region")
    assert {row.label: row.value for row in rows.values()} == {"North": 100, "South": 23, "Without a region": 50}


def test_a_region_does_not_leave_so_that_no_model_is_fitted(group: Session) -> None:
    run = run_analysis(group, factor="region")
    assert (run.totals or {})["bgnbd"]["r"] is None


@pytest.mark.parametrize(("value", "expected"), [
    ("revenue", {"P1": 60, "P2": 40}), ("margin", {"P1": 15, "P2": 10}), ("orders", {"P1": 2, "P2": 1}),
    ("units", {"P1": 7, "P2": 2})])
def test_products_by_every_value_from_the_lines_of_counted_orders(session: Session, value: str,
                                                                  expected: dict[str, float]) -> None:
    now = clock.now()
    products = [Product(sku=sku, name=f"Product {sku}", created_at=now, updated_at=now) for sku in ("P1", "P2")]
    session.add_all(products)
    session.flush()
    account = make_account(session)
    first = make_order(session, account, on=date(2026, 1, 5), amount="80", margin_amount=Decimal(20))
    second = make_order(session, account, on=date(2026, 1, 9), amount="20", margin_amount=Decimal(5))
    dropped = make_order(session, account, on=date(2026, 1, 9), amount="999", is_cancelled=True)
    for order, product, quantity, amount in ((first, 0, 3, 40), (first, 1, 2, 40), (second, 0, 4, 20),
                                             (dropped, 1, 9, 999)):
        session.add(OrderLine(order_id=order.id, line_key=f"{product}", product_id=products[product].id,
                              quantity=quantity, amount=Decimal(amount)))
    session.flush()
    assert {key: row.value for key, row in by(session, "product", value_kind=value).items()} == expected


def test_without_lines_there_is_nothing_to_say_about_products(group: Session) -> None:
    with pytest.raises(Refused, match="order lines"):
        run_analysis(group, factor="product")


def test_pages_and_lists_go_on_by_the_latest_run_by_account(group: Session) -> None:
    first = run_analysis(group)
    run_analysis(group, factor="parent")
    assert latest_run(group) is first


def test_an_export_by_factor_has_the_contracts_columns_after_the_key(group: Session) -> None:
    rows = list(export_rows(group, run_analysis(group, factor="parent")))
    assert [row[:3] for row in rows] == [("HEAD", 3, 123.0), ("OTHER", 1, 50.0)]


def test_a_circle_of_parents_ends_at_its_smallest_member() -> None:
    import numpy as np

    assert topmost(np.array([0, 0, 1, 4, 5, 3])).tolist() == [0, 0, 0, 3, 3, 3]
