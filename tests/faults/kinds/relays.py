"""F13: mail servers that answer each verb badly in each way, or whose certificates are none to trust."""

from dataclasses import dataclass, field

from tests.faults.cases import DEFERRED, FAILED, SENT, UNKNOWN, Cases, States, words
from tests.faults.registry import Plan, Verdict, fault
from tests.faults.scene import Scene
from tests.sink import Script

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
