"""Products."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, Id


class Product(Base):
    """Something we sell. `sku` is the source system's id; unknown products in order lines are created with it.
    `application`: what it is good for, in a seller's words."""

    __tablename__ = "product"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    sku: Mapped[str] = mapped_column(String(200), unique=True)
    name: Mapped[str] = mapped_column(String(300))
    category: Mapped[str | None] = mapped_column(String(200), index=True)
    price_amount: Mapped[Decimal | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    is_available: Mapped[bool | None]
    availability_note: Mapped[str | None] = mapped_column(String(300))
    application: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
