"""The words of an e-mail step, its languages and its variants: read from a campaign file and written back."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from campaigns.definition_values import Content, Variant
from campaigns.raw_fields import Complaints, RawFields, describe

ReadWords = Callable[[Any, str, Complaints], Content]
CONTENT = ("subject", "html", "mjml", "text")
SNIPPET_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MJML = re.compile(r"\s*(?:<\?xml.*?\?>\s*|<!--.*?-->\s*)*<mjml[\s>]", re.DOTALL | re.IGNORECASE)


def is_mjml(source: str | None) -> bool:
    """Whether HTML content is MJML, which is compiled; it is known by its first tag."""
    return bool(source and _MJML.match(source))


def given(**values: Any) -> dict[str, Any]:
    """What is neither nothing nor empty."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {}, ())}


def raw_content(content: Content) -> dict[str, Any]:
    return given(subject=content.subject, **raw_html(content.html), text=content.text)


def raw_html(html: str | None) -> dict[str, str | None]:
    """Under the name that says what it is."""
    return {"mjml" if is_mjml(html) else "html": html}


def read_html(fields: RawFields) -> str | None:
    """`html`, or `mjml` in its place."""
    html, mjml = fields.content("html"), fields.content("mjml")
    if html and mjml:
        fields.wrong("mjml", "stands beside html: give one of them")
    elif mjml and not is_mjml(mjml):
        fields.wrong("mjml", "is no MJML: it has to begin with <mjml>")
    return html or mjml


def _read_content(raw: Any, place: str, complaints: Complaints, *more: str) -> tuple[RawFields, Content]:
    inner = RawFields(raw, place, complaints, (*CONTENT, *more))
    return inner, Content(inner.text("subject", longest=500) or None, read_html(inner), inner.content("text"))


def read_snippets(fields: RawFields) -> dict[str, dict[str, str]]:
    """The campaign's copies of the snippets it names: name, then language (`any` for everybody), then the words."""
    raw, snippets = fields.raw.get("snippets", {}), {}
    if not isinstance(raw, Mapping):
        fields.wrong("snippets", f"expected names with content by language, found {describe(raw)}")
        return {}
    for name, known in raw.items():
        words = known if isinstance(known, Mapping) else {"any": known}
        if not SNIPPET_NAME.fullmatch(str(name)) or not all(isinstance(one, str) for one in words.values()):
            fields.wrong(f"snippets.{name}", "is a name of small letters, digits and _, with a text by language")
            continue
        snippets[str(name)] = {"" if str(language) == "any" else str(language): one for language, one in words.items()}
    return snippets


def read_letter_words(raw: Any, place: str, complaints: Complaints) -> Content:
    """A letter's subject and body in one language; the body is the content's text."""
    inner = RawFields(raw, place, complaints, ("subject", "body"))
    return Content(inner.text("subject", longest=200) or None, None, inner.content("body"))


def read_spoken_words(name: str) -> ReadWords:
    """The reader of a call's script or a visit's brief in one language; it is the content's text."""
    def read(raw: Any, place: str, complaints: Complaints) -> Content:
        return Content(None, None, RawFields(raw, place, complaints, (name,)).content(name))
    return read


def _read_words(raw: Any, place: str, complaints: Complaints) -> Content:
    return _read_content(raw, place, complaints)[1]


def read_languages(fields: RawFields, read: ReadWords = _read_words) -> dict[str, Content]:
    """By language code. YAML reads an unquoted `no` (Norwegian) as false, which is understood."""
    raw, languages = fields.raw.get("languages", {}), {}
    if not isinstance(raw, Mapping):
        fields.wrong("languages", f"expected language codes with content, found {describe(raw)}")
        return {}
    for code, content in raw.items():
        language = "no" if code is False else str(code).strip().casefold().replace("_", "-")
        if not re.fullmatch(r"[a-z]{2,3}(-[a-z0-9]{2,8})*", language) or len(language) > 10:
            fields.wrong(f"languages.{code}", f'{describe(code)} is not a language code such as "fr" or "pt-br"')
        languages[language] = read(content, fields.place(f"languages.{language}"), fields.complaints)
    return languages


def read_variants(fields: RawFields) -> dict[str, Variant]:
    raw, variants = fields.raw.get("variants", {}), {}
    if not isinstance(raw, Mapping):
        fields.wrong("variants", f"expected variant names with content, found {describe(raw)}")
        return {}
    for name, content in raw.items():
        inner, words = _read_content(content, fields.place(f"variants.{name}"), fields.complaints, "share")
        if len(str(name)) > 20:
            fields.wrong(f"variants.{name}", "the name of a variant has at most 20 characters")
        if "share" not in inner.raw:
            inner.wrong("share", 'is missing: say which share of the people gets it, such as "50%"')
        variants[str(name)] = Variant(inner.percent("share", 0, highest=100), words)
    if sum(variant.share for variant in variants.values()) > 100:
        fields.wrong("variants", "the shares add up to more than 100%")
    return variants
