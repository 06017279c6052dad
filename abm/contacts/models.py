"""People at accounts."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from abm.accounts.models import Account
from abm.users.models import User
from core.db import Base, Id
from core.words import Worded, index_words


class Contact(Base):
    """A person. `email_key` is the address lower-cased for comparison; a basis of `none` is never written to.
    `influence` is 0 to 10; `confirmed_at` is when somebody last said that this is still the person's part.

    `match_rule` says how the account was found where a file did not name it: domain, name, or person (by hand, which no
    import ever changes); `match_score` of 100.
    """

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint("lawful_basis IN ('consent','contract','legitimate_interest','none')", name="lawful_basis"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(200), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    first_name: Mapped[str | None] = mapped_column(String(200))
    last_name: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320))
    email_key: Mapped[str | None] = mapped_column(String(320), index=True)
    phone: Mapped[str | None] = mapped_column(String(60))
    title: Mapped[str | None] = mapped_column(String(200))
    department: Mapped[str | None] = mapped_column(String(200))
    buying_role: Mapped[str | None] = mapped_column(String(60))
    influence: Mapped[int | None]
    attitude: Mapped[str | None] = mapped_column(String(20))
    language: Mapped[str | None] = mapped_column(String(20))
    timezone: Mapped[str | None] = mapped_column(String(60))
    lawful_basis: Mapped[str] = mapped_column(String(30), default="none")
    basis_source: Mapped[str | None] = mapped_column(String(300))
    basis_at: Mapped[datetime | None]
    consent_kind: Mapped[str | None] = mapped_column(String(20))
    reports_to_id: Mapped[int | None] = mapped_column(Id)
    confirmed_at: Mapped[datetime | None]
    match_rule: Mapped[str | None] = mapped_column(String(20))
    match_score: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    is_sample: Mapped[bool] = mapped_column(default=False)
    custom: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    account: Mapped[Account] = relationship()


index_words(Worded("contact", ("first_name", "last_name", "email", "external_id", "title")))


class Acquaintance(Base):
    """One of us knows a person: how well (1 to 3) and since when."""

    __tablename__ = "acquaintance"
    __table_args__ = (
        CheckConstraint("strength BETWEEN 1 AND 3", name="strength"),
        Index("ix_acquaintance_contact", "contact_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    strength: Mapped[int]
    since: Mapped[date | None]
    created_at: Mapped[datetime]

    user: Mapped[User] = relationship()


class FurtherSeat(Base):
    """A person's part at a further account. Messages go to a person under the own account alone."""

    __tablename__ = "further_seat"
    __table_args__ = (Index("ix_further_seat_account", "account_id"),)

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    buying_role: Mapped[str | None] = mapped_column(String(60))
    title: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime]


class ContactAlias(Base):
    """The source id of a person who was merged into another. `feeds`: the fields taken from its rows in files."""

    __tablename__ = "contact_alias"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    value_key: Mapped[str] = mapped_column(String(200), unique=True)
    feeds: Mapped[list[Any] | None]
    added_by: Mapped[str] = mapped_column(String(200), default="")
    added_at: Mapped[datetime]
