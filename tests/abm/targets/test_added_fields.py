"""Fields that other areas add: of a joined table, and named by the data."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.orders.models import Order
from abm.targets import sources
from abm.targets.explain import explain_rules
from abm.targets.extending import add_account_fields, add_field_family
from abm.targets.files import ListDefinition
from abm.targets.previews import preview, select_by_rules
from abm.targets.rule_tree import Top
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary, make_scope
from abm.targets.sources import Column, FamilySource, Join, make_vocabulary
from abm.targets.vocabulary import Family, Field, FieldType
from core.db import MONEY_SCALE
from core.errors import InvalidInput
from tests.factories import make_account, make_order

_TOTALS = select(Order.account_id, func.count().label("orders")).group_by(Order.account_id).subquery("totals")


def _amount_in(currency: str) -> Column:
    total = select(func.sum(Order.amount)).where(Order.account_id == Account.id, Order.currency == currency)
    return Column(total.correlate(Account).scalar_subquery(), scale=MONEY_SCALE)


@pytest.fixture(autouse=True)
def _added(session: Session) -> Iterator[None]:
    """Two customers with two and no orders; the fields are taken away again."""
    kept = dict(sources._sources), dict(sources._families)
    add_account_fields({"totals.orders": (
        Field("totals.orders", "orders in total", FieldType.NUMBER, "Totals"),
        Column(_TOTALS.c.orders, join=Join("totals", _TOTALS, lambda scope: _TOTALS.c.account_id == Account.id)))})
    add_field_family(FamilySource(
        Family("spent.", "Spent"), _amount_in,
        lambda asked: {each: f"spent in {each}" for each in asked.scalars(select(Order.currency).distinct())}))
    buyer, _ = make_account(session, external_id="X1"), make_account(session, external_id="X2")
    for day in (1, 2):
        make_order(session, buyer, on=date(2026, 1, day), amount="50.00", currency="EUR")
    yield
    for registry, before in zip((sources._sources, sources._families), kept, strict=True):
        registry.clear()
        registry.update(before)


def _members(session: Session, who: dict[str, Any], top: Top | None = None) -> set[str]:
    found = select_by_rules(session, rule=read_rules(who, get_vocabulary(session)), top=top)
    return set(session.scalars(select(Account.external_id).where(Account.id.in_(found.correlate(None)))))


def test_a_joined_field_is_judged_like_any_other(session: Session) -> None:
    assert _members(session, {"field": "totals.orders", "at_least": 2}) == {"X1"}
    assert _members(session, {"not": {"field": "totals.orders", "at_least": 2}}) == {"X2"}


def test_a_field_named_by_the_data_is_judged_and_ranked_by(session: Session) -> None:
    assert _members(session, {"field": "spent.EUR", "more_than": 99}) == {"X1"}
    assert _members(session, {"field": "account.name", "is_known": True}, Top("spent.EUR", 1)) == {"X1"}


def test_a_name_that_the_data_does_not_have_is_refused_with_the_nearest(session: Session) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_rules({"field": "spent.EUX", "more_than": 1}, get_vocabulary(session))

    assert refused.value.fields == {"who.field": '"spent.EUX" is not a field here, did you mean "spent.EUR"?'}


def test_a_kept_list_lives_on_when_its_name_is_gone_from_the_data(session: Session) -> None:
    rule = read_rules({"field": "spent.XXX", "is_known": True}, make_vocabulary())

    assert preview(session, ListDefinition("gone", "Gone", rule)).accounts == 0


def test_an_explanation_shows_the_account_s_own_value(session: Session) -> None:
    rule = read_rules({"all": [{"field": "totals.orders", "at_least": 2}, {"field": "spent.EUR", "is": 100}]},
                      get_vocabulary(session))
    account = session.scalars(select(Account.id).where(Account.external_id == "X1")).one()

    found = explain_rules(session, rule=rule, account_id=account, scope=make_scope(session))

    assert found.is_in
    assert [line.value for line in found.lines[1:]] == [2, 100]
