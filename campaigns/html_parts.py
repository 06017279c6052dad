"""What is done to HTML once per content version: CSS moved into the tags, links found, values in addresses encoded,
the text part made. Template tags survive all of it because they are swapped for words that no author writes.
"""

import hashlib
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from campaigns.markup_depth import MAX_DEPTH, is_too_deep
from campaigns.mjml_parts import html_of
from campaigns.personalisation import BadValue, Values
from campaigns.sandbox import compile_template, split_tags
from campaigns.sandbox_filters import MAIL_ADDRESS, URL_PART, WEB_ADDRESS
from campaigns.sandbox_rules import ContentRefused

LINK, PIXEL, TRAP = "_link", "_pixel", "_trap"
_ATTRIBUTE = re.compile(
    r"""(?P<head><(?P<tag>[a-zA-Z][\w:-]*)\b[^<>]*?\s(?P<name>href|src|action|background)\s*=\s*)
                            (?P<value>"[^"]*"|'[^']*'|[^\s"'<>]+)""",
    re.VERBOSE | re.IGNORECASE,
)
_STATIC_START = re.compile(r"https?://[a-z0-9.-]+(:\d+)?([/?#]|$)", re.IGNORECASE)
_OWN_ADDRESS = re.compile(r"\{\{-?\s*(unsubscribe_url|preferences_url)\s*-?\}\}\s*")
_MARKDOWN_LINK = re.compile(r"\[([^\[\]]*)\]\(([^()\s]+)\)")
_BLOCKS = ("{%",)
_TABLE = re.compile(r"<!--.*?-->|<(/?)table\b[^<>]*>", re.DOTALL | re.IGNORECASE)
_ROW_FIRST = re.compile(r"(?:\s|<!--.*?-->)*<tr\b", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Masked:
    """Content with its template tags swapped for words; `restore` puts them back."""

    text: str
    tags: dict[str, str]

    def restore(self, text: str) -> str:
        return re.sub("|".join(map(re.escape, self.tags)), lambda word: self.tags[word[0]], text) if self.tags else text

    def blocks(self) -> list[str]:
        return [word for word, tag in self.tags.items() if tag.startswith(_BLOCKS)]

    def words_in(self, text: str) -> list[str]:
        return re.findall("|".join(map(re.escape, self.tags)), text) if self.tags else []

    def has_blocks_in_order(self, text: str) -> bool:
        """Whether every if, for and set is still there once, and nothing moved in or out of it."""
        found, places = self.words_in(text), {word: place for place, word in enumerate(self.tags)}
        in_order = [places[word] for word in found]
        blocks = self.blocks()
        return not blocks or (
            in_order == sorted(in_order) and [word for word in found if word in set(blocks)] == blocks
        )


def mask(source: str, *, as_comment: bool = False) -> Masked:
    """Swap tags for words. `as_comment`: if, for and set become comments, which may stand between rows of a table."""
    mark = "t" + hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:8]
    tags: dict[str, str] = {}
    parts = []
    for is_tag, text in split_tags(source):
        if is_tag:
            word = f"{mark}n{len(tags)}z"
            if as_comment and text.startswith(_BLOCKS):
                word = f"<!--{word}-->"
            tags[word] = text
            text = word
        parts.append(text)
    return Masked("".join(parts), tags)


@dataclass(frozen=True)
class LinkTarget:
    """A link that may be counted: its address as a template, and whether values of a person are in it."""

    source: str
    is_personal: bool


@dataclass
class PreparedHtml:
    """HTML ready to be compiled: `plain` with its own links, `tracked` with ours; `links` by their numbers."""

    plain: str
    tracked: str
    links: list[LinkTarget] = field(default_factory=list)
    is_inlined_later: bool = False


def prepare_html(source: str) -> PreparedHtml:
    """Everything that can be done before there is a recipient. `source` has passed the allow-list."""
    source = html_of(source)
    if is_too_deep(source):
        raise ContentRefused(f"The HTML is nested more than {MAX_DEPTH} deep, or its tags are not closed")
    inlined = inline_before(source)
    masked = mask(inlined if inlined is not None else source)
    links: list[LinkTarget] = []
    plain = _ATTRIBUTE.sub(_rewriter(masked, None), masked.text)
    tracked = _ATTRIBUTE.sub(_rewriter(masked, links), masked.text)
    # No person sees the link before the picture; programs that follow every link give themselves away by it.
    pixel = (f'<a href="{{{{ {TRAP} }}}}" style="display:none" rel="nofollow" aria-hidden="true" tabindex="-1"></a>'
             f'<img src="{{{{ {PIXEL} }}}}" width="1" height="1" alt="">')
    place = tracked.lower().rfind("</body")
    tracked = tracked[:place] + pixel + tracked[place:] if place >= 0 else tracked + pixel
    return PreparedHtml(masked.restore(plain), masked.restore(tracked), links, is_inlined_later=inlined is None)


def compile_for_reading(source: str, *, is_html: bool) -> Callable[[Values, list[str]], str]:
    """Content checked and made ready as for sending, untracked: a function of values and a list for missing names."""
    template = compile_template(source, is_html=is_html)
    if not is_html:
        return template.render_noting
    prepared = prepare_html(source)
    ready = compile_template(prepared.plain, is_html=True, is_ours=True)
    if not prepared.is_inlined_later:
        return ready.render_noting
    return lambda values, missing: inline_css(ready.render_noting(values, missing))


def _rewriter(masked: Masked, links: list[LinkTarget] | None) -> Callable[[re.Match[str]], str]:
    """Encodes values inside addresses; with `links` given, also sends links of <a> and <area> through us."""

    def rewrite(found: re.Match[str]) -> str:
        written = found["value"].strip("\"'") if found["value"][0] in "\"'" else found["value"]
        target = address_template(masked, written)
        if links is not None and found["name"].lower() == "href" and found["tag"].lower() in ("a", "area"):
            link = _trackable(target)
            if link is not None:
                if link not in links:
                    links.append(link)
                return f'{found["head"]}"{{{{ {LINK}.n{links.index(link)} }}}}"'
        return f'{found["head"]}"{target}"' if "{{" in target else found[0]

    return rewrite


def address_template(masked: Masked, written: str) -> str:
    """An address with its tags restored, every value in it encoded for the place where it stands."""
    if not any(word in written for word in masked.tags):
        return written
    if _OWN_ADDRESS.fullmatch(masked.restore(written).strip()):
        return masked.restore(written)
    scheme = written.strip().split(":", 1)[0].lower()
    inner = MAIL_ADDRESS if scheme in ("mailto", "tel", "sms") else URL_PART
    is_first = True
    parts = []
    for part in re.split(f"({'|'.join(map(re.escape, masked.tags))})", written.strip()):
        if part in masked.tags:
            parts.append(_with_filter(masked.tags[part], WEB_ADDRESS if is_first else inner))
        else:
            parts.append(part)
        is_first = is_first and not part
    return "".join(parts)


def _with_filter(tag: str, name: str) -> str:
    found = re.fullmatch(r"\{\{-?(.*?)-?\}\}\s*", tag, re.DOTALL)
    return f"{{{{ ({found[1].strip()})|{name} }}}}" if found else tag


def _trackable(target: str) -> LinkTarget | None:
    """Only links whose scheme and host are the author's own words; values may stand behind them."""
    url = html.unescape(target).strip()
    if not _STATIC_START.match(url) or "{%" in url:
        return None
    if "{{" not in url:
        return LinkTarget(url, is_personal=False)
    try:
        compile_template(url, is_html=False, is_ours=True)
    except ContentRefused:
        return None
    return LinkTarget(url, is_personal=True)


@lru_cache(maxsize=1)
def _inliner() -> Callable[[str], str]:
    import css_inline

    return css_inline.CSSInliner(
        keep_style_tags=True, keep_link_tags=True, keep_at_rules=True, load_remote_stylesheets=False
    ).inline


def inline_css(rendered: str) -> str:
    """Style rules moved into the tags, which mailbox providers keep. Unchanged where there are none."""
    if not has_style(rendered):
        return rendered
    if is_too_deep(rendered):
        raise BadValue("The HTML is nested too deeply for this person's values")
    return _inliner()(rendered)


def has_braces(text: str) -> bool:
    """Whether braces that were spelled as entities, and meant as words, would now be read as template tags."""
    return any(opening in text for opening in ("{{", "{%", "{#"))


def has_style(source: str) -> bool:
    return "<style" in source.lower()


def inline_before(source: str) -> str | None:
    """The source with its styles inlined and its template tags whole, or None where that is only safe per message."""
    if not has_style(source):
        return source
    masked = mask(source, as_comment=True)
    if _depends_on_tags(masked):
        return None
    masked = replace(masked, text=_with_table_bodies(masked.text))
    inlined = inline_css(masked.text)
    if has_braces(inlined):
        return None
    is_same_shape = not masked.blocks() or _shape(inlined) == _shape(masked.text)
    return masked.restore(inlined) if is_same_shape and masked.words_in(inlined) == list(masked.tags) else None


def _with_table_bodies(markup: str) -> str:
    """The tbody that a parser would put around rows, put where a `for` around the rows stays inside it."""
    parts: list[str] = []
    needs_body: list[bool] = []
    reached = 0
    for found in _TABLE.finditer(markup):
        if found[0].startswith("<!--"):
            continue
        if found[1]:
            place, tag = found.start(), "</tbody>" if needs_body and needs_body.pop() else ""
        else:
            is_bare = bool(_ROW_FIRST.match(markup, found.end()))
            needs_body.append(is_bare)
            place, tag = found.end(), "<tbody>" if is_bare else ""
        parts += [markup[reached:place], tag]
        reached = place
    return "".join(parts) + markup[reached:]


def _shape(markup: str) -> list[str]:
    """The tags in order, without the frame that a parser adds."""
    return [tag for tag in re.findall(r"</?([a-z][a-z0-9]*)", markup.lower()) if tag not in ("html", "head", "body")]


def _depends_on_tags(masked: Masked) -> bool:
    """Whether a tag stands where it could change which rules apply, or where a comment is not allowed."""
    words = "|".join(re.escape(word) for word in masked.tags)
    if not words:
        return False
    places = (
        r"<style\b.*?</style",
        r"<!--(?!t[0-9a-f]{8}n).*?-->",
        r"""\b(?:class|id|style)\s*=\s*(?:"[^"]*"|'[^']*')""",
        r"<title\b.*?</title",
    )
    if any(
        re.search(words, place)
        for pattern in places
        for place in re.findall(pattern, masked.text, re.DOTALL | re.IGNORECASE)
    ):
        return True
    return any(re.search(rf"<[a-zA-Z][^<>]*{re.escape(word)}", masked.text) for word in masked.blocks())


def text_from_html(source: str) -> str | None:
    """A text template made from an HTML template, or None where its tags cannot be kept in their places."""
    masked = mask(source)
    text = readable_text(masked.text)
    if has_braces(text) or not masked.has_blocks_in_order(text):
        return None
    return masked.restore(text)


def readable_text(markup: str) -> str:
    """The words of HTML with the addresses of its links behind them. Raises BadValue where it is nested too deeply."""
    from inscriptis import get_text
    from inscriptis.model.config import ParserConfig

    if not markup.strip():
        return ""
    if is_too_deep(markup):
        raise BadValue("The HTML is nested too deeply for this person's values")
    lines = get_text(markup, ParserConfig(display_links=True)).splitlines()
    text = "\n".join(line.strip() for line in lines).strip()
    return _MARKDOWN_LINK.sub(_link_in_words, re.sub(r"\n{3,}", "\n\n", text))


def _link_in_words(found: re.Match[str]) -> str:
    words, url = found[1].strip(), found[2]
    if not words or words == url or url.startswith("#"):
        return words or url
    if url.startswith(("mailto:", "tel:")):
        url = url.partition(":")[2]
    return words if words == url else f"{words}: {url}"
