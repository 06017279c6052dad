"""F13: mail servers that answer each verb badly in each way, or whose certificates are none to trust."""

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaigns.channels import smtp_line
from campaigns.dispatch import drain
from core.settings import settings
from tests.faults.cases import DEFERRED, FAILED, SENT, UNKNOWN, Cases, States, words
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene
from tests.sink import Script
from tests.tls_relay import Certificates, Seen, relay

ANSWERS = {"421": "421 busy", "4xx": "451 4.3.0 later", "5xx": "550 5.7.1 no", "drop": "drop", "hang": "hang",
           "drip": "drip", "not SMTP": "good evening", "endless": "250 " + "x" * 70_000}


@dataclass(frozen=True)
class Verb:
    """Where a case is broken: what else the script says, and how many messages it needs."""

    name: str
    before: dict[str, str] = field(default_factory=dict)
    query: str = ""
    login: str = ""
    extensions: tuple[str, ...] = ("PIPELINING", "STARTTLS")
    people: int = 1
    skip: int = 0
    times: int = 1_000_000

    def script(self, how: str) -> Script:
        return Script({**self.before, self.name: ANSWERS[how]}, extensions=self.extensions, skip=self.skip,
                      times=self.times)

    def expected(self, how: str) -> States:
        """T6 to T9."""
        if self.name == "rset":
            return {FAILED: 1, SENT: self.people - 1}
        if self.name == "quit":
            return {SENT: 1}
        is_doubt = self.name == "dot" and not how[0].isdigit()
        is_final = how == "5xx" and self.name in ("mail", "rcpt", "data", "dot")
        state = UNKNOWN if is_doubt else FAILED if is_final else DEFERRED
        return {state: 1} | ({SENT: self.skip} if self.skip else {})


VERBS = {
    "connect": Verb("connect"),
    "ehlo": Verb("ehlo"),
    "helo": Verb("helo", before={"ehlo": "502 what"}),
    "starttls": Verb("starttls", query="&tls=starttls"),
    "auth": Verb("auth", login="user:secret@", extensions=("AUTH PLAIN",)),
    "mail": Verb("mail"),
    "rcpt": Verb("rcpt"),
    "data": Verb("data"),
    "dot": Verb("dot"),
    "next mail": Verb("mail", people=2, skip=1),
    "rset": Verb("rset", before={"rcpt": "550 5.1.1 no such user"}, people=4, times=1),
    "quit": Verb("quit"),
}


@fault("F13", "each verb answered badly in each way", rounds=12, messages=0, long=Plan(len(VERBS) * len(ANSWERS), 0))
def spoil_verbs(scene: Scene, plan: Plan) -> Verdict:
    """`rounds`: how many of the 96 cases, chosen by chance. Each lands in its state; what is deferred is accepted once
    by a server that is well."""
    cases = Cases(scene)
    table = {verb: dict.fromkeys(ANSWERS, "") for verb in VERBS}
    everything = [(verb, how) for verb in VERBS for how in ANSWERS]
    for name, how in plan.chance().sample(everything, min(plan.rounds, len(everything))):
        verb = VERBS[name]
        cases.send(verb.script(how), verb.people, query=verb.query, login=verb.login)
        table[name][how] = words(cases.compare(f"{how} at {name}", verb.expected(how)))
    verdict = cases.verdict()
    verdict.table = [["verb", *ANSWERS], *([name, *row.values()] for name, row in table.items())]
    return verdict


# What the relay does: how its certificate is made and whether EHLO offers STARTTLS; good ones are in the list as well.
CERTIFICATES: dict[str, tuple[dict[str, Any], bool, str]] = {
    "a good certificate": ({}, True, SENT),
    "an expired certificate": ({"days": -1}, True, DEFERRED),
    "a certificate for another host": ({"address": "127.0.0.9"}, True, DEFERRED),
    "a certificate of an unknown CA": ({"is_known": False}, True, DEFERRED),
    "STARTTLS not offered": ({}, False, DEFERRED),
}


@fault("F13", "certificates that are none to trust, STARTTLS taken away, a login that fails during a run", rounds=1,
       messages=3, long=Plan(4, 20))
def spoil_certificates(scene: Scene, plan: Plan) -> Verdict:
    """Neither login nor mail goes over a line that is not protected, and nothing falls back."""
    cases, before = Cases(scene), os.environ.get("SSL_CERT_FILE")
    known, strangers = (Certificates(_folder(scene, name)) for name in ("known", "strangers"))
    os.environ["SSL_CERT_FILE"] = str(known.ca)
    smtp_line.verified_context.cache_clear()
    try:
        for number in range(plan.rounds):
            for name, (made, offers, state) in CERTIFICATES.items():
                given = dict(made)
                authority = known if given.pop("is_known", True) else strangers
                tls = "implicit" if number % 2 and offers else "starttls"
                _send_protected(scene, cases, authority.context(**given), plan.messages, tls=tls, offers=offers)
                cases.compare(f"{name}, {tls}", {state: plan.messages})
            _send_protected(scene, cases, known.context(), plan.messages, tls="starttls", logins=0)
            cases.compare("a login that fails", {DEFERRED: plan.messages})
    finally:
        os.environ.pop("SSL_CERT_FILE")
        if before is not None:
            os.environ["SSL_CERT_FILE"] = before
        smtp_line.verified_context.cache_clear()
    return cases.verdict()


def _folder(scene: Scene, name: str) -> Path:
    made = scene.folder / name
    made.mkdir()
    return made


def _send_protected(scene: Scene, cases: Cases, context: ssl.SSLContext, people: int, *, tls: str, offers: bool = True,
                    logins: int = 1_000) -> None:
    seen, usual = Seen(), settings().mail_url
    with cases.adding(people), relay(seen, context=context, implicit=tls == "implicit", offers=offers,
                                     logins=logins) as port:
        scene.set_environment(ABM_MAIL_URL=f"smtp://user:hunter2@127.0.0.1:{port}?tls={tls}&connections=1")
        drain()
    scene.set_environment(ABM_MAIL_URL=usual)
    if bare := [verb for verb, is_safe in seen.heard if verb in ("auth", "mail", "data") and not is_safe]:
        cases.wrong.append(f"{bare} over a line without protection")
    with scene.sink_log.open("a") as log:
        log.writelines(f"{one}\n" for one in seen.message_ids)
