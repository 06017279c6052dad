"""Messages added case by case to one campaign, each case sent through a mail server with a script of its own."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import delete, func, select, update

from campaigns.channels.base import HandOverJournal, MayBegin
from campaigns.channels.relay import Relay, read_relay
from campaigns.channels.smtp import SmtpCarrier
from campaigns.channels.smtp_dialogue import Limits
from campaigns.dispatch import DrainOptions, drain
from campaigns.models import Delivery, RelayHealth
from core import clock
from core.db import transaction
from tests.faults.judge import judge
from tests.faults.registry import Verdict
from tests.faults.scene import Scene
from tests.outbox_factory import add_people, lift_caps, make_run
from tests.sink import Script, running_sink

QUICK = Limits(opening=0.3, step=0.3, answer=0.4, slow=0.1)
DEFERRED, FAILED, SENT, UNKNOWN = "deferred", "failed_permanent", "sent", "unknown"
States = dict[str, int]


class Cases:
    """What a case leaves is noted, and out of the next one's way until `verdict` sends what was deferred."""

    def __init__(self, scene: Scene) -> None:
        self._scene, self._people, self._ids = scene, 0, list[int]()
        self._expected: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.done = 0
        with transaction() as session:
            lift_caps(session)
            self._running = make_run(session)

    @contextmanager
    def adding(self, people: int) -> Iterator[None]:
        """Whose messages the case is about."""
        with transaction() as session:
            last = session.scalar(select(func.max(Delivery.id))) or 0
            add_people(session, self._running, people, first=self._people + 1)
            self._ids = list(session.scalars(select(Delivery.id).where(Delivery.id > last)))
        self._people += people
        yield

    def send(self, script: Script, people: int, *, query: str = "", login: str = "", connections: int = 1,
             limits: Limits = QUICK, carrier: type[SmtpCarrier] = SmtpCarrier) -> None:
        """One drain through a sink with this script."""
        with self.adding(people), running_sink(script, log=self._scene.sink_log) as (_sink, port):
            relay = read_relay(f"smtp://{login}127.0.0.1:{port}?connections={connections}{query}")
            drain(options=_through(relay, limits, carrier))

    def compare(self, name: str, expected: States) -> States:
        """The states of this case's messages; what is to be tried again waits for the end."""
        with transaction() as session:
            mine = Delivery.id.in_(self._ids)
            found = Counter(session.scalars(select(Delivery.state).where(mine)))
            session.execute(update(Delivery).where(mine, Delivery.state.in_((DEFERRED, "queued"))).values(
                due_at=clock.now() + timedelta(hours=20)))
            session.execute(delete(RelayHealth))
        if dict(found) != expected:
            self.wrong.append(f"{name} left {words(found)}, not {words(expected)}")
        self._expected.update(expected)
        self.done += 1
        return dict(found)

    def verdict(self) -> Verdict:
        """What was deferred is sent by the scene's own sink, which is well; then all is compared with its log."""
        with transaction() as session:
            session.execute(update(Delivery).where(Delivery.state.in_((DEFERRED, "queued"))).values(
                due_at=clock.now() - timedelta(minutes=1)))
        self._scene.send_the_rest()
        verdict = judge(self._scene, intended=self._people, most_unknown=self._expected[UNKNOWN],
                        refused=self._expected[FAILED])
        verdict.broken += self.wrong
        verdict.notes.append(f"{self.done} cases, {self.done - len(self.wrong)} in their state")
        return verdict


def words(found: States) -> str:
    many = sum(found.values()) > 1
    return ", ".join(f"{count} {state}" if many else state for state, count in sorted(found.items()))


def _through(relay: Relay, limits: Limits, carrier: type[SmtpCarrier]) -> DrainOptions:
    def open_carrier(journal: HandOverJournal, may_begin: MayBegin) -> SmtpCarrier:
        return carrier(relay, journal, may_begin, limits)

    return DrainOptions(open_carrier=open_carrier)
