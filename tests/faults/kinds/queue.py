"""F6 to F8: the queue server ends, forgets everything, is full, read-only or hangs. The queue is a bell, no more."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from core.db import transaction
from core.jobs import JobQueue, job, ring, waiting_jobs
from core.jobs.worker import SECONDS_BETWEEN_HEARTBEATS
from core.settings import settings
from tests.faults.judge import judge
from tests.faults.queue_server import QueueServer, running_queue
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene, wait_until
from tests.outbox_factory import Running, add_people, lift_caps, make_run, running_campaign

_BANNER = "Background work waits"
MOST_SWEEP_SECONDS = 10.0
Break = Callable[[QueueServer], None]


@dataclass
class Visitor:
    """Somebody who works in the product meanwhile: what they were answered, and how long it took."""

    client: Any
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    saw_banner: bool = False

    def work(self) -> None:
        """Two pages, a save, and two requests that ring."""
        self._ask("GET", "/accounts")
        self._ask("POST", "/accounts", {"name": f"Account {time.monotonic_ns()}"})
        self._ask("POST", "/settings/receiving/mailboxes", {
            "name": f"box {time.monotonic_ns()}", "kind": "maildir", "folder": str(settings().data_dir)})
        self._ask("POST", "/analysis/runs", {"period": "auto", "value": "revenue", "by": "account"})
        self.saw_banner |= _BANNER in self._ask("GET", "/running")

    def _ask(self, method: str, path: str, form: dict[str, str] | None = None) -> str:
        started = time.monotonic()
        answer = self.client.open(path, method=method, data=form)
        self.seconds.append(time.monotonic() - started)
        if answer.status_code != (302 if method == "POST" else 200):
            self.wrong.append(f"{path} answered {answer.status_code}")
        return answer.get_data(as_text=True)

    def complaints(self, *, most_seconds: float) -> list[str]:
        slow = [f"a request took {max(self.seconds):.1f} s"] if max(self.seconds) > most_seconds else []
        return self.wrong + slow + ([] if self.saw_banner else ["no page said that background work waits"])

    def figures(self) -> str:
        ordered = sorted(self.seconds)
        return f"requests meanwhile: p50 {ordered[len(ordered) // 2]:.2f} s, longest {ordered[-1]:.2f} s"


@contextmanager
def _working_house(scene: Scene) -> Iterator[QueueServer]:
    """A queue server of our own, workers and the scheduler."""
    with running_queue() as server:
        scene.set_environment(ABM_REDIS_URL=server.url)
        scene.start_family()
        try:
            yield server
        finally:
            scene.kill_all_forked()
            scene.set_environment(ABM_REDIS_URL="")


def _add_messages(running: Running, count: int, *, first: int) -> None:
    """Due now; nobody rings for them, as when the ring was lost."""
    with transaction() as session:
        add_people(session, running, count, first=first)


def _break_and_mend(scene: Scene, plan: Plan, breaks: dict[str, Break], mend: Callable[[QueueServer], None]) -> Verdict:
    """Per round: break it, let messages become due while a person works, mend it, and wait for the first of them."""
    recoveries, share = [], plan.messages // (plan.rounds + 1)
    running = running_campaign(share)
    visitor = Visitor(scene.browser())
    with _working_house(scene) as server:
        for done in range(plan.rounds):
            scene.wait_until_sent()
            name = list(breaks)[done % len(breaks)]
            breaks[name](server)
            _add_messages(running, share, first=1 + share * (done + 1))
            visitor.work()
            mend(server)
            started = time.monotonic()
            scene.wait_for_acceptances(1)
            recoveries.append(time.monotonic() - started)
        scene.wait_until_sent()
    verdict = judge(scene, intended=share * (plan.rounds + 1), recoveries=recoveries)
    verdict.broken += visitor.complaints(most_seconds=4.0)
    verdict.notes.append(visitor.figures())
    return verdict


def _come_back(server: QueueServer) -> None:
    if not server.answers():
        server.start()


@fault("F6", "queue server killed, then started empty", rounds=1, messages=300, needs=("proc",))
def lose_the_queue(scene: Scene, plan: Plan) -> Verdict:
    return _break_and_mend(scene, plan, {"killed": lambda server: server.kill()}, _come_back)


@fault("F6", "queue server killed while messages are sent", rounds=1, messages=500, needs=("proc",))
def lose_the_queue_while_sending(scene: Scene, plan: Plan) -> Verdict:
    """A worker that cannot tell the queue how it fares still lets its work-horse end: nothing is in doubt."""
    recoveries, slow = [], 0.04
    scene.start_sink(delay=slow)
    running_campaign(plan.messages * plan.rounds)
    with _working_house(scene) as server:
        for _ in range(plan.rounds):
            scene.wait_for_acceptances(10)
            server.kill()
            time.sleep(1.5 * SECONDS_BETWEEN_HEARTBEATS)
            server.start()
            recoveries.append(scene.wait_for_acceptances(1))
        scene.wait_until_sent(180)
    return judge(scene, intended=plan.messages * plan.rounds, recoveries=recoveries)


@fault("F6", "FLUSHALL while messages wait and while they are sent", rounds=2, messages=600)
def empty_the_queue(scene: Scene, plan: Plan) -> Verdict:
    """The server answers all the time, so there is nothing to warn about."""
    chance, recoveries = plan.chance(), []
    running = running_campaign(plan.messages // 2)
    with _working_house(scene) as server:
        for _ in range(plan.rounds):
            scene.wait_for_acceptances(10)
            time.sleep(chance.uniform(0, 0.3))
            server.client().flushall()
            recoveries.append(scene.wait_for_acceptances(1))
        scene.wait_until_sent()
        _add_messages(running, plan.messages // 2, first=1 + plan.messages // 2)
        server.client().flushall()
        recoveries.append(scene.wait_for_acceptances(1))
        scene.wait_until_sent()
    return judge(scene, intended=plan.messages // 2 * 2, recoveries=recoveries)


@job("faults.import_for_minutes", queue=JobQueue.GENERAL)
def _work_for_minutes() -> None:
    time.sleep(600)


@fault("F6", "a ring lost while the only general worker is busy for minutes", rounds=2, messages=200)
def lose_rings_behind_long_work(scene: Scene, plan: Plan) -> Verdict:
    """Sweeps have a worker of their own, so that messages nobody rang for go out within 10 s."""
    recoveries, share = [], plan.messages // plan.rounds
    with transaction() as session:
        lift_caps(session)
        running = make_run(session)
    with _working_house(scene):
        ring("faults.import_for_minutes")
        busy = wait_until(lambda: not waiting_jobs("faults_import", JobQueue.GENERAL), 20)
        for done in range(plan.rounds):
            _add_messages(running, share, first=1 + share * done)
            recoveries.append(scene.wait_for_acceptances(1))
            scene.wait_until_sent()
    verdict = judge(scene, intended=share * plan.rounds, recoveries=recoveries)
    if not busy or max(recoveries) > MOST_SWEEP_SECONDS:
        verdict.broken.append(f"sent only after {max(recoveries):.0f} s, or the general worker had no work: {busy}")
    return verdict


def _fill(server: QueueServer) -> None:
    server.client().config_set("maxmemory", 1)


def _make_read_only(server: QueueServer) -> None:
    server.client().replicaof("127.0.0.1", "1")


def _make_writable(server: QueueServer) -> None:
    server.client().config_set("maxmemory", 0)
    server.client().replicaof("NO", "ONE")


@fault("F7", "queue server full (maxmemory), and read-only (a replica)", rounds=2, messages=300)
def refuse_writes(scene: Scene, plan: Plan) -> Verdict:
    return _break_and_mend(scene, plan, {"full": _fill, "read-only": _make_read_only}, _make_writable)


@fault("F8", "queue server hangs (SIGSTOP, CLIENT PAUSE)", rounds=2, messages=300)
def hang(scene: Scene, plan: Plan) -> Verdict:
    """Pages wait a part of a second for the first ring, and not at all for the next."""
    def pause(server: QueueServer) -> None:
        server.client().execute_command("CLIENT", "PAUSE", "4000", "ALL")

    def go_on(server: QueueServer) -> None:
        server.thaw()
        wait_until(server.answers, 20)

    return _break_and_mend(scene, plan, {"frozen": lambda server: server.freeze(), "paused": pause}, go_on)
