"""F14 and F15: mail servers that break off around the dot or drip, and such that close lines which were kept open."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import func, select, update

from campaigns.channels.base import Outgoing
from campaigns.channels.smtp import SmtpCarrier
from campaigns.channels.smtp_dialogue import Limits
from campaigns.models import Attempt, SendingIdentity
from core.db import reading, transaction
from tests.faults.cases import DEFERRED, SENT, UNKNOWN, Cases, States
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene
from tests.sending_factory import make_identity
from tests.sink import Script

PATIENT = Limits(opening=2.0, step=4.0, answer=1.2, slow=0.2)
ONE_IN_DOUBT: States = {SENT: 5, UNKNOWN: 1}
DOTS: dict[str, tuple[Script, States]] = {
    "accepted, then a drop": (Script({"dot": "accept and drop"}, times=1), ONE_IN_DOUBT),
    "accepted, then a reset": (Script({"dot": "accept and reset"}, times=1), ONE_IN_DOUBT),
    "a drop after the dot": (Script({"dot": "drop"}, times=1), ONE_IN_DOUBT),
    "silence after the dot": (Script({"dot": "hang"}, times=1), ONE_IN_DOUBT),
    "bytes without end after the dot": (Script({"dot": "drip"}, times=1), ONE_IN_DOUBT),
    "250 byte by byte": (Script({"dot": "slow accept"}, times=1), {SENT: 6}),
    "a reset at the goodbye": (Script({"quit": "reset"}), {SENT: 6}),
}
BEFORE_THE_DOT = "a reset before the dot"


class _Padded(SmtpCarrier):
    """Its messages are larger than what the system takes at once, so that their dot has not left yet."""

    def hand_over(self, messages: Sequence[Outgoing]) -> None:
        pad = (b"x" * 70 + b"\r\n") * 333_000
        super().hand_over([replace(one, wire=one.wire + pad) for one in messages])


@fault("F14", "silence, drops and drips around the final dot", rounds=1, messages=0, long=Plan(3, 0))
def break_around_the_dot(scene: Scene, plan: Plan) -> Verdict:
    """After the dot it is doubt and never sent again; before it, or dripped in time, nothing is in doubt."""
    cases = Cases(scene)
    for _ in range(plan.rounds):
        for name, (script, expected) in _chosen(plan):
            cases.send(script, sum(expected.values()), limits=PATIENT)
            cases.compare(name, expected)
        cases.send(Script({"content": "reset"}, times=1, window=65_536), 1, limits=PATIENT, carrier=_Padded)
        cases.compare(BEFORE_THE_DOT, {DEFERRED: 1})
    return cases.verdict()


def _chosen(plan: Plan) -> list[tuple[str, tuple[Script, States]]]:
    """The short run picks some; single tests have them all."""
    return list(DOTS.items()) if plan.is_long else plan.chance().sample(list(DOTS.items()), 4)


@fault("F15", "lines closed by the server after some messages, or when they are idle", rounds=1, messages=60,
       long=Plan(2, 1_000))
def close_kept_lines(scene: Scene, plan: Plan) -> Verdict:
    """No message fails for it: each was sent at its first try."""
    cases, idle = Cases(scene), max(4, plan.messages // 100)
    with transaction() as session:
        make_identity(session)
    for _ in range(plan.rounds):
        for after in (1, plan.messages // 10):
            cases.send(Script(close_after=after), plan.messages, connections=3, limits=PATIENT)
            cases.compare(f"closed after {after}", {SENT: plan.messages})
        _send_per_second(1)
        cases.send(Script(close_idle_after=0.3), idle, limits=PATIENT)
        cases.compare("closed when idle", {SENT: idle})
        _send_per_second(0)
    verdict = cases.verdict()
    with reading() as session:
        failed = session.scalar(select(func.count()).select_from(Attempt).where(Attempt.outcome != SENT))
    if failed:
        verdict.broken.append(f"{failed} tries failed")
    return verdict


def _send_per_second(messages: int) -> None:
    with transaction() as session:
        session.execute(update(SendingIdentity).values(per_second=messages))
