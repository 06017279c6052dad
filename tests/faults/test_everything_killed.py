"""The whole product dies at once, as when a machine is switched off: web, workers, scheduler, queue server and all."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from abm.installation.schema import newest_revision
from core import db
from core.settings import ROOT
from tests.faults.conftest import CONNECTIONS, wait_until
from tests.outbox_factory import deliveries, running_campaign, states

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not Path("/proc").exists(), reason="needs /proc to find processes"),
]
MESSAGES, KILLS = 900, 2
StartProduct = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start_product(sink_log: Path, tmp_path: Path) -> Iterator[StartProduct]:
    """Start the product as a person does, on the test's own database, data folder and a free port."""
    with db.engine().begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": newest_revision()})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        environment = {**os.environ, "ABM_PORT": str(probe.getsockname()[1]), "PYTHONPATH": str(ROOT)}
    started: list[subprocess.Popen[bytes]] = []

    def start() -> "subprocess.Popen[bytes]":
        with open(tmp_path / "product.log", "ab") as log:
            started.append(subprocess.Popen([sys.executable, "-m", "abm", "start", "--empty"], env=environment,
                                            cwd=ROOT, stdout=log, stderr=log, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        _kill_all(process.pid)
        process.wait()
    with db.engine().begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))


def _wait_for_acceptances(log: Path, more: int) -> None:
    """Within a minute, however the product was left."""
    before = len(log.read_text().split())
    assert wait_until(lambda: len(log.read_text().split()) >= before + more, 60)


def _kill_all(pid: int) -> None:
    """The process and all that descends from it, at once."""
    found = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in found.splitlines()[1:]]
    doomed = {pid}
    while more := {child for child, parent in pairs if parent in doomed} - doomed:
        doomed |= more
    for one in doomed:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def test_all_of_it_killed_twice_and_started_again_sends_the_rest_once(sink_log: Path,
                                                                      start_product: StartProduct) -> None:
    running_campaign(MESSAGES)
    for _ in range(KILLS):
        product = start_product()
        _wait_for_acceptances(sink_log, 30)
        _kill_all(product.pid)
        product.wait()
    start_product()
    _wait_for_acceptances(sink_log, 1)
    assert wait_until(lambda: set(states()) <= {"sent", "unknown"}, 90), states()
    found, accepted_ids = Counter(row.state for row in deliveries()), Counter(sink_log.read_text().split())
    assert sum(found.values()) == MESSAGES
    assert max(accepted_ids.values()) == 1
    assert found["unknown"] <= KILLS * CONNECTIONS
    assert {row.message_id for row in deliveries() if row.state == "sent"} <= set(accepted_ids)
