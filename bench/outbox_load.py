"""What the benchmarks of sending share: one content, a counting sink, measured processes, an outbox of due messages."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.postgres import MARK, temporary_server

ROOT = Path(__file__).resolve().parent.parent
FIELDS = ("contact.first_name", "contact.last_name", "contact.title", "contact.department", "account.name",
          "account.industry", "account.city", "account.country", "owner.name", "owner.email", "owner.phone",
          "account.region")
SENDER = {"name": "Sales desk", "email": "sales@example.com", "postal_address": "1 Example Street, Example Town"}
_WORDS = ("Since your last order we have mended what you told us about: deliveries come on the day they were promised, "
          "invoices name your own order number, and one person answers when you call. ")


def content() -> dict[str, Any]:
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
def database(kind: str) -> Iterator[tuple[str, str]]:
    """The URL of an empty database and a data folder; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="abm-bench-") as folder:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/abm.db", folder
        else:
            with temporary_server() as url:
                yield url, folder


@contextmanager
def sink(delay: float = 0.0) -> Iterator[tuple[int, Count]]:
    """The port of a sink, and what asks it for its count. `delay`: seconds until each message is answered."""
    process = subprocess.Popen([sys.executable, "-m", "bench.fast_sink", str(delay)], cwd=ROOT, stdout=subprocess.PIPE,
                               text=True)
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


def measure(works: list[Callable[[], object]]) -> float:
    """Run the works in a process each; their CPU seconds together, children included."""
    pids = [_fork(work) for work in works]
    cpu = 0.0
    for pid in pids:
        _pid, status, usage = os.wait4(pid, 0)
        if status:
            raise SystemExit("a sending process failed; see above")
        cpu += usage.ru_utime + usage.ru_stime
    return cpu


def _fork(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # whatever it was, this process ends here and must say why
        traceback.print_exc()
    finally:
        os._exit(code)


def checked(messages: int, cpu: float, database_cpu: float, count: Count) -> Figures:
    """The figures, when the sink has every message once."""
    accepted, different, seconds = count()
    if accepted != messages or different != messages:
        raise SystemExit(f"the sink accepted {accepted} messages, {different} different ones, of {messages}")
    return Figures(messages, seconds, cpu, database_cpu)


def fill_outbox(messages: int, *, signs: bool = False) -> list[dict[str, Any]]:
    """People, a running campaign and one due delivery each; the same rows for others to send. `signs`: RSA 2048."""
    from sqlalchemy import insert, select, text, update

    from abm.accounts.models import Account
    from abm.all_models import metadata
    from abm.contacts.models import Contact
    from abm.users.models import User
    from campaigns.models import Delivery
    from campaigns.sending.dkim_keys import activate_key, make_key
    from core import clock, db
    from tests.outbox_factory import add_people, make_run
    from tests.sending_factory import make_identity

    metadata.drop_all(db.engine())
    metadata.create_all(db.engine())
    words = {name: content()[name] for name in ("subject", "text", "html")}
    step = {"id": "news", "channel": "email", "after": "0 days", **words}
    with db.transaction() as session:
        owner = session.scalars(insert(User).returning(User), [
            {"email": "owner@example.com", "name": "Olga Owner", "phone": "+33 1 23 45", "role": "sales",
             "created_at": clock.now()}]).one()
        if signs:
            activate_key(session, key=make_key(session, identity=make_identity(session, SENDER["email"])))
        add_people(session, make_run(session, step=step, sender=SENDER), messages, step=step, accounts=messages // 4,
                   title="Head of buying", department="Purchasing")
        session.execute(update(Account).values(industry="Retail", city="Lyon", country="FR", region="East",
                                               owner_id=owner.id))
    from abm.outreach.people import get_content_values

    with db.reading() as session:
        people = session.execute(select(Delivery.id, Contact.id, Contact.email)
                                 .join(Contact, Contact.id == Delivery.contact_id)).all()
        values = get_content_values(session, [row[1] for row in people])
    is_postgres = db.engine().dialect.name == "postgresql"
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for order in ("VACUUM ANALYZE", "CHECKPOINT") if is_postgres else ("ANALYZE",):
            connection.execute(text(order))
    return [{"id": row[0], "address": row[2], "values": values[row[1]],
             "name": f"{values[row[1]]['contact']['first_name']} {values[row[1]]['contact']['last_name']}"}
            for row in people]


def drain_outbox(messages: int, processes: int, count: Count) -> Figures:
    """Send what is due with so many processes; the books must say afterwards that everything is sent."""
    from campaigns.dispatch import DrainOptions, drain
    from core import db
    from tests.outbox_factory import states

    def drain_all() -> None:
        db.dispose()
        drain(options=DrainOptions(seconds=900))

    db.use_durable_commits()
    db.engine().dispose()
    before = settled(postgres_cpu)
    cpu = measure([drain_all] * processes)
    database_cpu = settled(postgres_cpu) - before
    if states() != {"sent": messages}:
        raise SystemExit(f"the books are wrong: {states()}")
    return checked(messages, cpu, database_cpu, count)


def settled(read: Callable[[], float]) -> float:
    """The figure once it stands still: a server process that is just ending is counted nowhere for a moment."""
    figure, again = read(), -1.0
    while figure != again:
        time.sleep(0.5)
        figure, again = read(), figure
    return figure


def postgres_cpu() -> float:
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
        elif MARK in parent:  # one that has ended and is not buried yet has no command line any more
            ticks += int(parts[11]) + int(parts[12])
    return ticks / os.sysconf("SC_CLK_TCK")
