"""What a record has, counted by what people call it: the ground for choosing which of two stays."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.identity.moving import find_column

_COUNTED = {
    "account": {"people": "contact.account_id", "orders": "customer_order.account_id", "tasks": "task.account_id",
                "messages": "delivery.account_id", "lists": "list_member.account_id", "sites": "account.parent_id",
                "timeline": "account_event.account_id"},
    "contact": {"messages": "delivery.contact_id", "tasks": "task.contact_id", "timeline": "account_event.contact_id",
                "consents": "consent_event.contact_id"},
}


def count_rows(session: Session, subject: str, subject_id: int) -> dict[str, int]:
    """Rows by word, in the order in which they are shown."""
    counts = {}
    for word, name in _COUNTED[subject].items():
        column = find_column(name)
        counts[word] = session.scalar(select(func.count()).select_from(column.table).where(column == subject_id)) or 0
    return counts
