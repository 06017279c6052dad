"""Partners, their people, and their share: accounts, tasks and the orders they brought."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Partner(Base):
    """An organisation that sells for us. What it may see of its accounts beyond their names, its tasks and its own
    orders is said here: the people there, and the orders that others brought."""

    __tablename__ = "partner"
    __table_args__ = (CheckConstraint("kind IN ('distributor','wholesaler','agent','dealer')", name="kind"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(20), default="distributor")
    region: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(String(2000), default="")
    sees_people: Mapped[bool] = mapped_column(default=False)
    sees_all_orders: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class PartnerUser(Base):
    """A user with the role partner belongs to one partner."""

    __tablename__ = "partner_user"
    __table_args__ = (Index("ix_partner_user_partner", "partner_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True)
    partner_id: Mapped[int] = mapped_column(ForeignKey("partner.id", ondelete="CASCADE"))


class PartnerAccount(Base):
    """An account that a partner looks after; at most one partner does."""

    __tablename__ = "partner_account"
    __table_args__ = (Index("ix_partner_account_partner", "partner_id"),)

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    partner_id: Mapped[int] = mapped_column(ForeignKey("partner.id", ondelete="CASCADE"))
    assigned_at: Mapped[datetime]
    assigned_by: Mapped[str] = mapped_column(String(200), default="")


class PartnerTask(Base):
    """A task given to a partner; its owner stays the colleague who answers for it. Seen by the partner only while its
    account is the partner's."""

    __tablename__ = "partner_task"
    __table_args__ = (Index("ix_partner_task_partner", "partner_id"),)

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    partner_id: Mapped[int] = mapped_column(ForeignKey("partner.id", ondelete="CASCADE"))
    given_at: Mapped[datetime]
    given_by: Mapped[str] = mapped_column(String(200), default="")


class PartnerOrder(Base):
    """An order that a partner brought. `user_id`: who entered it."""

    __tablename__ = "partner_order"
    __table_args__ = (Index("ix_partner_order_partner", "partner_id"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id", ondelete="CASCADE"), primary_key=True)
    partner_id: Mapped[int] = mapped_column(ForeignKey("partner.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(Id)
    entered_at: Mapped[datetime]
