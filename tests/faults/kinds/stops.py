"""F4: processes are asked to end (SIGTERM), as a deployment does, and killed only after 10 seconds."""

import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from abm.installation.processes import web_command
from core.jobs import ring
from tests.faults.judge import judge
from tests.faults.queue_server import running_queue
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Forked, Scene, free_port, wait_until
from tests.outbox_factory import running_campaign

GRACE_SECONDS = 10.0


def ask_to_end(process: Forked) -> tuple[float, bool]:
    """Seconds it took, and whether it had to be killed."""
    started = time.monotonic()
    process.signal(signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except TimeoutError:
        process.kill()
        return time.monotonic() - started, True
    return time.monotonic() - started, False


@fault("F4", "SIGTERM to a worker that sends, also while the queue server is away", rounds=2, messages=300,
       needs=("proc",))
def deploy_workers(scene: Scene, plan: Plan) -> Verdict:
    """The slice under way ends, the rest goes back, nothing is in doubt."""
    recoveries, took, killed = [], [], 0
    scene.start_sink(delay=0.3)
    running_campaign(plan.messages)
    with running_queue() as server:
        scene.set_environment(ABM_REDIS_URL=server.url)
        for done in range(plan.rounds):
            worker = scene.start_worker()
            ring("outreach.drain")
            scene.wait_for_acceptances(5)
            is_away = done % 2 == 1
            if is_away:
                server.kill()
            seconds, had_to_be_killed = ask_to_end(worker)
            took.append(seconds)
            killed += had_to_be_killed
            if is_away:
                server.start()
        scene.start_sink()
        scene.start_family()
        recoveries.append(scene.wait_for_acceptances(1))
        scene.wait_until_sent()
        scene.kill_all_forked()
        scene.set_environment(ABM_REDIS_URL="")
    verdict = judge(scene, intended=plan.messages, recoveries=recoveries)
    if killed:
        verdict.broken.append(f"{killed} workers did not end within {GRACE_SECONDS:g} s")
    verdict.notes.append(f"ended within {max(took):.1f} s")
    return verdict


@fault("F4", "the whole product stopped while a slow mail server answers after seconds", rounds=1, messages=60,
       needs=("proc",), long=Plan(2, 120))
def stop_product(scene: Scene, plan: Plan) -> Verdict:
    """Messages whose answer is on its way are waited for."""
    took = []
    for _ in range(plan.rounds):
        scene.start_sink(delay=2.8 if plan.is_long else 1.2)
        running_campaign(plan.messages) if not took else None
        product = scene.start_product()
        scene.wait_for_acceptances(2, 120)  # the product has to start first
        started = time.monotonic()
        product.send_signal(signal.SIGTERM)
        product.wait(30)
        took.append(time.monotonic() - started)
    scene.start_sink()
    scene.send_the_rest()
    verdict = judge(scene, intended=plan.messages)
    if max(took) > GRACE_SECONDS + 5:
        verdict.broken.append(f"it took {max(took):.0f} s to end")
    verdict.notes.append(f"ended within {max(took):.1f} s")
    return verdict


def serve(port: int) -> None:
    """The product's own web command, without waiting for imports again."""
    from gunicorn.app.wsgiapp import WSGIApplication

    sys.argv = web_command(port=port)[2:]
    WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn").run()


_TRIES = 4


@dataclass
class Balancer:
    """Asks one of two servers, and the other when the first takes no connection; as a load balancer does."""

    ports: tuple[int, int]
    cookie: str
    codes: list[int] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    unanswered: int = 0
    is_over: bool = False

    def ask_for_ever(self) -> None:
        turn = 0
        while not self.is_over:
            turn += 1
            for other in range(_TRIES):
                if answered := self._ask(self.ports[(turn + other) % 2]):
                    self.codes += answered
                    break
                time.sleep(0.1)
            else:
                self.unanswered += 1

    def _ask(self, port: int) -> list[int]:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/accounts", headers={"Cookie": f"abm={self.cookie}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return [answer.status] if answer.read() else []
        except urllib.error.HTTPError as error:
            return [error.code]
        except OSError as error:
            self.cut.append(repr(error))
            return []

    def answers(self, port: int) -> bool:
        return bool(self._ask(port))

    def complaints(self) -> list[str]:
        """Of people, not of one connection: a request that was cut was answered by the other server."""
        wrong = sorted({code for code in self.codes if code != 200})
        if not (wrong or self.unanswered or not self.codes):
            return []
        return [f"answers {wrong}, {self.unanswered} unanswered of {len(self.codes)}; {self.cut[-5:]}"]


@fault("F4", "web processes deployed one after the other under load", rounds=2, messages=0, needs=("proc",))
def deploy_web(scene: Scene, plan: Plan) -> Verdict:
    """Requests under way are answered; no 5xx."""
    browser: Any = scene.browser()
    browser.get("/accounts")
    ports = (free_port(), free_port())
    balancer = Balancer(ports, browser.get_cookie("abm").value)
    servers = [scene.fork(lambda port=port: serve(port)) for port in ports]
    for port in ports:
        wait_until(lambda port=port: balancer.answers(port), 60)
    askers = [threading.Thread(target=balancer.ask_for_ever) for _ in range(3)]
    for asker in askers:
        asker.start()
    took, killed = [], 0
    for done in range(plan.rounds):
        which = done % 2
        seconds, had_to_be_killed = ask_to_end(servers[which])
        took.append(seconds)
        killed += had_to_be_killed
        servers[which] = scene.fork(lambda which=which: serve(ports[which]))
        wait_until(lambda which=which: balancer.answers(ports[which]), 60)
    balancer.is_over = True
    for asker in askers:
        with suppress(RuntimeError):
            asker.join(60)
    verdict = Verdict(notes=[f"{len(balancer.codes)} requests, ended within {max(took):.1f} s"])
    verdict.broken += balancer.complaints() + ([f"{killed} killed"] if killed else [])
    return verdict
