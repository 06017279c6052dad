"""Opens and clicks answered per second, against a bare Flask view on the same server, and whether all of them are kept.

    python -m bench.visits [--requests 6000] [--database postgresql|sqlite]

gunicorn with two processes of eight threads serves either; two client processes with four connections each ask. Rounds
alternate, the best of three counts. A message's pixel and link are fetched 46 times each, as scanners do. Exits 1 below
60 % of the bare view, or when an event is missing afterwards.
"""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from bench.outbox_load import ROOT, database, fill_outbox, measure

WANTED, REPEATS, ROUNDS, CLIENTS, CONNECTIONS = 0.6, 46, 3, 2, 4
_QUESTION = b"GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0)\r\n\r\n"
_LENGTH = re.compile(rb"[Cc]ontent-[Ll]ength: (\d+)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=6_000)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    given = parser.parse_args()
    with database(given.database) as (url, folder):
        os.environ.update(ABM_DATA_DIR=folder, ABM_DATABASE_URL=url, ABM_SECRET_KEY="benchmark-key-" * 4)
        from abm.wiring import connect_engine

        connect_engine()
        messages = -(-given.requests // REPEATS)
        ids = [row["id"] for row in fill_outbox(messages)]
        return _measure(ids, given.requests)


def _measure(ids: Sequence[int], requests: int) -> int:
    from campaigns.tracking import click_url, open_url
    from core import db

    def path(url: str) -> str:
        return "/" + url.split("/", 3)[3]

    asked = {"bare view": ["/bare"], "pixel": [path(open_url(one)) for one in ids],
             "click": [path(click_url(one, "https://example.com/offer")) for one in ids]}
    best = dict.fromkeys(asked, 0.0)
    db.engine().dispose()
    with _server("bench.bare_view:app") as bare, _server("wsgi:app") as ours:
        for done in range(ROUNDS):
            kept = _wait_for_events(2 * done * requests)  # so that nobody's storing slows the bare view down
            for name, paths in asked.items():
                best[name] = max(best[name], _rate(bare if name == "bare view" else ours, paths, requests))
        kept = _wait_for_events(2 * ROUNDS * requests)
    is_short = kept != 2 * ROUNDS * requests
    for name, rate in best.items():
        share = rate / best["bare view"]
        is_short = is_short or share < WANTED
        print(f"{name:10}{rate:8,.0f} requests a second, {share:.2f} of the bare view" + (
            "" if name == "bare view" else f" (at least {WANTED})"))
    print(f"{kept:,} events kept of {2 * ROUNDS * requests:,} visits")
    return int(is_short)


@contextmanager
def _server(app: str) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "2",
                                "--threads", "8", "--bind", f"127.0.0.1:{port}", "--log-level", "error", app], cwd=ROOT)
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _rate(port: int, paths: Sequence[str], requests: int) -> float:
    started = time.monotonic()
    measure([partial(_ask, port, paths, requests // CLIENTS)] * CLIENTS)
    return requests / (time.monotonic() - started)


def _ask(port: int, paths: Sequence[str], requests: int) -> None:
    """Keep a few connections busy: each has one question on its way."""
    lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    for number in range(0, requests, CONNECTIONS):
        now = lines[:requests - number]
        for place, line in enumerate(now):
            line.sendall(_QUESTION % paths[(number + place) % len(paths)].encode())
        for line in now:
            _read_answer(line)


def _read_answer(line: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        part = line.recv(65_536)
        if not part:
            raise SystemExit("the server closed a connection")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    if head[9:12] not in (b"200", b"302"):
        raise SystemExit(f"the server answered {head[:40]!r}")
    length = _LENGTH.search(head)
    while length and len(body) < int(length[1]):
        body += line.recv(65_536)


def _wait_for_events(wanted: int) -> int:
    """How many events there are once no more come."""
    from sqlalchemy import func, select

    from campaigns.models import Event
    from core import db

    kept, before = 0, -1
    while kept < wanted and kept != before:
        time.sleep(3)
        before = kept
        with db.reading() as session:
            kept = session.scalar(select(func.count()).select_from(Event)) or 0
    return kept


if __name__ == "__main__":
    sys.exit(main())
