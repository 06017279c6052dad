"""Every kind of step: how it is read from a campaign file and written back. A new kind is a class, two functions and
one line of STEP_KINDS."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from campaigns.definition_branches import DEEPEST
from campaigns.definition_contents import (
    given,
    raw_content,
    raw_html,
    read_html,
    read_languages,
    read_letter_words,
    read_spoken_words,
    read_variants,
)
from campaigns.definition_delays import read_delay
from campaigns.definition_values import (
    ACCOUNT_OWNER,
    CONDITIONS,
    BranchStep,
    CallStep,
    Delay,
    EmailStep,
    LetterStep,
    Step,
    Test,
    VisitStep,
    WaitStep,
    WebhookStep,
)
from campaigns.raw_fields import Complaints, RawFields, describe, nearest

Read = Callable[[RawFields, dict[str, Any]], Step]
_ALWAYS = ("id", "channel", "after", "next")
_TOUCHING = (*_ALWAYS, "unless", "offer", "roles")


@dataclass(frozen=True, slots=True)
class StepKind:
    """`names`: what may stand in it. `read` gets the fields and what all steps have, `write` gives the rest."""

    names: tuple[str, ...]
    read: Read
    write: Callable[[Any], Mapping[str, Any]]


def _read_email(fields: RawFields, base: dict[str, Any]) -> Step:
    html, text = read_html(fields), fields.content("text")
    if not html and not text:
        fields.wrong("html", "is missing: an e-mail step needs html, mjml or text")
    return EmailStep(**base, subject=fields.text("subject", required=True, longest=500), html=html, text=text,
                     languages=read_languages(fields), variants=read_variants(fields),
                     track=fields.yes("track", default=True))


def _write_email(step: EmailStep) -> dict[str, Any]:
    languages = {name: raw_content(content) for name, content in step.languages.items()}
    variants = {name: {"share": f"{variant.share}%"} | raw_content(variant.content)
                for name, variant in step.variants.items()}
    written = given(subject=step.subject, **raw_html(step.html), text=step.text, languages=languages, variants=variants)
    return written if step.track else {**written, "track": False}


def _read_call(fields: RawFields, base: dict[str, Any]) -> Step:
    return CallStep(**base, script=fields.content("script") or "", assign_to=fields.text("assign_to", ACCOUNT_OWNER),
                    languages=read_languages(fields, read_spoken_words("script")))


def _write_call(step: CallStep) -> dict[str, Any]:
    languages = {name: given(script=words.text) for name, words in step.languages.items()}
    return given(script=step.script, languages=languages, assign_to=step.assign_to)


def _read_letter(fields: RawFields, base: dict[str, Any]) -> Step:
    body = fields.content("body")
    if not body:
        fields.wrong("body", "is missing: say what the letter says")
    return LetterStep(**base, subject=fields.text("subject", longest=200), body=body or "",
                      languages=read_languages(fields, read_letter_words))


def _write_letter(step: LetterStep) -> dict[str, Any]:
    languages = {name: given(subject=words.subject, body=words.text) for name, words in step.languages.items()}
    return given(subject=step.subject, body=step.body, languages=languages)


def _read_visit(fields: RawFields, base: dict[str, Any]) -> Step:
    return VisitStep(**base, brief=fields.content("brief") or "", assign_to=fields.text("assign_to", ACCOUNT_OWNER),
                     languages=read_languages(fields, read_spoken_words("brief")))


def _write_visit(step: VisitStep) -> dict[str, Any]:
    languages = {name: given(brief=words.text) for name, words in step.languages.items()}
    return given(brief=step.brief, languages=languages, assign_to=step.assign_to)


def _read_webhook(fields: RawFields, base: dict[str, Any]) -> Step:
    url, payload = fields.text("url", required=True, longest=2000), fields.raw.get("payload", {})
    parts = urlsplit(url)
    if url and (parts.scheme not in ("https", "http") or not parts.hostname):
        fields.wrong("url", f"{describe(url)} is not a web address such as https://example.com/hook")
    if not isinstance(payload, Mapping) or not all(isinstance(value, (str, int, float)) for value in payload.values()):
        fields.wrong("payload", f"expected names with texts, found {describe(payload)}")
        payload = {}
    return WebhookStep(**base, url=url, payload={str(name): str(value) for name, value in payload.items()})


def _write_webhook(step: WebhookStep) -> dict[str, Any]:
    return given(url=step.url, payload=dict(step.payload))


def _read_wait(fields: RawFields, base: dict[str, Any]) -> Step:
    if base["after"].amount == 0:
        fields.wrong("after", 'is missing: say how long to wait, such as "3 days"')
    return WaitStep(**base)


def _read_branch(fields: RawFields, base: dict[str, Any]) -> Step:
    inner = RawFields(fields.raw.get("branch", {}), fields.place("branch"), fields.complaints, ("if", "then", "else"))
    for arm in ("then", "else"):
        if isinstance(inner.raw.get(arm), list):  # those within reach have been laid out already
            inner.wrong(arm, f"branches are nested more than {DEEPEST} deep")
    arms = {arm: inner.text(arm, longest=60) or None for arm in ("then", "else")
            if not isinstance(inner.raw.get(arm), list)}
    return BranchStep(**base, test=_read_test(inner), then=arms.get("then"), otherwise=arms.get("else"))


def _read_test(fields: RawFields) -> Test:
    asked = fields.raw.get("if")
    if isinstance(asked, Mapping) and asked:
        return Test(rule=dict(asked))
    if isinstance(asked, str) and asked.strip() in CONDITIONS:
        return Test(event=asked.strip())
    example = "{field: account.tier, is: A}"
    fields.wrong("if", f"expected one of {', '.join(CONDITIONS)} or a rule such as {example}, found {describe(asked)}"
                       f"{nearest(str(asked), CONDITIONS) if isinstance(asked, str) else ''}")
    return Test(event=CONDITIONS[0])


def _write_branch(step: BranchStep) -> dict[str, Any]:
    asked = step.test.event or dict(step.test.rule)
    return {"branch": {"if": asked, **given(then=step.then), **({"else": step.otherwise} if step.otherwise else {})}}


STEP_KINDS: Mapping[str, StepKind] = {
    "email": StepKind((*_TOUCHING, "subject", "html", "mjml", "text", "languages", "variants", "track"), _read_email,
                       _write_email),
    "call": StepKind((*_TOUCHING, "script", "languages", "assign_to"), _read_call, _write_call),
    "letter": StepKind((*_TOUCHING, "subject", "body", "languages"), _read_letter, _write_letter),
    "visit": StepKind((*_TOUCHING, "brief", "languages", "assign_to"), _read_visit, _write_visit),
    "webhook": StepKind((*_TOUCHING, "url", "payload"), _read_webhook, _write_webhook),
    "wait": StepKind(_ALWAYS, _read_wait, lambda _step: {}),
    "branch": StepKind((*_ALWAYS, "branch"), _read_branch, _write_branch),
}


def read_step(raw: Any, place: str, complaints: Complaints, read_name: Callable[[RawFields], str]) -> Step | None:
    """One step; None with a complaint where not even its kind is known."""
    assumed = "branch" if isinstance(raw, Mapping) and "branch" in raw else "email"
    channel = raw.get("channel", assumed) if isinstance(raw, Mapping) else assumed
    if channel not in STEP_KINDS:
        complaints.add(f"{place}.channel", f"{describe(channel)} is not one of {', '.join(STEP_KINDS)}"
                                           f"{nearest(str(channel), STEP_KINDS)}")
        return None
    kind = STEP_KINDS[channel]
    fields = RawFields(raw, place, complaints, kind.names)
    base: dict[str, Any] = {"id": read_name(fields), "after": read_delay(fields),
                            "next": fields.text("next", longest=60) or None}
    if "unless" in kind.names:
        base |= {"unless": fields.choices("unless", CONDITIONS, ()), "roles": fields.words("roles"),
                 "offer": fields.text("offer", longest=100) or None}
    return kind.read(fields, base)


def write_step(step: Step) -> dict[str, Any]:
    """The step in the form of a campaign file; `read_step` is the way back."""
    raw: dict[str, Any] = {"id": step.id, "channel": step.channel}
    if step.channel != "branch" or step.after != Delay():
        raw["after"] = str(step.after)
    if step.unless:
        raw["unless"] = step.unless[0] if len(step.unless) == 1 else list(step.unless)
    rest = STEP_KINDS[step.channel].write(step)
    return {**raw, **given(roles=list(step.roles), offer=step.offer), **rest, **given(next=step.next)}
