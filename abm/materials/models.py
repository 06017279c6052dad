"""Documents to send, and the wishes for them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from abm.accounts.models import Account
from abm.contacts.models import Contact
from core.db import Base, Id


class Material(Base):
    """A document that people ask for: where it is, in which language, about which product."""

    __tablename__ = "material"
    __table_args__ = (Index("ix_material_title", "title"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    product: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(10), default="")
    url: Mapped[str] = mapped_column(String(1000))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]


class MaterialRequest(Base):
    """Somebody's wish. A document leaves for a person once: `sent_key` names both from the moment of sending on, and no
    two rows bear the same; only a message that the mail server refused gives it back.

    `sending` is set before the message leaves; a row that stays there was cut off, and is for a person to settle.
    `event_id`: the reply that the wish stands in.
    """

    __tablename__ = "material_request"
    __table_args__ = (
        Index("ix_material_request_account", "account_id"),
        Index("ix_material_request_state", "state", "asked_at"),
        Index("uq_material_request_event", "event_id", unique=True),
        CheckConstraint("state IN ('open','task','sending','sent','failed','declined')", name="state"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    material_id: Mapped[int | None] = mapped_column(ForeignKey("material.id", ondelete="SET NULL"))
    wish: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10), default="open")
    reason: Mapped[str] = mapped_column(String(300), default="")
    event_id: Mapped[int | None] = mapped_column(Id)
    task_id: Mapped[int | None] = mapped_column(Id)
    asked_at: Mapped[datetime]
    asked_of: Mapped[str] = mapped_column(String(200), default="")
    sent_at: Mapped[datetime | None]
    sent_key: Mapped[str | None] = mapped_column(String(50), unique=True)

    account: Mapped[Account] = relationship()
    contact: Mapped[Contact] = relationship()
    material: Mapped[Material | None] = relationship()
