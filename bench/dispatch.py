"""Messages per second and CPU per message of two sending processes, against a plain script with two processes.

    python -m bench.dispatch --messages 20000 [--url postgresql://…] [--connections 4]

Both send the same two-part content with 12 fields and a signed unsubscribe link to the same sink on loopback. Ours runs
on PostgreSQL with fsync: claim, gate, the default caps, hand-over commit, journal, attempts and states included.

Time runs from the first MAIL to the last acceptance, as the sink saw it. The sending processes are forks of one that
has everything imported, so no start-up is counted on either side. CPU is that of the sending processes (with the child
that tries our content out) and, on our side, of every process of the database server; the sink's counts for nobody.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.plain_script import send_all
from bench.postgres import temporary_server

PROCESSES = 2
MARK = b"abm-bench-pg-"
ROOT = Path(__file__).resolve().parent.parent
FIELDS = ("contact.first_name", "contact.last_name", "contact.title", "contact.department", "account.name",
          "account.industry", "account.city", "account.country", "owner.name", "owner.email", "owner.phone",
          "account.region")
SENDER = {"name": "Sales desk", "email": "sales@example.com", "postal_address": "1 Example Street, Example Town"}
_WORDS = ("Since your last order we have mended what you told us about: deliveries come on the day they were promised, "
          "invoices name your own order number, and one person answers when you call. ")


def _content() -> dict[str, Any]:
    lines = "\n".join(f"{name.replace('.', ' ')}: {{{{ {name} }}}}" for name in FIELDS)
    items = "".join(f"<li>{name.replace('.', ' ')}: <b>{{{{ {name} }}}}</b></li>" for name in FIELDS)
    end = "{{ sender.postal_address }}"
    return {
        "subject": "{{ contact.first_name }}, news for {{ account.name }}", "sender": SENDER,
        "text": f"Dear {{{{ contact.first_name }}}},\n\n{_WORDS * 2}\n\n{lines}\n\n"
                f"Unsubscribe: {{{{ unsubscribe_url }}}}\n{end}\n",
        "html": f"<html><body><p>Dear {{{{ contact.first_name }}}},</p><p>{_WORDS * 2}</p><ul>{items}</ul>"
                f'<p><a href="{{{{ unsubscribe_url }}}}">Unsubscribe</a><br>{end}</p></body></html>',
    }


# accepted messages, different ones, seconds from the first MAIL to the last acceptance
Count = Callable[[], tuple[int, int, float]]


@dataclass(frozen=True)
class Figures:
    """What one side needed: seconds of time, CPU seconds of the sending processes, and of the database server."""

    messages: int
    seconds: float
    cpu: float
    database_cpu: float = 0.0

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def cpu_per_message(self) -> float:
        """Milliseconds, database included."""
        return (self.cpu + self.database_cpu) / self.messages * 1_000


@contextmanager
def _sink() -> Iterator[tuple[int, Count]]:
    process = subprocess.Popen([sys.executable, "-m", "bench.fast_sink"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout

    def count() -> tuple[int, int, float]:
        process.send_signal(signal.SIGUSR1)
        accepted, different, seconds = out.readline().split()
        return int(accepted), int(different), float(seconds)

    try:
        yield int(out.readline()), count
    finally:
        process.kill()
        process.wait()


def _fork(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def _measure(works: list[Callable[[], object]]) -> float:
    """Run the works in a process each; their CPU seconds together, children included."""
    pids = [_fork(work) for work in works]
    cpu = 0.0
    for pid in pids:
        _pid, status, usage = os.wait4(pid, 0)
        if status:
            raise SystemExit("a sending process failed; see above")
        cpu += usage.ru_utime + usage.ru_stime
    return cpu


def _fill(messages: int) -> list[dict[str, Any]]:
    """People, a running campaign and one due delivery each; the same rows for the plain script."""
    from sqlalchemy import insert, select, text, update

    from abm.accounts.models import Account
    from abm.all_models import metadata
    from abm.contacts.models import Contact
    from abm.users.models import User
    from campaigns.models import Delivery
    from core import clock, db
    from tests.outbox_factory import add_people, make_run

    metadata.drop_all(db.engine())
    metadata.create_all(db.engine())
    content = _content()
    words = {name: content[name] for name in ("subject", "text", "html")}
    step = {"id": "news", "channel": "email", "after": "0 days", **words}
    with db.transaction() as session:
        owner = session.scalars(insert(User).returning(User), [
            {"email": "owner@example.com", "name": "Olga Owner", "phone": "+33 1 23 45", "role": "sales",
             "created_at": clock.now()}]).one()
        add_people(session, make_run(session, step=step, sender=SENDER), messages, step=step, accounts=messages // 4,
                   title="Head of buying", department="Purchasing")
        session.execute(update(Account).values(industry="Retail", city="Lyon", country="FR", region="East",
                                               owner_id=owner.id))
    from abm.outreach.people import get_content_values

    with db.reading() as session:
        people = session.execute(select(Delivery.id, Contact.id, Contact.email)
                                 .join(Contact, Contact.id == Delivery.contact_id)).all()
        values = get_content_values(session, [row[1] for row in people])
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))
    return [{"id": row[0], "address": row[2], "values": values[row[1]],
             "name": f"{values[row[1]]['contact']['first_name']} {values[row[1]]['contact']['last_name']}"}
            for row in people]


def _measure_plain(rows: list[dict[str, Any]], port: int, count: Count) -> Figures:
    share = -(-len(rows) // PROCESSES)
    parts = [rows[start:start + share] for start in range(0, len(rows), share)]
    send = partial(send_all, port=port, content=_content(), key=b"k" * 32, base_url="http://127.0.0.1:8000")
    cpu = _measure([partial(send, part) for part in parts])
    return _checked(len(rows), cpu, 0.0, count)


def _measure_ours(messages: int, count: Count) -> Figures:
    from campaigns.dispatch import DrainOptions, drain
    from core import db
    from tests.outbox_factory import states

    def drain_all() -> None:
        db.dispose()
        drain(options=DrainOptions(seconds=600))

    db.engine().dispose()
    before = _settled(_postgres_cpu)
    cpu = _measure([drain_all] * PROCESSES)
    database_cpu = _settled(_postgres_cpu) - before
    if states() != {"sent": messages}:
        raise SystemExit(f"the books are wrong: {states()}")
    return _checked(messages, cpu, database_cpu, count)


def _checked(messages: int, cpu: float, database_cpu: float, count: Count) -> Figures:
    accepted, different, seconds = count()
    if accepted != messages or different != messages:
        raise SystemExit(f"the sink accepted {accepted} messages, {different} different ones, of {messages}")
    return Figures(messages, seconds, cpu, database_cpu)


def _settled(read: Callable[[], float]) -> float:
    """The figure once it stands still: a server process that is just ending is counted nowhere for a moment."""
    figure, again = read(), -1.0
    while figure != again:
        time.sleep(0.5)
        figure, again = read(), figure
    return figure


def _postgres_cpu() -> float:
    """CPU seconds of the temporary server's processes, ended ones included; 0 with a server of somebody else."""
    ticks = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parts = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            own, parent = ((Path("/proc") / pid / "cmdline").read_bytes() for pid in (folder.name, parts[1]))
        except OSError:
            continue
        if MARK in own:
            ticks += sum(int(part) for part in parts[11:15])
        elif MARK in parent and own.startswith(b"postgres:"):
            ticks += int(parts[11]) + int(parts[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--url", help="an empty PostgreSQL database; left out: a temporary server with fsync")
    parser.add_argument("--connections", type=int, default=4, help="SMTP connections per process")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("stopped"))
    with (nullcontext(given.url) if given.url else temporary_server()) as url, _sink() as (port, count), \
            tempfile.TemporaryDirectory(prefix="abm-bench-") as folder:
        os.environ.update(ABM_DATA_DIR=folder, ABM_DATABASE_URL=url, ABM_SECRET_KEY="benchmark-key-" * 4,
                          ABM_MAIL_URL=f"smtp://127.0.0.1:{port}?connections={given.connections}")
        from abm.wiring import connect_engine

        connect_engine()
        rows = _fill(given.messages)
        plain = _measure_plain(rows, port, count)
        ours = _measure_ours(given.messages, count)
    _print(plain, ours)


def _print(plain: Figures, ours: Figures) -> None:
    print(f"{'':14}{'messages/s':>12}{'CPU ms/message':>16}{'of it database':>16}")
    for name, one in (("plain script", plain), ("outbox", ours)):
        database = one.database_cpu / one.messages * 1_000
        print(f"{name:14}{one.rate:12.0f}{one.cpu_per_message:16.3f}{database:16.3f}")
    print(f"speed ratio {ours.rate / plain.rate:.2f} x (at least 3), "
          f"CPU ratio {ours.cpu_per_message / plain.cpu_per_message:.2f} (at most 0.33)")


if __name__ == "__main__":
    main()
