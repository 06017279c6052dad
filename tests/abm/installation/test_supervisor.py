"""`abm start` as an administrator meets it: real processes, real signals."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from core.settings import ROOT

pytestmark = pytest.mark.faults


@pytest.fixture
def product(tmp_path):
    """A running product without the sample company; its log, environment and data folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path / "var"
    address = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ABM_")}
    environment |= {
        "ABM_DATA_DIR": str(folder),
        "ABM_PORT": str(port),
        "ABM_BASE_URL": address,
        "PYTHONPATH": str(ROOT),
    }
    log = tmp_path / "log"
    with open(log, "w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "abm", "start", "--empty"], env=environment, cwd=ROOT, stdout=file, stderr=file
        )
    yield Started(process, log, environment, folder, address)
    if process.poll() is None:
        process.kill()
        process.wait()


class Started:
    def __init__(self, process, log: Path, environment, folder: Path, address: str) -> None:
        self.process, self.log, self.environment, self.folder = process, log, environment, folder
        self.address = address

    def says(self, sentence: str, seconds: float = 60) -> bool:
        return until(lambda: sentence in self.log.read_text(), seconds)

    def children(self) -> set[int]:
        found = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in found.splitlines()[1:]]
        mine = {self.process.pid}
        while more := {pid for pid, parent in pairs if parent in mine} - mine:
            mine |= more
        return mine - {self.process.pid}


def until(condition, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2][:3]
    except FileNotFoundError:
        return False


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/sign-in", timeout=2):
            return True
    except OSError:
        return False


def test_it_prints_a_set_up_link_and_a_crashed_part_comes_back_and_a_stop_leaves_nothing(product):
    assert product.says("/set-up/")
    web = next(
        pid for pid in product.children() if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()
        and product.process.pid == int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    )
    os.kill(web, signal.SIGKILL)
    assert product.says("web ended")
    assert until(lambda: answers(product.address), 60)

    again = subprocess.run(
        [sys.executable, "-m", "abm", "start", "--empty"], env=product.environment, cwd=ROOT, capture_output=True,
        text=True, timeout=60, check=False,
    )
    assert again.returncode == 2
    assert "already runs" in again.stderr

    family = product.children()
    product.process.send_signal(signal.SIGTERM)
    assert product.process.wait(60) == 0
    assert until(lambda: not any(is_alive(pid) for pid in family), 20)
    assert not (product.folder / "queue" / "server.pid").exists()
