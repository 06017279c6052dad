"""A restored copy sends nothing until a person says that its original no longer does."""

from datetime import datetime

from sqlalchemy.orm import Session

from abm.audit.actions import record
from abm.company.actions import set_company_value
from abm.company.queries import get_company
from campaigns import restoring


def release(session: Session, *, holds_due: bool) -> int | None:
    """Let a restored copy send; None when it was not held back.

    `holds_due`: what was due before the restore counts as unknown and is not sent; how many.
    """
    restored_at = get_company(session).restored_at
    if not restored_at:
        return None
    held = restoring.doubt_due_before(session, datetime.fromisoformat(restored_at)) if holds_due else 0
    set_company_value(session, name="restored_at", value="")
    record(session, action="installation.release", subject="installation", after={"held": held})
    return held
