"""Orders, lines, and the rollup by account and day that every analysis reads."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Order(Base):
    """One order. Counted when it is not cancelled and its amount is above zero."""

    __tablename__ = "customer_order"
    __table_args__ = (
        Index("ix_customer_order_account", "account_id", "ordered_on"),
        Index("ix_customer_order_day", "ordered_on", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(200), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    ordered_on: Mapped[date]
    amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    margin_amount: Mapped[Decimal | None]
    status: Mapped[str | None] = mapped_column(String(40))
    is_cancelled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class OrderLine(Base):
    """One line; `line_key` is the line number given, else `sku#occurrence`."""

    __tablename__ = "order_line"
    __table_args__ = (UniqueConstraint("order_id", "line_key"), Index("ix_order_line_product", "product_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id", ondelete="CASCADE"))
    line_key: Mapped[str] = mapped_column(String(240))
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    quantity: Mapped[float | None]
    unit_price_amount: Mapped[Decimal | None]
    discount: Mapped[float | None]
    amount: Mapped[Decimal]


class AccountDay(Base):
    """What an account ordered on a day, counted orders only; kept up to date by imports and order entry."""

    __tablename__ = "account_day"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    orders: Mapped[int]
    amount: Mapped[Decimal]
    margin_amount: Mapped[Decimal]
    units: Mapped[float]
