"""Which functions a worker may run, and which run by the clock. A name from Redis is never imported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.errors import Refused

Ids = int | str
JobFunction = Callable[..., object]


class JobQueue(StrEnum):
    """One queue per worker process: RQ's reliable dequeue works only then. Each has its worker, so that neither sending
    nor a sweep waits for an import that takes minutes."""

    OUTREACH = "outreach"
    SWEEPS = "sweeps"
    GENERAL = "general"


@dataclass(frozen=True)
class Job:
    function: JobFunction
    queue: JobQueue


@dataclass(frozen=True)
class Periodic:
    job_name: str
    seconds: int


JOBS: dict[str, Job] = {}
_PERIODIC: dict[str, Periodic] = {}
_state = {"stopping": False}


def job(name: str, *, queue: JobQueue = JobQueue.GENERAL) -> Callable[[JobFunction], JobFunction]:
    """Allow a function to be run by workers under `name`; its arguments are ids (int or str) only."""

    def register(function: JobFunction) -> JobFunction:
        JOBS[name] = Job(function, queue)
        return function

    return register


def every(seconds: int, job_name: str) -> None:
    """Ring `job_name` once per slot of `seconds`, whatever the number of schedulers. A job has one rhythm,
    however often its module is imported."""
    _PERIODIC[job_name] = Periodic(job_name, seconds)


def periodic_jobs() -> tuple[Periodic, ...]:
    return tuple(_PERIODIC.values())


def perform(name: str, ids: Mapping[str, Ids]) -> None:
    """Run a registered job; the one function that a worker calls. Raises Refused for an unknown name."""
    if name not in JOBS:
        raise Refused(f"The queue asked for the job {name!r}, which this version does not have")
    JOBS[name].function(**ids)


def stopping() -> bool:
    """True once this process was asked to end; long jobs look at it between slices."""
    return _state["stopping"]


def request_stop(*, stop: bool = True) -> None:
    _state["stopping"] = stop
