"""F9: web processes are killed while the database is away and the visits they answered wait for it."""

import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from campaigns.jobs import sweep
from campaigns.models import Delivery, Event
from campaigns.tracking import click_url, open_url
from core import db
from core.settings import settings
from tests.faults.kinds.stops import serve
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene, free_port, wait_until
from tests.outbox_factory import running_campaign

# What was answered within the last two seconds may not be on disk yet.
_UNTIL_WRITTEN = 15.0


@fault("F9", "web processes killed while the database is away and visits wait for it", rounds=1, messages=40,
       needs=("proc",), long=Plan(5, 200))
def kill_web_with_visits(scene: Scene, plan: Plan) -> Verdict:
    """Everybody is answered at once; each visit is counted, and once. `messages`: visits in a round."""
    running_campaign(2)
    scene.send_the_rest()
    with db.reading() as session:
        sent = list(session.scalars(select(Delivery.id)))
    verdict, port = Verdict(plan.messages * plan.rounds), free_port()
    for _ in range(plan.rounds):
        web = scene.fork(lambda: serve(port))
        with suppress(TimeoutError):
            _wait_for(port)
        with db.engine().connect() as holder:
            _hold(holder)
            verdict.broken += _visit(port, sent, plan.messages)
            if not wait_until(lambda: _written() >= plan.messages, _UNTIL_WRITTEN):
                verdict.broken.append(f"{_written()} of {plan.messages} visits were written down")
            web.kill()
            holder.rollback()
        started = time.monotonic()
        wait_until(lambda: sweep() is None and not _left(), 30, every=0.5)
        verdict.recoveries.append(time.monotonic() - started)
    with db.reading() as session:
        kept = session.scalar(select(func.count()).select_from(Event).where(Event.kind.in_(("open", "click")))) or 0
    verdict.lost, verdict.duplicated = max(0, verdict.messages - kept), max(0, kept - verdict.messages)
    verdict.broken += [f"{path.name} was left" for path in _left()]
    return verdict


def _hold(holder: Connection) -> None:
    """Nothing can be written while this connection is open."""
    if settings().is_sqlite:
        holder.execute(text("UPDATE company_setting SET updated_at = updated_at"))
    else:
        holder.execute(text("LOCK TABLE delivery, event, link, company_setting IN ACCESS EXCLUSIVE MODE"))


def _visit(port: int, sent: Sequence[int], visits: int) -> list[str]:
    slowest = 0.0
    for number in range(visits):
        one = sent[number % len(sent)]
        url = open_url(one) if number % 2 else click_url(one, f"http://127.0.0.1:{port}/health")
        started = time.monotonic()
        with suppress(urllib.error.HTTPError):
            _opener.open(f"http://127.0.0.1:{port}/{url.split('/', 3)[3]}", timeout=10)
        slowest = max(slowest, time.monotonic() - started)
    return [f"somebody waited {slowest:.1f} s for an answer"] if slowest > 2 else []


class _Stay(urllib.request.HTTPRedirectHandler):
    """Where a click leads is nobody's business here."""

    def redirect_request(self, *_given: object) -> None:
        return None


_opener = urllib.request.build_opener(_Stay)


def _wait_for(port: int) -> None:
    def answers() -> bool:
        with suppress(OSError):
            return bool(urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=10).read())
        return False

    wait_until(answers, 60)


def _left() -> list[Path]:
    return list(settings().visits_dir.glob("*"))


def _written() -> int:
    return sum(path.read_bytes().count(b"\n") for path in _left())
