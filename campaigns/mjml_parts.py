"""MJML made into HTML once per content version. Template tags are swapped for words and comments while it is compiled,
so that if and for may stand between sections, columns and rows; a tag that would be lost is an error with its line.
"""

import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from campaigns.definition_contents import is_mjml
from campaigns.filling import MAX_OUTPUT
from campaigns.raw_fields import nearest
from campaigns.sandbox import split_tags
from campaigns.sandbox_rules import ContentRefused

_MAX_DEPTH = 100
_MAX_CAROUSEL_IMAGES = 30
_VOID = frozenset(re.findall(r"\w+", "area base br col embed hr img input link meta source track wbr"))
_NAMES = frozenset(
    re.findall(
        r"[\w-]+",
        """mjml mj-head mj-body mj-attributes mj-all mj-class mj-breakpoint mj-font mj-html-attributes mj-preview
    mj-style mj-title mj-accordion mj-accordion-element mj-accordion-text mj-accordion-title mj-button mj-carousel
    mj-carousel-image mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link mj-raw mj-section
    mj-social mj-social-element mj-spacer mj-table mj-text mj-wrapper""",
    )
)
_HIDDEN = re.compile(r"<!--.*?-->|<(mj-style|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"""<(/?)([a-zA-Z][\w:-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>""")
_PLAIN_TEXT = re.compile(r"<(/?)(?:mj-style|mj-title|mj-preview)\b", re.IGNORECASE)
_ROOT = re.compile(r"<mjml\b(?![^>]*\slang\s*=)([^>]*)>", re.IGNORECASE)
_NO_LANGUAGE = ' lang="und"'  # what the compiler writes: worse than nothing for a reading voice
_BRACES = ("{{", "{%", "{#")


@dataclass(frozen=True, slots=True)
class _Tag:
    """A template tag and the word that stands for it; `depth`: in how many if and for it stands."""

    word: str
    source: str
    line: int
    depth: int


def in_language(source: str, language: str) -> str:
    """MJML that says in which language its words are, unless its author said so; other content as it is."""
    if not is_mjml(source):
        return source
    return _ROOT.sub(lambda root: f'<mjml lang="{html.escape(language)}"{root[1]}>', source, count=1)


def html_of(source: str) -> str:
    """The source as HTML: compiled where it is MJML, as it is otherwise. Raises ContentRefused with the line."""
    return compile_mjml(source) if is_mjml(source) else source


@lru_cache(maxsize=64)
def compile_mjml(source: str) -> str:
    """HTML with every template tag in its place. `source` has passed the allow-list. Raises ContentRefused."""
    import mjml

    masked, tags = _mask(source)
    _check_shape(masked)
    try:
        compiled: str = mjml.mjml2html(masked)
    except ValueError as error:
        raise ContentRefused(f"The MJML cannot be read: {error}", _line_of(str(error), masked)) from error
    if any(brace in compiled for brace in _BRACES) or len(compiled) > MAX_OUTPUT:
        raise ContentRefused("The MJML would make braces of its own, or more than 1 MB of HTML")
    _refuse_lost(compiled, tags)
    by_word = {tag.word: tag.source for tag in tags}
    if not re.search(r"<mjml\b[^>]*\slang\s*=", masked, re.IGNORECASE):
        compiled = compiled.replace(_NO_LANGUAGE, "", 2)  # the page and its body
    return _any_of(tags).sub(lambda word: by_word[word[0]], compiled) if tags else compiled


def _mask(source: str) -> tuple[str, list[_Tag]]:
    mark = "t" + hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:8]
    tags: list[_Tag] = []
    masked, place, depth = "", 0, 0
    for is_tag, text in split_tags(source):
        if not is_tag:
            masked += text
            continue
        place = max(source.find(text, place), place)
        word, verb = f"{mark}m{len(tags)}z", re.match(r"\{%[-+]?\s*(\w+)", text)
        if verb and not _is_inside_text_or_tag(masked):
            word = f"<!--{word}-->"
        depth -= bool(verb and verb[1].startswith("end"))
        tags.append(_Tag(word, text, source.count("\n", 0, place) + 1, depth))
        depth += bool(verb and verb[1] in ("if", "for"))
        masked, place = masked + word, place + len(text)
    return masked, tags


def _is_inside_text_or_tag(before: str) -> bool:
    """Whether a comment cannot stand here: in a start tag, or where only plain text is read."""
    if before.rfind("<") > before.rfind(">"):
        return True
    openings = list(_PLAIN_TEXT.finditer(before))
    return bool(openings) and not openings[-1][1]


def _check_shape(masked: str) -> None:
    """Unknown, unclosed and wrongly nested tags, which the compiler drops in silence or reports without a line."""
    waiting: list[tuple[str, int]] = []
    shown = _HIDDEN.sub(lambda hidden: "\n" * hidden[0].count("\n"), masked)
    images = 0
    for closes, name, rest, line in _tags_in(shown):
        images += name == "mj-carousel-image" and not closes
        _check_name(name, line)
        if closes:
            _close(waiting, name, line)
        elif not rest.rstrip().endswith("/") and name not in _VOID:
            waiting.append((name, line))
        if len(waiting) > _MAX_DEPTH or images > _MAX_CAROUSEL_IMAGES:
            raise ContentRefused("This is nested too deeply, or a carousel of more than 30 images", line)
    if unclosed := [one for one in waiting if one[0] in _NAMES]:
        raise ContentRefused(f"<{unclosed[-1][0]}> is never closed", unclosed[-1][1])


def _tags_in(shown: str) -> Iterator[tuple[str, str, str, int]]:
    line, reached = 1, 0
    for found in _TAG.finditer(shown):
        line, reached = line + shown.count("\n", reached, found.start()), found.start()
        yield found[1], found[2].lower(), found[3], line


def _check_name(name: str, line: int) -> None:
    if name == "mj-include":
        raise ContentRefused("mj-include may not be used: put the part itself in, or use a snippet", line)
    if name.startswith("mj-") and name not in _NAMES:
        raise ContentRefused(f"<{name}> is not known in MJML{nearest(name, _NAMES)}", line)


def _close(waiting: list[tuple[str, int]], name: str, line: int) -> None:
    """Take the opening of `name` away; HTML inside may be as loose as HTML is, MJML may not."""
    while waiting:
        opened, since = waiting.pop()
        if opened == name:
            return
        if opened in _NAMES:
            raise ContentRefused(f"</{name}> closes <{opened}> of line {since}", line)
    if name in _NAMES:
        raise ContentRefused(f"</{name}> closes nothing", line)


def _refuse_lost(compiled: str, tags: list[_Tag]) -> None:
    """Every tag must be there, ifs and fors once and in order, and nothing moved in or out of them."""
    by_word = {tag.word: tag for tag in tags}
    found = [by_word[word] for word in _any_of(tags).findall(compiled)] if tags else []
    lost = [tag for tag in tags if tag not in found]
    if lost:
        raise ContentRefused(f"{lost[0].source} stands where MJML shows nothing; put it inside mj-text", lost[0].line)
    blocks = [tag for tag in tags if tag.source.startswith("{%")]
    in_order = [tag for tag in found if tag.source.startswith("{%")]
    if in_order != blocks:
        raise ContentRefused(f"{blocks[0].source} stands in a place that MJML repeats or moves", blocks[0].line)
    seen, wanted = 0, {}
    for tag in tags:
        seen += tag.source.startswith("{%")
        wanted[tag.word] = seen
    seen = 0
    for tag in found:
        seen += tag.source.startswith("{%")
        if tag.depth and wanted[tag.word] != seen:
            raise ContentRefused(f"{tag.source} would leave the if or for that it stands in", tag.line)


def _any_of(tags: list[_Tag]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(tag.word) for tag in tags))


def _line_of(complaint: str, masked: str) -> int:
    """The line of `position 16:26`, where the compiler tells one."""
    found = re.search(r"position (\d+):", complaint)
    return masked.encode()[: int(found[1])].count(b"\n") + 1 if found else 0
