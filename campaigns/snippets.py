"""Snippets: pieces of content that several campaigns share, put in before content is checked or compiled.

A campaign carries its own copy (`snippets:` in its file), so that what was approved is what is sent.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from campaigns.definition import Content, Definition, EmailStep
from campaigns.html_parts import readable_text, text_from_html

Snippets = Mapping[str, Mapping[str, str]]
ANY_LANGUAGE = ""
_NAMED = re.compile(r"\{\{-?\s*snippet\.([a-z][a-z0-9_]*)\s*-?\}\}")


def names_in(definition: Definition) -> list[str]:
    """The snippets that the e-mails of a campaign name, in the order of the alphabet."""
    return sorted({name for source in _sources(definition) for name in _NAMED.findall(source)})


def _sources(definition: Definition) -> Iterator[str]:
    for step in definition.steps:
        if isinstance(step, EmailStep):
            own = Content(step.subject, step.html, step.text)
            for words in (own, *step.languages.values(), *(variant.content for variant in step.variants.values())):
                yield from (source for source in (words.subject, words.html, words.text) if source)


def put_in(source: str | None, snippets: Snippets, *, language: str | None, is_html: bool) -> str | None:
    """The source with its snippets in their places; those there are none of stay, and are refused as unknown names."""
    if source is None or "snippet." not in source:
        return source

    def words(found: re.Match[str]) -> str:
        known = snippets.get(found[1])
        chosen = _in_language(known, language) if known else None
        if chosen is None:
            return found[0]
        return " ".join(chosen.splitlines()) if is_html else _as_text(chosen)

    return _NAMED.sub(words, source)


def _in_language(known: Mapping[str, str], language: str | None) -> str | None:
    """That of `fr-CA`, else of `fr`, else the one for everybody."""
    wanted = (language or "").replace("_", "-").lower()
    return known.get(wanted) or known.get(wanted.split("-")[0]) or known.get(ANY_LANGUAGE)


@lru_cache(maxsize=128)
def _as_text(snippet: str) -> str:
    """The words of a snippet for a text part or a subject, its tags kept."""
    made = text_from_html(snippet)
    return readable_text(snippet) if made is None else made
