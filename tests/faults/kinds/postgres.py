"""F9 and F10: the PostgreSQL server cuts connections, restarts, hangs, or has sixteen senders at the same accounts."""

import os
import signal
import threading
import time
from contextlib import suppress

import psycopg
from sqlalchemy import func, select, text

from abm.company.actions import set_company_value
from campaigns.caps import points_of
from campaigns.models import Delivery
from campaigns.outside import outside
from core.db import reading, transaction
from core.settings import settings
from tests.faults.judge import judge
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene, wait_until
from tests.outbox_factory import add_people, lift_caps, make_run, running_campaign

SENDERS = 16
_CUT_ALL = ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()")


@fault("F9", "pg_terminate_backend of every connection", rounds=3, messages=500, needs=("postgresql",),
       long=Plan(12, 1_800))
def cut_connections(scene: Scene, plan: Plan) -> Verdict:
    """Whatever transaction was under way: it is tried again, or its rows are settled from the journal."""
    chance, recoveries = plan.chance(), []
    running_campaign(plan.messages)
    scene.start_family()
    visitor = scene.browser()
    codes = []
    for _ in range(plan.rounds):
        scene.wait_for_acceptances(20)
        time.sleep(chance.uniform(0, 0.2))
        visitor.get("/accounts")  # so that the pool of this process holds a connection to be cut
        with psycopg.connect(settings().database_url.replace("+psycopg", "")) as opened:
            opened.execute(_CUT_ALL)
        codes.append(visitor.get("/accounts").status_code)
        recoveries.append(scene.wait_for_acceptances(1))
    scene.wait_until_sent()
    verdict = judge(scene, intended=plan.messages, recoveries=recoveries)
    if any(code >= 500 for code in codes):
        verdict.broken.append(f"pages answered {sorted(set(codes))}")
    return verdict


@fault("F9", "PostgreSQL restarted as after a crash", rounds=1, messages=300, needs=("postgresql", "postgres server"),
       long=Plan(2, 1_000))
def restart_server(scene: Scene, plan: Plan) -> Verdict:
    """On a server of its own. Pages say that the database is away, and are back as soon as it is."""
    chance, recoveries, late, codes = plan.chance(), [], 0, set()
    with scene.own_postgres() as cluster:
        running_campaign(plan.messages)
        scene.start_family()
        visitor = scene.browser()
        for _ in range(plan.rounds):
            scene.wait_for_acceptances(20)
            time.sleep(chance.uniform(0, 0.2))
            restart = threading.Thread(target=cluster.restart, args=("immediate",))
            restart.start()
            while restart.is_alive():
                codes |= {visitor.get(page).status_code for page in ("/accounts", "/health")}
                codes.add(visitor.post("/accounts", data={"name": f"Saved or not {time.monotonic_ns()}"}).status_code)
            late += not wait_until(lambda: visitor.get("/accounts").status_code == 200, 10)
            recoveries.append(scene.wait_for_acceptances(1))
        scene.wait_until_sent()
        verdict = judge(scene, intended=plan.messages, recoveries=recoveries)
    if late:
        verdict.broken.append(f"pages were away for more than 10 s after {late} restarts")
    if wrong := codes - {200, 302, 503}:
        verdict.broken.append(f"pages answered {sorted(wrong)} during the restart")
    verdict.notes.append(f"pages answered {sorted(codes)}")
    return verdict


@fault("F9", "PostgreSQL frozen (SIGSTOP) for seconds", rounds=1, messages=300, needs=("postgresql", "postgres server"),
       long=Plan(2, 1_000))
def freeze_server(scene: Scene, plan: Plan) -> Verdict:
    """Nothing new is begun while stops cannot be read; all goes on when it thaws."""
    chance, recoveries, late = plan.chance(), [], 0
    with scene.own_postgres() as cluster:
        running_campaign(plan.messages)
        scene.start_family()
        for _ in range(plan.rounds):
            scene.wait_for_acceptances(20)
            frozen = cluster.processes()
            for pid in frozen:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            time.sleep(3.0 if plan.is_long else 2.4)
            before = sum(scene.accepted().values())
            time.sleep(chance.uniform(0.5, 3.0 if plan.is_long else 1.0))
            late += sum(scene.accepted().values()) > before
            for pid in frozen:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
            recoveries.append(scene.wait_for_acceptances(1))
        scene.wait_until_sent()
        verdict = judge(scene, intended=plan.messages, recoveries=recoveries)
    if late:
        verdict.broken.append("messages were begun though no stop could have been seen")
    return verdict


@fault("F10", "sixteen senders at the same accounts", rounds=1, messages=480)
def storm(scene: Scene, plan: Plan) -> Verdict:
    """Caps hold to the message and are reached; deadlocks, if any, are tried again and nobody sees one."""
    accounts, cap = 4, 100
    with transaction() as session:
        lift_caps(session)
        running = make_run(session)
        set_company_value(session, name="account_points_7_days", value=cap)
        add_people(session, running, plan.messages, accounts=accounts)
    before = _deadlocks()
    senders = [scene.start_sender(once=True) for _ in range(SENDERS)]
    for sender in senders:
        sender.wait(120)
    scene.send_the_rest()
    with reading() as session:
        rows = session.execute(select(Delivery.account_id, func.count()).where(Delivery.state == "sent").group_by(
            Delivery.account_id))
        sent = {row[0]: row[1] for row in rows}
        waiting = session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == "queued")) or 0
    accepted = scene.accepted()
    verdict = Verdict(plan.messages, duplicated=sum(times - 1 for times in accepted.values()))
    verdict.lost = plan.messages - sum(sent.values()) - waiting
    wanted = min(cap // points(), plan.messages // accounts)
    if sorted(sent.values()) != [wanted] * accounts or sum(accepted.values()) != wanted * accounts:
        verdict.broken.append(f"each account may have {wanted} messages, they have {sorted(sent.values())}, "
                              f"the sink {sum(accepted.values())}")
    failed = scene.log.read_text().count("could not be committed") if scene.log.exists() else 0
    if failed:
        verdict.broken.append(f"{failed} hand-overs failed")
    if not settings().is_sqlite:
        verdict.notes.append(f"{_deadlocks() - before} deadlocks seen by the server")
    return verdict


def points() -> int:
    """What a message costs an account."""
    with reading() as session:
        return points_of(outside().company.policy(session), "email")


def _deadlocks() -> int:
    if settings().is_sqlite:
        return 0
    with reading() as session:
        return session.scalar(text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")) or 0
