"""Seals over the audit log: a chain of digests that shows when an entry was changed, removed or slipped in.

Every minute the entries since the last seal are sealed with a keyed digest over them and the digest before, so that
whoever can write to the database but does not have ABM_SECRET_KEY cannot make the chain fit again. The values before
and after an entry are outside of it, since they are erased with the person they speak of.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.models import AuditEntry, AuditSeal
from core import clock
from core.signing import keyed_digest

# An entry gets its number before it is committed: by then every transaction of an earlier number has ended.
SETTLED = timedelta(minutes=2)
_AT_ONCE = 10_000
_PURPOSE = "audit-seal"


@dataclass(frozen=True, slots=True)
class Checked:
    """How far the log is as it was sealed. `broken`: the numbers (after, up to) of the first part that is not."""

    seals: int
    entries: int
    broken: tuple[int, int] | None


def seal_entries(session: Session) -> int:
    """Seal what has settled since the last seal; how many entries. Repeating it changes nothing."""
    last = session.scalars(select(AuditSeal).order_by(AuditSeal.up_to_id.desc()).limit(1).with_for_update()).first()
    after = last.up_to_id if last else 0
    settled = (select(AuditEntry).where(AuditEntry.id > after, AuditEntry.at <= clock.now() - SETTLED)
               .order_by(AuditEntry.id).limit(_AT_ONCE))
    entries = session.scalars(settled).all()
    # Up to the first number that is younger: nothing is left out below a seal.
    young = session.scalar(select(AuditEntry.id).where(AuditEntry.id > after, AuditEntry.at > clock.now() - SETTLED)
                           .order_by(AuditEntry.id).limit(1))
    sealed = [entry for entry in entries if young is None or entry.id < young]
    if sealed:
        session.add(AuditSeal(up_to_id=sealed[-1].id, entries=len(sealed), sealed_at=clock.now(),
                              digest=_digest(last.digest if last else "", sealed)))
    return len(sealed)


def check_seals(session: Session) -> Checked:
    """Compute the chain again from the log as it is now."""
    before, after, seals, entries = "", 0, 0, 0
    for seal in session.scalars(select(AuditSeal).order_by(AuditSeal.up_to_id)):
        rows = list(session.scalars(select(AuditEntry).where(AuditEntry.id > after, AuditEntry.id <= seal.up_to_id)
                                    .order_by(AuditEntry.id)))
        if len(rows) != seal.entries or _digest(before, rows) != seal.digest:
            return Checked(seals, entries, (after, seal.up_to_id))
        before, after, seals, entries = seal.digest, seal.up_to_id, seals + 1, entries + len(rows)
    return Checked(seals, entries, None)


def _digest(before: str, entries: list[AuditEntry]) -> str:
    chain = hashlib.sha256(before.encode())
    for line in _lines(entries):
        chain.update(line.encode("utf-8", "surrogatepass"))
    return keyed_digest(_PURPOSE, chain.hexdigest())


def _lines(entries: list[AuditEntry]) -> Iterator[str]:
    for one in entries:
        yield json.dumps([one.id, one.at.astimezone(UTC).isoformat(), one.user_id, one.actor, one.action, one.subject,
                          one.subject_id, one.ip]) + "\n"
