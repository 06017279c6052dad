"""Offers, who was granted one, and who took it."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Offer(Base):
    """A promise with a cost, a limit and a validity. `name` is what a campaign file says."""

    __tablename__ = "offer"
    __table_args__ = (
        CheckConstraint("kind IN ('discount','gift','service','upgrade','credit','guarantee','priority','information',"
                        "'maintenance','repair')", name="kind"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    terms: Mapped[str] = mapped_column(Text, default="")
    cause: Mapped[str | None] = mapped_column(String(40))
    rung: Mapped[int] = mapped_column(default=1)
    cost_amount: Mapped[Decimal]
    currency: Mapped[str] = mapped_column(String(3))
    limit_count: Mapped[int | None]
    granted_count: Mapped[int] = mapped_column(default=0)
    redeemed_count: Mapped[int] = mapped_column(default=0)
    valid_from: Mapped[date]
    valid_until: Mapped[date]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class OfferGrant(Base):
    """The code given to one account for one offer; `campaign_id`: of the campaign that promised it, None where a person
    did."""

    __tablename__ = "offer_grant"
    __table_args__ = (UniqueConstraint("offer_id", "account_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    contact_id: Mapped[int | None] = mapped_column(Id)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    granted_at: Mapped[datetime]
    expires_on: Mapped[date]
    campaign_id: Mapped[int | None] = mapped_column(Id, index=True)


class CodeAlias(Base):
    """A code that was given before two accounts became one: it still works, as the code of the grant that stayed."""

    __tablename__ = "code_alias"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    grant_id: Mapped[int] = mapped_column(ForeignKey("offer_grant.id", ondelete="CASCADE"), index=True)


class Redemption(Base):
    """A grant taken up with an order: one per grant, one per order and offer."""

    __tablename__ = "redemption"
    __table_args__ = (UniqueConstraint("grant_id"), UniqueConstraint("offer_id", "order_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offer.id", ondelete="CASCADE"))
    grant_id: Mapped[int] = mapped_column(ForeignKey("offer_grant.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id", ondelete="CASCADE"))
    redeemed_at: Mapped[datetime]
    redeemed_by: Mapped[str] = mapped_column(String(200), default="")
