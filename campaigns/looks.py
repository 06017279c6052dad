"""Looks through the long lists of a run that hold nobody up: made by who only reads, since nobody else could write to
SQLite while somebody writes and looks, and after a slow one none for a while."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from campaigns.facts import RunFacts
from campaigns.models import Run
from campaigns.runs import list_run_facts
from campaigns.states import RunState
from core import clock

SHORT_LOOK, PAUSE_PER_LOOK = 0.25, 20  # seconds; and so many times as long as a longer look took, none follows
DueAt = InstrumentedAttribute[datetime | None]
Find = Callable[[Session, RunFacts], tuple[set[int], bool]]


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a run found: ids of what can be enrolled, whether there may be more, and the seconds it took."""

    found: frozenset[int]
    is_cut: bool
    seconds: float

    def pause(self) -> timedelta:
        """How long not to look again: a list of a million people takes seconds, which need not be every few seconds."""
        is_slow = self.seconds > SHORT_LOOK and not self.is_cut
        return timedelta(seconds=self.seconds * PAUSE_PER_LOOK if is_slow else 0)


Looks = Mapping[int, Look]  # by run


def look_at_runs(session: Session, due_at: DueAt, is_wanted: Callable[[Session, RunFacts], bool], find: Find,
                 now: datetime | None) -> Looks:
    """By active run what `find` found. Runs that do not want it are not there, nor those whose pause goes on."""
    at = now or clock.now()
    looks: dict[int, Look] = {}
    for run in list_run_facts(session, states=(RunState.ACTIVE,)):
        if is_wanted(session, run) and _is_time(session, run, due_at, at):
            began = time.monotonic()
            found, is_cut = find(session, run)
            looks[run.run_id] = Look(frozenset(found), is_cut, time.monotonic() - began)
    return looks


def _is_time(session: Session, run: RunFacts, due_at: DueAt, at: datetime) -> bool:
    due = session.scalar(select(due_at).where(Run.id == run.run_id))
    return due is None or due <= at


def pause_looking(session: Session, due_at: DueAt, looks: Looks, now: datetime | None = None) -> None:
    """After slow looks, none for a while."""
    for run_id, look in looks.items():
        if look.pause():
            session.execute(update(Run).where(Run.id == run_id)
                            .values({due_at: (now or clock.now()) + look.pause()}))


def list_found(session: Session, looks: Looks) -> list[RunFacts]:
    """The runs, still active, in which something was found."""
    return list_run_facts(session, ids=[run_id for run_id, look in looks.items() if look.found],
                          states=(RunState.ACTIVE,))
