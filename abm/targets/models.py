"""Target lists and their members."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class TargetList(Base):
    """A list by rules (dynamic) or by hand (static). `name` is what files and campaigns say."""

    __tablename__ = "target_list"
    __table_args__ = (CheckConstraint("kind IN ('static','dynamic')", name="kind"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))
    who: Mapped[dict[str, Any] | None]
    top: Mapped[dict[str, Any] | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    member_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    refreshed_at: Mapped[datetime | None]


class ListMember(Base):
    """An account in a list, since when and how (rule, hand)."""

    __tablename__ = "list_member"

    list_id: Mapped[int] = mapped_column(ForeignKey("target_list.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True)
    added_at: Mapped[datetime]
    how: Mapped[str] = mapped_column(String(10), default="rule")


class ContactAddress(Base):
    """Keyed digests of a person's address and its domain, as stops are kept; made again when the person changes."""

    __tablename__ = "contact_address"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    address_key: Mapped[str] = mapped_column(String(40), index=True)
    domain_key: Mapped[str] = mapped_column(String(40), index=True)
    made_at: Mapped[datetime]
