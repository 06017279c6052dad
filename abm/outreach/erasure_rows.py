"""What becomes of the rows that belong to somebody who is erased: states, counts and costs stay, words go."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import String, cast, delete, select, update
from sqlalchemy.orm import Session

from abm.audit.models import AuditDetail, AuditEntry
from abm.work.models import CallTry, Task
from campaigns.models import Delivery, Event
from core.db import Base
from core.id_lists import is_among

# By table with a person: the columns that hold words of or about them, and what stands there afterwards.
WORDS: Mapping[str, Mapping[str, Any]] = {
    "account_event": {"text": ""},
    "consent_event": {"evidence": None},
    "delivery": {"address": None, "detail": None},
    "event": {"text": None, "raw": None},
    "letter": {"address": [], "subject": "", "body": ""},
    "material_request": {"wish": "", "reason": ""},
    "task": {"note": "", "script": "", "outcome_note": "", "extra": None, "sentiment": None},
    "touch": {"note": ""},
}
# Their other text columns are words of ours (states, kinds, titles in which the name is replaced), or they go with the
# person's row or are forgotten by their own area.
WITHOUT_WORDS = frozenset({
    "acquaintance", "approved_member", "contact_address", "contact_alias", "engagement_entry", "enrolment",
    "further_seat", "holdout_ghost", "merge", "merge_step", "offer_grant",
})


def clear_rows(session: Session, contact_ids: Collection[int], delivery_ids: Collection[int]) -> None:
    """Take the words out of every row of these people and of these messages."""
    _clear_audit(session, contact_ids)
    tasks = select(Task.id).where(is_among(Task.contact_id, contact_ids))
    session.execute(update(CallTry).where(CallTry.task_id.in_(tasks)).values(sentiment=None)
                    .execution_options(synchronize_session=False))
    for name, values in WORDS.items():
        table = Base.metadata.tables[name]
        session.execute(update(table).where(is_among(table.c.contact_id, contact_ids)).values(values))
    for model, column in ((Delivery, Delivery.id), (Event, Event.delivery_id)):
        session.execute(update(model).where(is_among(column, delivery_ids)).values(WORDS[model.__tablename__])
                        .execution_options(synchronize_session=False))


def _clear_audit(session: Session, contact_ids: Collection[int]) -> None:
    """The values before and after of what was done to the people and their tasks; who did it and when stays."""
    tasks = select(cast(Task.id, String)).where(is_among(Task.contact_id, contact_ids))
    about = [(AuditEntry.subject == "contact") & AuditEntry.subject_id.in_([str(one) for one in contact_ids]),
             (AuditEntry.subject == "task") & AuditEntry.subject_id.in_(tasks)]
    for one in about:
        session.execute(delete(AuditDetail).where(AuditDetail.entry_id.in_(select(AuditEntry.id).where(one)))
                        .execution_options(synchronize_session=False))
