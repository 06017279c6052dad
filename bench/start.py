"""How long `abm start` takes to its first page, against gunicorn with an empty Flask application.

    .venv/bin/python -m bench.start

Both are timed from the start of the process to the first answered request, on a data folder that is set up, in turn.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
FLOOR = "from flask import Flask; app = Flask('floor'); app.route('/sign-in')(lambda: 'ok')"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def seconds_to_first_page(command: list[str], port: int, environment: dict[str, str]) -> float:
    begun = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.monotonic() - begun < 120:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=2):
                    return time.monotonic() - begun
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise SystemExit("no page within two minutes")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "floor_app.py").write_text(FLOOR)
        ours, floor = [], []
        for round_number in range(ROUNDS + 1):
            port = free_port()
            environment = {**os.environ, "ABM_DATA_DIR": f"{name}/var", "ABM_PORT": str(port),
                           "ABM_BASE_URL": f"http://127.0.0.1:{port}", "PYTHONPATH": f"{ROOT}:{name}"}
            taken = seconds_to_first_page([str(ROOT / "bin" / "start")], port, environment)
            bare = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "floor_app:app"]
            least = seconds_to_first_page(bare, port, environment)
            if round_number:  # the first start loads the sample company
                ours.append(taken)
                floor.append(least)
            else:
                print(f"first start with the sample company: {taken:.2f} s")
    mine, least = statistics.median(ours), statistics.median(floor)
    print(f"start to first page: {mine:.2f} s; floor (gunicorn, empty Flask): {least:.2f} s; ratio {mine / least:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
