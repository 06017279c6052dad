"""Messages per second and CPU per message of two sending processes, against a plain script with two processes.

    python -m bench.dispatch [--messages 20000] [--database postgresql|sqlite] [--sign] [--connections 4]
                             [--rounds 3] [--growth]

Both send the same two-part content with 12 fields and a signed unsubscribe link to the same sink on loopback. Ours
keeps its books: claim, gate, the default caps, hand-over commit with fsync, journal, attempts and states. `--sign`:
ours signs with RSA 2048 (the script does not). `--growth`: 2,000, 20,000 and 200,000 messages, ours alone.

The script needs half a minute for what takes ours five seconds, in which a neighbour on the machine may be felt: ours
has three rounds, of which the middle one counts.

Time runs from the first MAIL to the last acceptance, as the sink saw it. The sending processes are forks of one that
has everything imported, so no start-up is counted on either side. CPU is that of the sending processes (with the child
that tries our content out) and, on our side, of every process of the database server; the sink's counts for nobody.
"""

import argparse
import os
import signal
import sys
from functools import partial
from typing import Any

from bench.outbox_load import Count, Figures, checked, content, database, drain_outbox, fill_outbox, measure, sink
from bench.plain_script import send_all

PROCESSES = 2
GROWTH = (2_000, 20_000, 200_000)
MOST_GROWTH = 1.25
# at least so many times the script's messages a second, at most this part of its CPU per message
WANTED = {("postgresql", False): (5, 1 / 5), ("postgresql", True): (None, 1 / 3), ("sqlite", False): (7, None),
          ("sqlite", True): (None, None)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--database", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--sign", action="store_true", help="sign with RSA 2048")
    parser.add_argument("--connections", type=int, default=4, help="SMTP connections per process")
    parser.add_argument("--rounds", type=int, default=3, help="of ours")
    parser.add_argument("--growth", action="store_true")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("stopped"))
    with database(given.database) as (url, folder), sink() as (port, count):
        os.environ.update(ABM_DATA_DIR=folder, ABM_DATABASE_URL=url, ABM_SECRET_KEY="benchmark-key-" * 4,
                          ABM_MAIL_URL=f"smtp://127.0.0.1:{port}?connections={given.connections}")
        from abm.wiring import connect_engine

        connect_engine()
        if given.growth:
            sys.exit(_grow(count, signs=given.sign))
        rows = fill_outbox(given.messages, signs=given.sign)
        plain = _measure_plain(rows, port, count)
        rounds = [drain_outbox(given.messages, PROCESSES, count)]
        while len(rounds) < given.rounds:
            fill_outbox(given.messages, signs=given.sign)
            rounds.append(drain_outbox(given.messages, PROCESSES, count))
    sys.exit(_judge(plain, rounds, *WANTED[given.database, given.sign]))


def _measure_plain(rows: list[dict[str, Any]], port: int, count: Count) -> Figures:
    share = -(-len(rows) // PROCESSES)
    parts = [rows[start:start + share] for start in range(0, len(rows), share)]
    send = partial(send_all, port=port, content=content(), key=b"k" * 32, base_url="http://127.0.0.1:8000")
    cpu = measure([partial(send, part) for part in parts])
    return checked(len(rows), cpu, 0.0, count)


def _grow(count: Count, *, signs: bool) -> int:
    found = []
    for messages in GROWTH:
        fill_outbox(messages, signs=signs)
        found.append(drain_outbox(messages, PROCESSES, count))
        _show(f"{messages:,}", found[-1])
    most = found[-1].cpu_per_message / found[1].cpu_per_message
    print(f"CPU per message from {GROWTH[1]:,} to {GROWTH[-1]:,}: {most:.2f} x (flat: at most {MOST_GROWTH})")
    return int(most > MOST_GROWTH)


def _judge(plain: Figures, rounds: list[Figures], fastest: float | None, cheapest: float | None) -> int:
    print(f"{'':14}{'messages/s':>12}{'CPU ms/message':>16}{'of it database':>16}")
    _show("plain script", plain)
    for one in rounds:
        _show("outbox", one)
    ours = sorted(rounds, key=lambda one: one.rate)[len(rounds) // 2]
    speed, cost = ours.rate / plain.rate, ours.cpu_per_message / plain.cpu_per_message
    print(f"speed ratio {speed:.2f} x{f' (at least {fastest})' if fastest else ''}, "
          f"CPU ratio {cost:.3f}{f' (at most {cheapest:.3f})' if cheapest else ''}")
    return int(bool(fastest and speed < fastest) or bool(cheapest and cost > cheapest))


def _show(name: str, one: Figures) -> None:
    database = one.database_cpu / one.messages * 1_000
    print(f"{name:14}{one.rate:12.0f}{one.cpu_per_message:16.3f}{database:16.3f}", flush=True)


if __name__ == "__main__":
    main()
