"""Accounts and what happened to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from abm.users.models import User
from core.db import Base, Id
from core.words import Worded, index_words


class Account(Base):
    """A company or one of its sites. `external_id`: the source system's id; `country`: a code or the text given."""

    __tablename__ = "account"
    __table_args__ = (
        Index("ix_account_name_key", "name_key"),
        Index("ix_account_tier", "tier"),
        Index("ix_account_peers", "industry", "employees"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(300))
    name_key: Mapped[str] = mapped_column(String(300))
    domain: Mapped[str | None] = mapped_column(String(255), index=True)
    industry: Mapped[str | None] = mapped_column(String(200), index=True)
    employees: Mapped[int | None]
    annual_revenue: Mapped[float | None] = mapped_column(Float)
    country: Mapped[str | None] = mapped_column(String(100), index=True)
    region: Mapped[str | None] = mapped_column(String(200))
    city: Mapped[str | None] = mapped_column(String(200))
    timezone: Mapped[str | None] = mapped_column(String(60))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"), index=True)
    owner_email: Mapped[str | None] = mapped_column(String(320))
    tier: Mapped[str | None] = mapped_column(String(20))
    source: Mapped[str | None] = mapped_column(String(200))
    custom: Mapped[dict[str, Any] | None]
    is_sample: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    owner: Mapped[User | None] = relationship()


index_words(Worded("account", ("name", "domain", "external_id", "city")))


class AccountEvent(Base):
    """A line of an account's timeline. `link` is a path inside the product, `kind` a glossary word."""

    __tablename__ = "account_event"
    __table_args__ = (Index("ix_account_event_account", "account_id", "at"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(Id)
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(30))
    title: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(String(200), default="")
    link: Mapped[str] = mapped_column(String(300), default="")


class SavedView(Base):
    """A person's filters, columns and order of a table under a name; a shared one is seen by everybody."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("user_id", "page", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"))
    page: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(100))
    arguments: Mapped[dict[str, Any]]
    is_shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class AccountAlias(Base):
    """Another name, domain or source id by which an account is known. `value_key`: the value as it is compared.

    `feeds`: for the id of an account that was merged into this one, the fields that are taken from its rows in files.
    """

    __tablename__ = "account_alias"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "value_key"),
        Index("uq_account_alias_source_id", "value_key", unique=True, sqlite_where=text("kind = 'id'"),
              postgresql_where=text("kind = 'id'")),
        Index("ix_account_alias_value", "kind", "value_key"),
        CheckConstraint("kind IN ('id','name','domain')", name="kind"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(300))
    value_key: Mapped[str] = mapped_column(String(300))
    feeds: Mapped[list[Any] | None]
    added_by: Mapped[str] = mapped_column(String(200), default="")
    added_at: Mapped[datetime]


class AccountKey(Base):
    """What an account is compared by: names without legal form, domains. Made again when the account changes."""

    __tablename__ = "account_key"
    __table_args__ = (Index("ix_account_key_value", "kind", "value"), Index("ix_account_key_block", "block"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(300))
    block: Mapped[str | None] = mapped_column(String(60))
    is_alias: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime]
