"""Messages: compiled once per content version, filled per recipient as bytes that go on the wire as they are."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from campaigns import wire
from campaigns.bodies import Body, compile_bodies
from campaigns.contents import Words, letter_words, words_of
from campaigns.definition import Definition, EmailStep, LetterStep, Sender
from campaigns.facts import DeliveryFacts
from campaigns.html_parts import LINK, PIXEL, TRAP, readable_text
from campaigns.lookups import Lookups
from campaigns.personalisation import MissingValue, Values
from campaigns.sandbox import Template, compile_template
from campaigns.sandbox_child import Part, prove, render_in_child
from campaigns.tracking import click_url, open_url, trap_url
from core import clock

_CRLF = wire.CRLF
_EXAMPLE_OFFER = {"code": "CODE", "title": "Offer", "valid_until": "2030-12-31", "terms": "Terms"}


@dataclass(slots=True)
class FilledMessage:
    """One message, ready to be handed over. `content_hash` leaves the date out: equal for equal content."""

    wire: bytes
    envelope_from: str
    envelope_to: str
    content_hash: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What a person would read."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class CompiledEmail:
    """The content of one step in one wording. Safe to share between threads."""

    sender: Mapping[str, str]
    subject: Template
    text: Body
    html: Body | None
    fixed_head: bytes
    boundary: bytes
    names_preferences: bool
    lookups_plain: Lookups
    lookups_tracked: Lookups

    def fill(self, *, values: Values, facts: DeliveryFacts) -> FilledMessage:
        """The bytes for one recipient. Raises ContentFailure: MissingValue (all names), BadValue or BadAddress."""
        to_address = wire.address(facts.to_address)
        missing: list[str] = []
        subject, body = self._words(self._names(values, facts), missing, facts)
        if missing:
            raise MissingValue(list(dict.fromkeys(missing)))
        head = self._head(to_address, subject, facts)
        digest = hashlib.blake2b(f"{to_address}\n{subject}\n".encode() + body, digest_size=32).hexdigest()
        return FilledMessage(head + body, facts.envelope_from, to_address, digest)

    def _names(self, values: Values, facts: DeliveryFacts) -> dict[str, Any]:
        return {
            **values,
            "offer": facts.offer,
            "sender": self.sender,
            "unsubscribe_url": facts.unsubscribe_url,
            "preferences_url": facts.preferences_url,
        }

    def _words(self, named: dict[str, Any], missing: list[str], facts: DeliveryFacts) -> tuple[str, bytes]:
        """The subject and the body."""
        shown, lookups = self.html, self.lookups_plain
        if facts.track and self.html is not None and self.html.tracked is not None:
            shown, lookups = self.html.tracked, self.lookups_tracked
            self._add_links(named, self.html, missing, facts)
        for_subject, for_text, *for_html = lookups.deal(named, missing)
        subject, text = wire.subject_value(self.subject.fill(for_subject)), self.text.encode(for_text)
        if shown is None:
            return subject, text
        edge = b"--" + self.boundary
        return subject, b"".join(
            (
                edge,
                _CRLF,
                self.text.part_head,
                text,
                _CRLF,
                edge,
                _CRLF,
                shown.part_head,
                shown.encode(for_html[0]),
                _CRLF,
                edge,
                b"--",
                _CRLF,
            )
        )

    @staticmethod
    def _add_links(named: dict[str, Any], html: Body, missing: list[str], facts: DeliveryFacts) -> None:
        """What only tracked content names: the picture, the trap, and every link through us."""
        named[PIXEL], named[TRAP] = open_url(facts.delivery_id), trap_url(facts.delivery_id)
        named[LINK] = {
            f"n{number}": click_url(facts.delivery_id, link.render_noting(named, missing), is_personal=is_personal)
            for number, (link, is_personal) in enumerate(html.links)
        }

    def _head(self, to_address: str, subject: str, facts: DeliveryFacts) -> bytes:
        identity = wire.message_id(facts.message_id)
        lines = [
            f"Date: {_date(clock.now().replace(microsecond=0))}",
            f"To: {wire.mailbox(facts.to_name, to_address)}",
            f"Subject: {subject}",
            f"Message-ID: {identity}",
            f"X-ABM-Message-ID: {identity}",
            f"List-Unsubscribe: {wire.header_url(facts.unsubscribe_url)}",
        ]
        if facts.reply_to:
            lines.append(f"Reply-To: {wire.address(facts.reply_to)}")
        if facts.references:
            known = [wire.message_id(reference) for reference in facts.references[-10:]]
            lines += [f"In-Reply-To: {known[-1]}", "References: " + "\r\n ".join(known)]
        return "\r\n".join(lines).encode("ascii") + _CRLF + self.fixed_head + _CRLF


@lru_cache(maxsize=8)
def _date(moment: datetime) -> str:
    return format_datetime(moment)


def compile_email(
    definition: Definition, step: EmailStep, *, language: str | None, variant: str | None, version_id: int
) -> CompiledEmail:
    """The step's content for one language and variant, kept per version. Raises ContentRefused or BadAddress.

    The content was tried in a child process first, once per process and version.
    """
    words = words_of(step, language=language, variant=variant, snippets=definition.snippets)
    return _compiled(words, definition.sender, definition.purpose, version_id)


@lru_cache(maxsize=256)
def _compiled(words: Words, sender: Sender, purpose: str, _version_id: int) -> CompiledEmail:
    prove(_parts(words))
    text, html = compile_bodies(words)
    subject = compile_template(words.subject, is_html=False)
    fixed = [subject.paths, text.template.paths]
    boundary = "abm_=_" + hashlib.sha256(repr(words).encode("utf-8", "replace")).hexdigest()[:24]
    return CompiledEmail(
        sender={"name": sender.name, "email": sender.email, "postal_address": sender.postal_address},
        subject=subject,
        text=text,
        html=html,
        fixed_head=_fixed_head(sender, purpose, boundary if html else None, text),
        boundary=boundary.encode(),
        names_preferences=any("preferences_url" in source for source, _is_html in _parts(words)),
        lookups_plain=Lookups([*fixed, *([html.template.paths] if html else [])]),
        lookups_tracked=Lookups([*fixed, *([html.tracked.template.paths] if html and html.tracked else [])]),
    )


def _parts(words: Words) -> tuple[Part, ...]:
    return tuple(
        (source, is_html)
        for source, is_html in ((words.subject, False), (words.text or "", False), (words.html or "", True))
    )


def _fixed_head(sender: Sender, purpose: str, boundary: str | None, text: Body) -> bytes:
    """The header lines that are the same for everybody (RFC 2369, 2919, 8058)."""
    address = wire.address(sender.email)
    label = "".join(char if char.isascii() and char.isalnum() else "-" for char in purpose.lower()).strip("-") or "mail"
    lines = [
        f"From: {wire.mailbox(sender.name, address)}",
        "MIME-Version: 1.0",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        f"List-Id: <{label}.{address.rpartition('@')[2]}>",
        "Precedence: bulk",
    ]
    head = "\r\n".join(lines).encode("ascii") + _CRLF
    if boundary is None:
        return head + text.part_head.removesuffix(_CRLF)
    return head + f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'.encode("ascii")


def preview(
    definition: Definition,
    step: EmailStep,
    values: Values,
    *,
    language: str | None = None,
    variant: str | None = None,
    offer: Mapping[str, Any] | None = None,
    address: str = "#",
) -> Preview:
    """What this person would read, filled in by a child process that may be killed.

    `address` stands for the unsubscribe page. Raises ContentRefused, MissingValue with every missing name, or BadValue.
    """
    words = words_of(step, language=language, variant=variant, snippets=definition.snippets)
    named = names_for_reading(definition, step, values, offer, address)
    subject, text, html = render_in_child(_parts(words), named)
    return Preview(wire.one_line(subject)[: wire.MAX_SUBJECT], html, text or readable_text(html))


def preview_letter(
    definition: Definition, step: LetterStep, values: Values, *, language: str | None
) -> tuple[str, str]:
    """Subject and text of a letter as this person would get it. Raises as `preview` does."""
    subject, body = letter_words(step, language)
    named = names_for_reading(definition, step, values, None, "#")
    filled = render_in_child([(part, False) for part in (subject, body)], named)
    return filled[0], filled[1]


def missing_values(
    definition: Definition,
    step: EmailStep | LetterStep,
    values: Values,
    *,
    language: str | None = None,
    variant: str | None = None,
    offer: Mapping[str, Any] | None = None,
) -> list[str]:
    """The names that would be printed for this person and have no value. Raises ContentRefused or BadValue."""
    named = names_for_reading(definition, step, values, offer, "#")
    missing: list[str] = []
    for template in templates_of(definition, step, language=language, variant=variant):
        template.render_noting(named, missing)
    return list(dict.fromkeys(missing))


def templates_of(
    definition: Definition, step: EmailStep | LetterStep, *, language: str | None, variant: str | None = None
) -> tuple[Template, ...]:
    """The step's parts in one wording, compiled. Raises ContentRefused."""
    if isinstance(step, LetterStep):
        parts = tuple((part, False) for part in letter_words(step, language))
    else:
        parts = _parts(words_of(step, language=language, variant=variant, snippets=definition.snippets))
    return tuple(compile_template(source, is_html=is_html) for source, is_html in parts)


def names_for_reading(
    definition: Definition, step: EmailStep | LetterStep, values: Values, offer: Mapping[str, Any] | None, address: str
) -> dict[str, Any]:
    """Values as a message would have them; where no offer is granted yet, an example stands for it."""
    sender = definition.sender
    promised = offer if offer is not None else (_EXAMPLE_OFFER if step.offer else {})
    return {
        **values,
        "offer": promised,
        "unsubscribe_url": address,
        "preferences_url": address,
        "sender": {"name": sender.name, "email": sender.email, "postal_address": sender.postal_address},
    }


def render_script(script: str, values: Values) -> str:
    """A call script filled in for a seller; what is not known shows as a dash. Raises ContentRefused or BadValue."""
    return compile_template(script, is_html=False).render_with_dashes(values)
