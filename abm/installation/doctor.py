"""`abm doctor`: what is wrong with this installation and what to do about it."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from abm.installation.schema import newest_revision, present_revision
from core.errors import CannotRun
from core.settings import is_loopback, settings

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: its level, what was seen, and what to do (empty when nothing)."""

    name: str
    level: str
    text: str
    fix: str = ""


def examine() -> list[Finding]:
    """Every check; one that breaks is an error of its own and does not end the others."""
    findings: list[Finding] = []
    for check in (_python, _settings, _data_folder, _database, _queue, _workers, _mail, _senders, _address, _people):
        findings.extend(_guarded(check))
    return findings


def as_answer(findings: list[Finding]) -> dict[str, Any]:
    return {"ok": all(item.level != ERROR for item in findings), "checks": [asdict(item) for item in findings]}


def as_text(checks: Sequence[Mapping[str, str]]) -> str:
    """One line per finding of `as_answer`; what is said begins below each other, however long the names are."""
    width = max(_NAME_WIDTH, *(len(item["name"]) + 2 for item in checks))
    return "\n".join(f"{item['level']:8}{item['name']:{width}}{item['text']}"
                     f"{' → ' + item['fix'] if item['fix'] else ''}" for item in checks)


_NAME_WIDTH = 14


def _guarded(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(check())
    except CannotRun as error:
        return [Finding(check.__name__.strip("_"), ERROR, str(error))]


def _python() -> Iterator[Finding]:
    yield Finding(
        "python", OK, f"Python {sys.version.split()[0]}, Jinja2 {version('jinja2')}, tzdata {version('tzdata')}"
    )


def _settings() -> Iterator[Finding]:
    own = settings()
    yield Finding("settings", OK, f"database {'SQLite' if own.is_sqlite else 'PostgreSQL'}, zone {own.timezone}")
    if len(own.secret_key.split(",")[0]) < 32:
        yield Finding("secret key", ERROR, "ABM_SECRET_KEY is shorter than 32 characters", "set 32 random bytes")


def _data_folder() -> Iterator[Finding]:
    folder = settings().data_dir
    if not os.access(folder, os.W_OK):
        yield Finding("data folder", ERROR, f"{folder} cannot be written", "give the product's user the right to write")
    free = shutil.disk_usage(folder).free // 2**20
    level = OK if free > 1024 else WARNING if free > 200 else ERROR
    yield Finding(
        "disk", level, f"{free:,} MB free", "" if level == OK else "free some space: sending stops on a full disk"
    )


def _database() -> Iterator[Finding]:
    present = present_revision()
    if present == newest_revision():
        yield Finding("database", OK, f"reachable, at revision {present}")
    else:
        yield Finding("database", ERROR, f"at revision {present}, expected {newest_revision()}", "run `abm db upgrade`")


def _queue() -> Iterator[Finding]:
    from core.jobs.queue import bell

    try:
        server = bell()
        server.ping()
        policy = str(server.config_get("maxmemory-policy").get("maxmemory-policy", ""))
    except RedisError as error:
        yield Finding(
            "queue", ERROR, f"the queue server does not answer ({type(error).__name__})", "check ABM_REDIS_URL"
        )
        return
    if policy.startswith("allkeys"):
        yield Finding("queue", ERROR, f"the queue server may evict jobs ({policy})", "set maxmemory-policy noeviction")
    else:
        yield Finding("queue", OK, "answers, keeps jobs")


def _workers() -> Iterator[Finding]:
    from rq import Worker

    from core.jobs.queue import JobQueue, bell, rq_queue

    try:
        counts = {queue: Worker.count(queue=rq_queue(queue, client=bell())) for queue in JobQueue}
    except RedisError:
        return
    told = f"{sum(counts.values())} at work"
    idle = [queue.value for queue, count in counts.items() if not count]
    if not idle:
        yield Finding("workers", OK, told)
    elif len(idle) == len(counts):
        yield Finding("workers", WARNING, told, "run bin/start or `abm work`")
    else:
        yield Finding("workers", WARNING, f"{told}, none for {' and '.join(idle)}", f"run `python worker.py {idle[0]}`")


def _mail() -> Iterator[Finding]:
    parts = urlsplit(settings().mail_url)
    if parts.scheme == "outbox":
        yield Finding("mail", OK, f"messages stay on this machine, in {settings().outbox_dir}")
        return
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 25), timeout=5):
            yield Finding("mail", OK, f"{parts.hostname} answers")
    except OSError as error:
        yield Finding(
            "mail", ERROR, f"{parts.hostname} does not answer: {error.strerror or error}", "check ABM_MAIL_URL"
        )


def _senders() -> Iterator[Finding]:
    from abm.sending.doctor import look_at_senders

    if present_revision() == newest_revision():
        yield from (Finding(*seen) for seen in look_at_senders())


def _address() -> Iterator[Finding]:
    host = urlsplit(settings().base_url).hostname or ""
    if not settings().is_https and not is_loopback(host):
        yield Finding("address", WARNING, "pages are served without https", "put a proxy with a certificate in front")
    else:
        yield Finding("address", OK, settings().base_url)


def _people() -> Iterator[Finding]:
    from abm.users.queries import count_users
    from core import db

    if present_revision() is None:
        return
    with db.reading() as session:
        count = count_users(session)
    yield Finding(
        "users",
        OK if count else WARNING,
        f"{count} users",
        "" if count else "create one: `abm users create EMAIL --role admin`",
    )
