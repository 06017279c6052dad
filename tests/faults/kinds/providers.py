"""F16: providers over HTTP that limit, fail after they accepted, answer with something else, or send a bomb."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import update

from campaigns.channels import email
from campaigns.channels.http import HttpCarrier, HttpLimits
from campaigns.dispatch import drain
from campaigns.models import SendingIdentity
from core.db import transaction
from core.secrets import encrypt
from tests.faults.cases import DEFERRED, FAILED, SENT, UNKNOWN, Cases, words
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene
from tests.provider import KEY, Provider, each_once, running_provider
from tests.sending_factory import make_identity

QUICK = HttpLimits(request=0.4, doubt=1.5, busy=0.8)
PEOPLE = 3
# What a provider does: the state of the one message when it does so every time. Once: all are sent, made once.
FAULTS = {
    "429 and when to come again": ("429 0", DEFERRED),
    "500 after it accepted": ("500 after accept", UNKNOWN),
    "time-out after it accepted": ("time-out after accept", UNKNOWN),
    "drop after it accepted": ("drop after accept", UNKNOWN),
    "200 with a page of HTML": ("html", UNKNOWN),
    "a gzip bomb": ("bomb", UNKNOWN),
    "an answer without end": ("drip", UNKNOWN),
    "409: asked twice at once": ("concurrent", UNKNOWN),
}
FOR_GOOD = {"422, not valid": ("422", FAILED), "a redirect into the own network": ("redirect", DEFERRED)}
ALWAYS = FAULTS | FOR_GOOD


@contextmanager
def _impatient() -> Iterator[None]:
    real = email.HttpCarrier
    email.HttpCarrier = (  # type: ignore[misc,assignment]
        lambda route, journal, may_begin: HttpCarrier(route, journal, may_begin, QUICK))
    try:
        yield
    finally:
        email.HttpCarrier = real  # type: ignore[misc]


@fault("F16", "a provider over HTTP that limits, fails after it accepted, or answers with nonsense", rounds=1,
       messages=0, long=Plan(2, 0))
def spoil_answers(scene: Scene, plan: Plan) -> Verdict:
    """The same key and bytes are asked again while nobody knows; the provider makes nothing twice."""
    scene.set_environment(ABM_ALLOWED_HOSTS="127.0.0.1")
    cases, table = Cases(scene), {name: ["", ""] for name in ALWAYS}
    with transaction() as session:
        make_identity(session, kind="resend", base_url="http://127.0.0.1:9", secret_sealed=encrypt(KEY), connections=1)
    with _impatient():
        for _ in range(plan.rounds):
            for name, (script, _state) in FAULTS.items():
                _ask(scene, cases, [script], PEOPLE)
                table[name][0] = words(cases.compare(f"{name}, once", {SENT: PEOPLE}))
            for name, (script, state) in _chosen(plan):
                _ask(scene, cases, [script] * 50, 1)
                table[name][1] = words(cases.compare(f"{name}, always", {state: 1}))
        _use("operator", "")
        verdict = cases.verdict()
    verdict.table = [["", "once", "every time"], *([name, *row] for name, row in table.items())]
    return verdict


def _chosen(plan: Plan) -> list[tuple[str, tuple[str, str]]]:
    """Waiting until nobody can know takes a second each: the short run picks some."""
    return list(ALWAYS.items()) if plan.is_long else plan.chance().sample(list(ALWAYS.items()), 3)


def _ask(scene: Scene, cases: Cases, script: list[str], people: int) -> None:
    """What the provider made goes into the scene's log, since it is what was accepted."""
    with cases.adding(people), running_provider(script) as (provider, url):
        _use("resend", url)
        drain()
        made = _message_ids(provider)
        if not each_once(provider):
            cases.wrong.append(f"{script[0]}: made twice, or one key for two messages")
    with scene.sink_log.open("a") as log:
        log.writelines(f"{one}\n" for one in made)


def _use(kind: str, url: str) -> None:
    with transaction() as session:
        session.execute(update(SendingIdentity).values(kind=kind, base_url=url))


def _message_ids(provider: Provider) -> list[str]:
    return [made["headers"]["Message-ID"] for made in provider.made]
