"""What is wrong with content before anybody gets it: what the law asks for, and what mail programs punish."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from campaigns.channels.guard import is_private
from campaigns.channels.http_post import is_named
from campaigns.contents import Words, every_wording
from campaigns.definition import BranchStep, Definition, EmailStep, Step, WebhookStep
from campaigns.html_parts import prepare_html, text_from_html
from campaigns.lint_html import find_html_flaws
from campaigns.mjml_parts import html_of
from campaigns.sandbox import Template, compile_template
from campaigns.sandbox_rules import ContentRefused
from campaigns.step_texts import texts_of
from campaigns.wire import MAX_SUBJECT

_UNSUBSCRIBE = (("unsubscribe_url",), ("preferences_url",))
_POSTAL_ADDRESS = ("sender", "postal_address")


class Level(StrEnum):
    """`block` keeps a launch from happening, `warn` is for people to weigh."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: `part` is subject, html, text, script or address, `wording` a variant or language."""

    level: Level
    step: str
    part: str
    message: str
    wording: str = ""
    line: int = 0

    @property
    def place(self) -> str:
        """`html, line 3, language fr`."""
        line = f"line {self.line}" if self.line else ""
        return ", ".join(part for part in (self.part, line, self.wording) if part)

    def __str__(self) -> str:
        where = f"{self.step} ({self.wording})" if self.wording else self.step
        line = f" line {self.line}" if self.line else ""
        return f"Step {where}, {self.part}{line}: {self.message}"


def lint(definition: Definition) -> list[Finding]:
    """Everything worth mending, what blocks a launch first."""
    found = [finding for step in definition.steps for finding in _lint_step(definition, step)]
    return _sorted([*found, *_vain_questions(definition)])


def _vain_questions(definition: Definition) -> Iterator[Finding]:
    """Branches on a click where nobody can have clicked: no e-mail before them has a link that is counted."""
    can_click = False
    for step in definition.steps:
        if isinstance(step, EmailStep):
            can_click = can_click or (definition.track and step.track and _has_link(definition, step))
        elif isinstance(step, BranchStep) and step.test.event == "clicked" and not can_click:
            yield Finding(Level.WARN, step.id, "branch",
                          "It asks who clicked, but no e-mail before it has a link whose clicks are counted, so that "
                          "everybody goes the other way: write a link into one, or ask something else")


def _has_link(definition: Definition, step: EmailStep) -> bool:
    try:
        return any(prepare_html(words.html).links for _wording, words in every_wording(step, definition.snippets)
                   if words.html)
    except ContentRefused:
        return True  # said elsewhere


def lint_step(definition: Definition, step: Step) -> list[Finding]:
    """The same for one step."""
    return _sorted(list(_lint_step(definition, step)))


def _sorted(found: list[Finding]) -> list[Finding]:
    return sorted(dict.fromkeys(found), key=lambda finding: finding.level is not Level.BLOCK)


def _lint_step(definition: Definition, step: Step) -> Iterator[Finding]:
    if isinstance(step, WebhookStep):
        yield from _lint_target(step)
    if not isinstance(step, EmailStep):
        for part, source in texts_of(step):
            yield from _refused(step.id, part, source, is_html=False)
        return
    for wording, words in every_wording(step, definition.snippets):
        yield from _lint_words(definition, step, wording, words)


def _lint_target(step: WebhookStep) -> Iterator[Finding]:
    """An address that every message would be refused to."""
    parts = urlsplit(step.url)
    host = parts.hostname or ""
    if is_private(host):
        yield Finding(Level.BLOCK, step.id, "address", f"Nothing would be told: {host} is in the own network, and "
                                                       "ABM_ALLOWED_HOSTS does not name it; the operator can add it "
                                                       "there")
    elif parts.scheme != "https" and not is_named(host):
        yield Finding(Level.BLOCK, step.id, "address", "Nothing would be told: without https only hosts of the own "
                                                       "network that ABM_ALLOWED_HOSTS names are spoken to")


def _lint_words(definition: Definition, step: EmailStep, wording: str, words: Words) -> Iterator[Finding]:
    yield from _lint_subject(step, wording, words.subject)
    parts = [("subject", words.subject, False), ("html", words.html or "", True), ("text", words.text or "", False)]
    refused = [
        finding
        for name, source, is_html in parts
        for finding in _refused(step.id, name, source, is_html=is_html, wording=wording)
    ]
    yield from refused
    if refused:
        return
    templates = {name: compile_template(source, is_html=is_html) for name, source, is_html in parts if source.strip()}
    if "html" not in templates and "text" not in templates:
        yield Finding(Level.BLOCK, step.id, "html", "The message has no words", wording)
    lawless = [
        finding
        for name in ("html", "text")
        if name in templates
        for finding in _required_by_law(definition, step, wording, name, templates[name], getattr(words, name))
    ]
    yield from lawless
    if any(path[0] == "offer" for template in templates.values() for path in template.paths) and not step.offer:
        yield Finding(
            Level.BLOCK, step.id, "html", "The content names an offer, and the step has none: add `offer`", wording
        )
    if words.html:
        for flaw in find_html_flaws(words.html):
            level = Level.BLOCK if flaw.is_blocking else Level.WARN
            yield Finding(level, step.id, "html", flaw.sentence, wording, flaw.line)
        if words.text is None and not lawless:
            yield from _made_text(definition, step, wording, words.html)


def _lint_subject(step: EmailStep, wording: str, subject: str) -> Iterator[Finding]:
    if not subject.strip():
        yield Finding(Level.BLOCK, step.id, "subject", "The subject is empty", wording)
    elif len(fixed := re.sub(r"\{[{%].*?[}%]\}", "", subject)) > MAX_SUBJECT:
        said = f"The subject has {len(fixed)} characters without its values; what is beyond {MAX_SUBJECT} is cut off"
        yield Finding(Level.BLOCK, step.id, "subject", said, wording)


def _made_text(definition: Definition, step: EmailStep, wording: str, source: str) -> Iterator[Finding]:
    """What the text part lacks that is made from the HTML: there, hidden things are not seen by anybody."""
    made = text_from_html(prepare_html(source).plain)
    if made is None:
        return
    if not made.strip():
        yield Finding(Level.BLOCK, step.id, "text", "The text part made from the HTML has no words", wording)
        return
    try:
        template = compile_template(made, is_html=False, is_ours=True)
    except ContentRefused:  # such a text is made of each filled message instead
        return
    for finding in _required_by_law(definition, step, wording, "text", template, made):
        said = "The text part made from the HTML shows none: " + finding.message
        yield Finding(Level.BLOCK, step.id, "text", said, wording)

def _refused(step_id: str, part: str, source: str, *, is_html: bool, wording: str = "") -> Iterator[Finding]:
    try:
        compile_template(source, is_html=is_html)
        if is_html:
            html_of(source)
    except ContentRefused as error:
        yield Finding(Level.BLOCK, step_id, part, error.reason, wording, error.line)


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
