"""What is wrong with content before anybody gets it: what the law asks for, and what mail programs punish."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from campaigns.contents import Words, every_wording
from campaigns.definition import Definition, EmailStep, Step
from campaigns.sandbox import Template, compile_template
from campaigns.sandbox_rules import ContentRefused
from campaigns.step_texts import texts_of

GMAIL_CLIPS_AT = 102_000
MAX_LINKS = 40
_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_HREF = re.compile(r"""\b(?:href|src|action)\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
_BAD_SCHEME = re.compile(r"^(javascript|data|vbscript|file):", re.IGNORECASE)
_UNSUBSCRIBE = (("unsubscribe_url",), ("preferences_url",))
_POSTAL_ADDRESS = ("sender", "postal_address")


class Level(StrEnum):
    """`block` keeps a launch from happening, `warn` is for people to weigh."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: `part` is subject, html, text or script, `wording` a variant or language."""

    level: Level
    step: str
    part: str
    message: str
    wording: str = ""

    def __str__(self) -> str:
        where = f"{self.step} ({self.wording})" if self.wording else self.step
        return f"Step {where}, {self.part}: {self.message}"


def lint(definition: Definition) -> list[Finding]:
    """Everything worth mending, what blocks a launch first."""
    found = [finding for step in definition.steps for finding in _lint_step(definition, step)]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level is not Level.BLOCK)


def _lint_step(definition: Definition, step: Step) -> Iterator[Finding]:
    if not isinstance(step, EmailStep):
        for part, source in texts_of(step):
            yield from _refused(step.id, part, source, is_html=False)
        return
    for wording, words in every_wording(step):
        yield from _lint_words(definition, step, wording, words)


def _lint_words(definition: Definition, step: EmailStep, wording: str, words: Words) -> Iterator[Finding]:
    if not words.subject.strip():
        yield Finding(Level.BLOCK, step.id, "subject", "The subject is empty", wording)
    parts = [("subject", words.subject, False), ("html", words.html or "", True), ("text", words.text or "", False)]
    refused = [
        finding for name, source, is_html in parts for finding in _refused(step.id, name, source, is_html=is_html)
    ]
    yield from refused
    if refused:
        return
    templates = {name: compile_template(source, is_html=is_html) for name, source, is_html in parts if source.strip()}
    if "html" not in templates and "text" not in templates:
        yield Finding(Level.BLOCK, step.id, "html", "The message has no words", wording)
    for name in ("html", "text"):
        if name in templates:
            yield from _required_by_law(definition, step, wording, name, templates[name], getattr(words, name))
    if any(path[0] == "offer" for template in templates.values() for path in template.paths) and not step.offer:
        yield Finding(
            Level.BLOCK, step.id, "html", "The content names an offer, and the step has none: add `offer`", wording
        )
    if words.html:
        yield from _lint_html(step, wording, words.html)


def _refused(step_id: str, part: str, source: str, *, is_html: bool) -> Iterator[Finding]:
    try:
        compile_template(source, is_html=is_html)
    except ContentRefused as error:
        yield Finding(Level.BLOCK, step_id, part, str(error))


def _required_by_law(
    definition: Definition, step: EmailStep, wording: str, part: str, template: Template, source: str
) -> Iterator[Finding]:
    """An unsubscribe link and the sender's postal address in each part (CAN-SPAM and its like)."""
    if not any(path in template.paths for path in _UNSUBSCRIBE):
        yield Finding(Level.BLOCK, step.id, part, "There is no unsubscribe link: add {{ unsubscribe_url }}", wording)
    if _POSTAL_ADDRESS in template.paths:
        if not definition.sender.postal_address.strip():
            yield Finding(Level.BLOCK, step.id, part, "The sender has no postal address: fill it in", wording)
    elif not _has_words(source, definition.sender.postal_address):
        yield Finding(
            Level.BLOCK, step.id, part, "There is no postal address: add {{ sender.postal_address }}", wording
        )


def _has_words(source: str, address: str) -> bool:
    """Whether the address stands in the content as the author's own words, whatever the line breaks and tags."""

    def bare(text: str) -> str:
        return re.sub(r"[\W_]+", "", html.unescape(re.sub(r"<[^>]*>", " ", text))).casefold()

    return bool(bare(address)) and bare(address) in bare(source)


def _lint_html(step: EmailStep, wording: str, source: str) -> Iterator[Finding]:
    without_text = [tag for tag in _IMAGE.findall(source) if not re.search(r"\balt\s*=", tag, re.IGNORECASE)]
    if without_text:
        yield Finding(
            Level.WARN,
            step.id,
            "html",
            f"{len(without_text)} images have no alt text for who does not see them",
            wording,
        )
    if len(source.encode("utf-8", "replace")) > GMAIL_CLIPS_AT:
        yield Finding(Level.WARN, step.id, "html", "The HTML is larger than 102 kB; Gmail cuts it off", wording)
    targets = [html.unescape(target.strip("\"'")) for target in _HREF.findall(source)]
    for target in targets:
        yield from _lint_target(step, wording, re.sub(r"[\s\x00-\x20]+", "", target))
    if len(targets) > MAX_LINKS:
        yield Finding(Level.WARN, step.id, "html", f"There are {len(targets)} links; that many look like spam", wording)
    if re.search(r"<(script|form|iframe|object|embed)\b", source, re.IGNORECASE):
        yield Finding(
            Level.BLOCK, step.id, "html", "Scripts, forms and frames do not work in mail: take them out", wording
        )


def _lint_target(step: EmailStep, wording: str, target: str) -> Iterator[Finding]:
    if _BAD_SCHEME.match(target) and not target.lower().startswith("data:image/"):
        yield Finding(Level.BLOCK, step.id, "html", f"A link may not start with {target.split(':')[0]}:", wording)
    elif not target or target == "#":
        yield Finding(Level.WARN, step.id, "html", "A link leads nowhere", wording)
    elif target.lower().startswith("http://") and "{{" not in target:
        yield Finding(Level.WARN, step.id, "html", f"{target[:80]} is not https", wording)
    elif not re.match(r"([a-z][a-z0-9+.-]*:|\{\{|#|cid:)", target, re.IGNORECASE):
        yield Finding(
            Level.WARN, step.id, "html", f"{target[:80]} is not a whole address, mail cannot follow it", wording
        )
