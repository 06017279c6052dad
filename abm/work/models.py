"""Tasks: what somebody does about an account, by when. A call has a script and an outcome, a visit its eight steps."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.users.models import User
from core.db import Base, Id


class Task(Base):
    """One thing to do. `origin` says what made it (hand, campaign, meeting, win-back, reply, agreed) with its id.

    Of a call: `ready_at` is the moment before which it is not made again; until `claimed_until` it is open on the
    screen of the user `claimed_by_id`, and nobody else is given it.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_owner", "owner_id", "state", "due_on"),
        Index("ix_task_account", "account_id"),
        Index("uq_task_origin", "origin", "origin_id", unique=True),
        CheckConstraint("state IN ('open','done','dropped')", name="state"),
        CheckConstraint("kind IN ('task','call','visit')", name="kind"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), default="task")
    title: Mapped[str] = mapped_column(String(300))
    note: Mapped[str] = mapped_column(Text, default="")
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="SET NULL"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id", ondelete="SET NULL"))
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(10), default="open")
    script: Mapped[str] = mapped_column(Text, default="")
    outcome: Mapped[str | None] = mapped_column(String(30))
    sentiment: Mapped[str | None] = mapped_column(String(20))
    outcome_note: Mapped[str] = mapped_column(Text, default="")
    origin: Mapped[str] = mapped_column(String(20), default="hand")
    origin_id: Mapped[str | None] = mapped_column(String(60))
    extra: Mapped[dict[str, Any] | None]
    created_by: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    claimed_by_id: Mapped[int | None] = mapped_column(Id)
    claimed_until: Mapped[datetime | None]

    account: Mapped[Account | None] = relationship()
    contact: Mapped[Contact | None] = relationship()
    owner: Mapped[User | None] = relationship()


class VisitExpense(Base):
    """What somebody spent on a visit, in the company's currency; it counts into the cost of the touch."""

    __tablename__ = "visit_expense"
    __table_args__ = (
        Index("ix_visit_expense_task", "task_id"),
        CheckConstraint("kind IN ('travel','lodging','meals','gifts','other')", name="kind"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    amount: Mapped[Decimal]
    user_id: Mapped[int | None] = mapped_column(Id)
    at: Mapped[datetime]


class CallTry(Base):
    """One time somebody dialled: how it ended, how long it took, what that cost. What was said stands with the call."""

    __tablename__ = "call_try"
    __table_args__ = (Index("ix_call_try_task", "task_id"), Index("ix_call_try_at", "at"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(Id)
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(30))
    sentiment: Mapped[str | None] = mapped_column(String(20))
    seconds: Mapped[int] = mapped_column(default=0)
    cost_amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
