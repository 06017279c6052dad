"""F4: a new version with a pending migration is rolled out while the old one sends and answers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from abm.installation.schema import newest_revision
from core import db
from core.jobs import JobQueue
from core.settings import ROOT
from tests.faults.judge import judge
from tests.faults.kinds.stops import Balancer, ask_to_end, serve
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Forked, Scene, free_port, run_scheduler_for_ever, wait_until
from tests.outbox_factory import running_campaign

# As migrations are to be: what the old version does not know does not hurt it.
_MIGRATION = '''
import sqlalchemy as sa
from alembic import op

revision = "pending"
down_revision = "{newest}"

def upgrade():
    for table in ("delivery", "account"):
        op.add_column(table, sa.Column("added_later", sa.Integer(), nullable=False, server_default="7"))
        op.create_index("ix_" + table + "_added_later", table, ["added_later"])
'''


def _migrate(scene: Scene) -> None:
    from alembic import command
    from alembic.config import Config

    versions = scene.folder / "versions"
    versions.mkdir()
    (versions / "9999_pending.py").write_text(_MIGRATION.format(newest=newest_revision()))
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", f"{ROOT / 'migrations' / 'versions'}\n{versions}")
    command.upgrade(config, "head")


@contextmanager
def _at_the_newest_revision() -> Iterator[None]:
    """Tables as migrations leave them, and back to those of the models."""
    with db.engine().begin() as opened:
        opened.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        opened.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": newest_revision()})
    try:
        yield
    finally:
        with db.engine().begin() as opened:
            for table in ("delivery", "account"):
                opened.execute(text(f"DROP INDEX IF EXISTS ix_{table}_added_later"))
                opened.execute(text(f"ALTER TABLE {table} DROP COLUMN added_later"))


@fault("F4", "a new version with a pending migration, rolled out under load", rounds=1, messages=800,
       needs=("proc",), long=Plan(1, 6_000))
def deploy_migration(scene: Scene, plan: Plan) -> Verdict:
    """The old version sends and answers while the tables change; then part after part is replaced. No 5xx, no doubt."""
    with _at_the_newest_revision():
        running_campaign(plan.messages)
        browser: Any = scene.browser()
        browser.get("/accounts")
        ports = (free_port(), free_port())
        balancer = Balancer(ports, browser.get_cookie("abm").value)
        servers = [scene.fork(lambda port=port: serve(port)) for port in ports]
        for port in ports:
            wait_until(lambda port=port: balancer.answers(port), 60)
        asker = threading.Thread(target=balancer.ask_for_ever)
        asker.start()
        workers = _start_workers(scene)
        scene.fork(run_scheduler_for_ever)
        took, recoveries = _roll_out(scene, balancer, servers, workers)
        scene.wait_until_sent(180)
        balancer.is_over = True
        asker.join(60)
        verdict = judge(scene, intended=plan.messages, recoveries=recoveries)
        scene.kill_all_forked()
    verdict.broken += balancer.complaints()
    if max(took) > 10:
        verdict.broken.append(f"a part took {max(took):.0f} s to end")
    verdict.notes.append(f"{len(balancer.codes)} requests, parts ended within {max(took):.1f} s")
    return verdict


def _start_workers(scene: Scene) -> list[Forked]:
    return [scene.start_worker(queue) for queue in JobQueue]


def _roll_out(scene: Scene, balancer: Balancer, servers: list[Forked],
              workers: list[Forked]) -> tuple[list[float], list[float]]:
    """Seconds each part took to end, and until the sink took the next message after each change."""
    scene.wait_for_acceptances(20)
    migration = scene.fork(lambda: _migrate(scene))
    migration.wait(60)
    recoveries, took = [scene.wait_for_acceptances(1)], []
    for which, port in enumerate(balancer.ports):
        took.append(ask_to_end(servers[which])[0])
        servers[which] = scene.fork(lambda port=port: serve(port))
        wait_until(lambda port=port: balancer.answers(port), 60)
    _start_workers(scene)
    took += [ask_to_end(worker)[0] for worker in workers]
    return took, [*recoveries, scene.wait_for_acceptances(1)]
