"""Target lists and their members."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class TargetList(Base):
    """A list by rules (dynamic) or by hand (static). `name` is what files and campaigns say. `judged_by`: a digest of
    everything but the data that the members were last judged by (rules, analysis, day); null: judge everybody anew."""

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
    judged_by: Mapped[str | None] = mapped_column(String(64))


class ListMember(Base):
    """An account in a list, since when and how (rule, hand)."""

    __tablename__ = "list_member"

    list_id: Mapped[int] = mapped_column(ForeignKey("target_list.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True)
    added_at: Mapped[datetime]
    how: Mapped[str] = mapped_column(String(10), default="rule")


class ListSpell(Base):
    """An account's stay in a list, from entering to leaving (null: still in): who was in on any day. `how`: rule, hand
    or veto."""

    __tablename__ = "list_spell"
    __table_args__ = (
        Index("uq_list_spell_open", "list_id", "account_id", unique=True, sqlite_where=text("left_at IS NULL"),
              postgresql_where=text("left_at IS NULL")),
        Index("ix_list_spell_entered", "list_id", "entered_at"), Index("ix_list_spell_left", "list_id", "left_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("target_list.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    entered_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    entered_how: Mapped[str] = mapped_column(String(10), default="rule")
    left_how: Mapped[str | None] = mapped_column(String(10))


class ListVeto(Base):
    """Sales keeps an account out of a list up to and including a day. `was_member`: a list by hand takes it back."""

    __tablename__ = "list_veto"
    __table_args__ = (
        Index("uq_list_veto_active", "list_id", "account_id", unique=True, sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("target_list.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(String(500))
    until_on: Mapped[date]
    was_member: Mapped[bool] = mapped_column(default=False)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    by_name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str] = mapped_column(String(200), default="")


class ListSignOff(Base):
    """Sales agreed to a list as its rules were then. A change of the rules voids it."""

    __tablename__ = "list_sign_off"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("target_list.id", ondelete="CASCADE"), index=True)
    accounts: Mapped[int]
    note: Mapped[str] = mapped_column(String(500), default="")
    by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    by_name: Mapped[str] = mapped_column(String(200))
    signed_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[str] = mapped_column(String(300), default="")


class AccountChange(Base):
    """Something of an account changed that a list may ask for; written by the database's triggers (see `tracking`)."""

    __tablename__ = "account_change"
    __table_args__ = (Index("ix_account_change_kind", "kind", "account_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    account_id: Mapped[int] = mapped_column(Id)


class ListPending(Base):
    """An account that a list is to judge again; account 0: everybody."""

    __tablename__ = "list_pending"

    list_id: Mapped[int] = mapped_column(ForeignKey("target_list.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)


class ContactAddress(Base):
    """Keyed digests of a person's address and its domain, as stops are kept; made again when the person changes."""

    __tablename__ = "contact_address"

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    address_key: Mapped[str] = mapped_column(String(40), index=True)
    domain_key: Mapped[str] = mapped_column(String(40), index=True)
    made_at: Mapped[datetime]
