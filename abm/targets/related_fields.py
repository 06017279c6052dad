"""What accounts have, for `has:`: people, orders and order lines."""

from typing import Any

from sqlalchemy import ColumnElement, and_, join, not_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from abm.catalogue.models import Product
from abm.contacts.models import Contact
from abm.orders.models import Order, OrderLine
from abm.targets.addressing import CAN_EMAIL, may_be_emailed
from abm.targets.sources import Column, Source, make_fields, register
from abm.targets.vocabulary import FieldType, Subject
from campaigns.consent_expiry import KINDS
from core.db import MONEY_SCALE

_T, _N, _D, _B = FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.TRUTH
BASES = ("consent", "contract", "legitimate_interest", "none")
NEEDS_ADDRESSES = frozenset({"contact.can_email"})


_contact, _order, _line = Contact.__table__.c, Order.__table__.c, OrderLine.__table__.c
_product = Product.__table__.c


def _columns(prefix: str, own: ReadOnlyColumnCollection[str, Any], *names: str) -> dict[str, Column]:
    return {f"{prefix}.{name}": Column(own[name]) for name in names}


def _money(column: ColumnElement[Any]) -> Column:
    return Column(column, scale=MONEY_SCALE)


_CONTACT = make_fields(
    "contact", "People",
    ("buying_role", "buying role", _T), ("title", "job title", _T), ("department", "department", _T),
    ("can_email", "permission to be e-mailed", _B), ("lawful_basis", "lawful basis", _T, BASES),
    ("language", "language", _T), ("email", "e-mail address", _T), ("phone", "phone", _T),
    ("first_name", "first name", _T),
    ("last_name", "last name", _T), ("influence", "influence", _N), ("attitude", "attitude", _T),
    ("timezone", "time zone", _T), ("basis_source", "source of the basis", _T), ("basis_at", "day of the basis", _D),
    ("consent_kind", "kind of consent", _T, KINDS),
    ("is_active", "still there", _B), ("contact_id", "contact id", _T), ("created_at", "day they came in", _D),
)
register(Source(
    Subject("contact", "person", "people", _CONTACT, "contact.custom."),
    Contact.__table__, _contact.account_id,
    {**_columns("contact", _contact, "buying_role", "title", "department", "lawful_basis", "language", "email", "phone",
                "first_name", "last_name", "influence", "attitude", "timezone", "basis_source", "consent_kind",
                "is_active"),
     "contact.basis_at": Column(_contact.basis_at, is_moment=True),
     "contact.created_at": Column(_contact.created_at, is_moment=True),
     "contact.contact_id": Column(_contact.external_id),
     "contact.can_email": Column(lambda scope: may_be_emailed(scope.today), follows=("contact", CAN_EMAIL))},
    custom=_contact.custom, usual=Contact.is_active.is_(True), lifted_by=frozenset({"contact.is_active"}),
    follows=("contact",),
))

_ORDER = make_fields(
    "order", "Orders",
    ("ordered_on", "order day", _D), ("amount", "amount", _N), ("margin", "margin", _N), ("currency", "currency", _T),
    ("status", "status", _T), ("is_cancelled", "cancelled", _B), ("order_id", "order id", _T),
)
_COUNTED: ColumnElement[bool] = and_(not_(Order.is_cancelled), Order.amount > 0)
_NOT_COUNTED_TOO = frozenset({"order.status", "order.is_cancelled"})
register(Source(
    Subject("order", "order", "orders", _ORDER), Order.__table__, _order.account_id,
    {**_columns("order", _order, "ordered_on", "currency", "status", "is_cancelled"),
     "order.amount": _money(_order.amount), "order.margin": _money(_order.margin_amount),
     "order.order_id": Column(_order.external_id)},
    usual=_COUNTED, lifted_by=_NOT_COUNTED_TOO, follows=("customer_order",),
))

_LINES = make_fields(
    "order_line", "Order lines",
    ("sku", "product's SKU", _T), ("product", "product", _T), ("category", "product category", _T),
    ("quantity", "quantity", _N), ("amount", "line amount", _N), ("ordered_on", "order day", _D),
)
register(Source(
    Subject("order_line", "order line", "order lines", _LINES),
    join(join(OrderLine.__table__, Order.__table__), Product.__table__, OrderLine.product_id == Product.id),
    _order.account_id,
    {"order_line.sku": Column(_product.sku), "order_line.product": Column(_product.name),
     "order_line.category": Column(_product.category), "order_line.quantity": Column(_line.quantity),
     "order_line.amount": _money(_line.amount), "order_line.ordered_on": Column(_order.ordered_on)},
    usual=_COUNTED, follows=("customer_order", "order_line", "product"),
))
