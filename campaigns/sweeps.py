"""What dead and frozen processes left behind: claims back (T11), `handing` settled from journals (T6, T9, T9a).

A free lock on a journal of this data folder proves that its process is dead, so its claims are settled at once. A claim
whose journal is elsewhere goes back when its lease is over; what it was handing over becomes unknown a minute later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.orm import Session

from campaigns import journal
from campaigns.channels.base import Outcome, Result
from campaigns.commits import in_transaction
from campaigns.journal import Account, Owner
from campaigns.models import Batch, Delivery
from campaigns.outbox import claimed_by, close_batches
from campaigns.recording import record_outcomes
from campaigns.states import DeliveryState
from campaigns.turns import SUSPECTS_AT_ONCE
from core import clock
from core.db import reading
from core.settings import settings

ELSEWHERE_SECONDS = 60.0
FROZEN_SECONDS = 600.0
LONE_LOSSES_UNTIL_QUARANTINE = 2
UNKNOWN_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Left:
    """An open batch whose process is dead, frozen or out of reach; `overdue`: seconds since its lease ended."""

    id: int
    fence: int
    journal: str
    worker: str
    boot_id: str
    size: int
    owner: Owner
    overdue: float


def settle_left_batches() -> int:
    """Settle every claim that its process will not settle itself; how many batches."""
    folder = settings().journal_dir
    with reading() as session:
        left = _find_left(session, folder)
    for one in left:
        in_transaction(lambda session, one=one: _settle(session, one, folder))  # type: ignore[misc]
    for name in {one.journal for one in left if one.owner is Owner.DEAD}:
        _remove_if_done(folder, name)
    return len(left)


def _find_left(session: Session, folder: Path) -> list[Left]:
    moment = clock.lease_now(session)
    rows = session.scalars(select(Batch).where(Batch.is_open))
    found = [Left(row.id, row.fence, row.journal, row.worker, row.boot_id, row.size,
                  journal.owner_of(folder, row.journal), _overdue(session, row, moment)) for row in rows]
    return [one for one in found if one.owner is Owner.DEAD or one.overdue > 0]


def _overdue(session: Session, batch: Batch, moment: float) -> float:
    """Seconds since the lease ended. After a restart of a SQLite host its clock begins anew, so no lease holds."""
    is_of_this_boot = batch.boot_id == clock.boot_id() or session.get_bind().dialect.name == "postgresql"
    return moment - batch.lease_until if is_of_this_boot else FROZEN_SECONDS + 1


def _settle(session: Session, left: Left, folder: Path) -> None:
    """One batch, under its row's lock, so that neither its own process nor another sweep acts on it meanwhile."""
    row = session.scalar(select(Batch).where(Batch.id == left.id, Batch.is_open).with_for_update())
    if row is None or (left.owner is not Owner.DEAD and row.lease_until > clock.lease_now(session)
                       and row.boot_id == clock.boot_id()):
        return
    account = Account() if left.owner is Owner.ELSEWHERE else journal.read_account(folder, left.journal, left.fence)
    claimed = claimed_by(session, left.id)
    _queue_claimed(session, left, claimed, is_suspect=left.owner is Owner.DEAD and not account.is_prepared)
    handing = list(session.scalars(select(Delivery.id).where(*claimed, Delivery.state == DeliveryState.HANDING)))
    if handing and not _settle_handing(session, left, handing, account):
        return
    close_batches(session, [left.id])


def _queue_claimed(session: Session, left: Left, claimed: Sequence[ColumnElement[bool]], *, is_suspect: bool) -> None:
    """T11. Rows whose process died while it prepared them are taken a few at once from now on; when the few are lost as
    well, alone (`lone_losses` is below zero until one was lost); the second time one was alone it is quarantined."""
    mine = (*claimed, Delivery.state.in_((DeliveryState.CLAIMED, DeliveryState.RENDERED)))
    if left.size == 1 and is_suspect:
        before = case((Delivery.lone_losses > 0, Delivery.lone_losses), else_=0)
        session.execute(update(Delivery).where(*mine).values(lone_losses=before + 1))
        session.execute(update(Delivery).where(*mine, Delivery.lone_losses >= LONE_LOSSES_UNTIL_QUARANTINE).values(
            state=DeliveryState.QUARANTINED, ended_at=clock.now(), batch_id=None,
            detail="The sending process died twice while it was preparing this message alone"))
    elif is_suspect and left.size <= SUSPECTS_AT_ONCE:
        session.execute(update(Delivery).where(*mine).values(lone_losses=-1))
    session.execute(update(Delivery).where(*mine).values(
        state=DeliveryState.QUEUED, batch_id=None, is_suspect=is_suspect))


def _settle_handing(session: Session, left: Left, handing: Sequence[int], account: Account) -> bool:
    """True when every row found its state. False: its process lives (or may), so nothing is decided yet."""
    if left.owner is Owner.ALIVE and left.overdue <= FROZEN_SECONDS:
        return False
    if left.owner is Owner.ELSEWHERE and left.overdue <= ELSEWHERE_SECONDS:
        return False
    is_whole = left.owner is Owner.DEAD and left.boot_id == clock.boot_id()
    outcomes = [_outcome(delivery_id, left, account, is_whole=is_whole, at=clock.now()) for delivery_id in handing]
    record_outcomes(session, outcomes, worker=left.worker)
    return True


def _outcome(delivery_id: int, left: Left, account: Account, *, is_whole: bool, at: datetime) -> Outcome:
    """What a journal proves about one message. `is_whole`: no line can be missing, so silence is proof as well."""
    code = account.refused.get(delivery_id)
    if delivery_id in account.accepted:
        result, words = Result.SENT, "the journal of the dead process shows that it was accepted"
    elif code is not None:
        result, words = Result.REFUSED if code >= 500 else Result.DEFERRED, "refused, says the dead process's journal"
    elif is_whole and delivery_id not in account.begun:
        result, words = Result.RETURNED, "its process died before it was begun"
    else:
        result, words = Result.UNKNOWN, "its process died after the message was begun; nobody knows if it was accepted"
    return Outcome(delivery_id, left.fence, result, "journal", code or None, words, at)


def _remove_if_done(folder: Path, name: str) -> None:
    with reading() as session:
        is_needed = session.scalar(select(Batch.id).where(Batch.journal == name, Batch.is_open).limit(1)) is not None
    if not is_needed:
        journal.remove(folder, name)


def remove_forgotten_journals() -> int:
    """Journals of dead processes that no open batch names, as after a kill between two batches; how many."""
    folder = settings().journal_dir
    names = journal.list_dead(folder)
    for name in names:
        _remove_if_done(folder, name)
    return len(names)


def give_up_on_unknown() -> int:
    """T10: what is unknown for 24 hours stays so; a person may send it again. How many."""
    def work(session: Session) -> int:
        found = session.execute(update(Delivery).where(
            Delivery.state == DeliveryState.UNKNOWN, Delivery.first_tried_at < clock.now() - UNKNOWN_FOR).values(
            state=DeliveryState.UNKNOWN_FINAL, ended_at=clock.now()).returning(Delivery.id))
        return len(found.all())

    return in_transaction(work)

