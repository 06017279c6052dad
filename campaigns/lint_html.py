"""What is wrong with the HTML (or MJML) of a message, each thing with the author's own line: links, images, size."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from campaigns.html_parts import prepare_html
from campaigns.sandbox import split_tags

GMAIL_CLIPS_AT = 102_000
MAX_LINKS = 40
_WORD = "\ue000"  # stands for a template tag; no author writes it
_IMAGE = re.compile(r"<(?:img|mj-image|mj-carousel-image)\b[^>]*>", re.IGNORECASE)
_ADDRESS = re.compile(
    r"""[\s"'](?P<name>href|src|action|formaction|background|background-url|poster|xlink:href|icon-\w+-url)\s*=\s*
        (?P<value>"[^"]*"|'[^']*'|[^\s"'>]+)""",
    re.IGNORECASE | re.VERBOSE,
)
_ACTIVE = re.compile(r"<(script|form|iframe|object|embed|base|applet)\b|<meta[^>]*\brefresh\b", re.IGNORECASE)
_EVENT = re.compile(r"<[a-zA-Z][^>]*[\s\"'/](on[a-z]+)\s*=", re.IGNORECASE)
_STYLE_SCRIPT = re.compile(r"expression\s*\(|url\(\s*['\"]?\s*(?:javascript|vbscript)\s*:", re.IGNORECASE)
_NOISE = re.compile(r"[\s\x00-\x20\x7f-\xa0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]+")
_LINKED, _SHOWN = ("http", "https", "mailto", "tel", "sms"), ("http", "https")


class Flaw(NamedTuple):
    """`is_blocking`: no launch with it; `line` 0: the whole part."""

    is_blocking: bool
    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class _Lines:
    """The source with a mark for each template tag, its lines as the author counts them."""

    text: str

    def line(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1


def find_html_flaws(source: str) -> list[Flaw]:
    """In the order of the rules. `source` compiles."""
    lines = _Lines(_marked(source))
    addresses = list(_ADDRESS.finditer(lines.text))
    links = [found for found in addresses if found["name"].lower() == "href"]
    flaws = [*_images_without_words(lines), *_size(source)]
    for found in addresses:
        flaws += _address_flaws(found["name"].lower(), found["value"], lines.line(found.start()))
    if len(links) > MAX_LINKS:
        flaws.append(Flaw(False, 0, f"There are {len(links)} links; that many look like spam"))
    return [*flaws, *_active_parts(lines)]


def _marked(source: str) -> str:
    """Tags become a mark, comments nothing; line breaks inside both stay, so that lines can be counted."""
    parts, reached = [], 0
    for is_tag, text in split_tags(source):
        place = source.find(text, reached) if text else reached
        if place < 0:  # line ends that the reader made alike
            place = reached
        parts.append("\n" * source.count("\n", reached, place))
        parts.append(_WORD + "\n" * text.count("\n") if is_tag else text)
        reached = place + len(text)
    return "".join(parts)


def _images_without_words(lines: _Lines) -> Iterator[Flaw]:
    bare = [found for found in _IMAGE.finditer(lines.text) if not re.search(r"\balt\s*=", found[0], re.IGNORECASE)]
    if bare:
        many = "1 image has" if len(bare) == 1 else f"{len(bare)} images have"
        yield Flaw(False, lines.line(bare[0].start()), f"{many} no alt text for who does not see them")


def _size(source: str) -> Iterator[Flaw]:
    size = len(prepare_html(source).plain.encode("utf-8", "replace"))
    if size > GMAIL_CLIPS_AT:
        yield Flaw(False, 0, f"The HTML has {size // 1000} kB; Gmail cuts off what is larger than 102 kB")


def _address_flaws(name: str, written: str, line: int) -> Iterator[Flaw]:
    target = _NOISE.sub("", html.unescape(html.unescape(written.strip("\"'"))))
    scheme, shown = _scheme(target), target.replace(_WORD, "{{…}}")[:80]
    is_link = name == "href"
    if _WORD in scheme and not target.startswith(_WORD):
        yield Flaw(True, line, f"{shown}: a value may not stand where a link begins")
    elif scheme and scheme not in (_LINKED if is_link else _SHOWN):
        yield from _wrong_scheme(target, scheme, line, is_link=is_link)
    elif not target or target == "#":
        yield Flaw(False, line, "A link leads nowhere" if is_link else "An image has no address")
    elif scheme == "http" and _WORD not in target:
        yield Flaw(False, line, f"{shown} is not https")
    elif not scheme and not target.startswith((_WORD, "#")):
        yield Flaw(False, line, f"{shown} is not a whole address, mail cannot follow it")


def _wrong_scheme(target: str, scheme: str, line: int, *, is_link: bool) -> Iterator[Flaw]:
    if target.lower().startswith("data:image/") and not is_link:
        yield Flaw(
            False,
            line,
            "An image stands in the message itself, which Gmail and Outlook do not show: give its https address",
        )
    elif is_link:
        yield Flaw(True, line, f"A link may not start with {scheme}: but with https, http, mailto or tel")
    else:
        yield Flaw(True, line, f"An image may not start with {scheme}: but with https")


def _scheme(target: str) -> str:
    """What stands before the first colon, when a browser would read it as a scheme."""
    found = re.match(rf"([a-z{_WORD}][a-z0-9+.{_WORD}-]*):(?!\d)", target, re.IGNORECASE)
    return found[1].lower() if found else ""


def _active_parts(lines: _Lines) -> Iterator[Flaw]:
    for found in _ACTIVE.finditer(lines.text):
        yield Flaw(True, lines.line(found.start()), "Scripts, forms and frames do not work in mail: take them out")
    for found in _EVENT.finditer(lines.text):
        yield Flaw(True, lines.line(found.start()), f"{found[1]} does not work in mail: take it out")
    for found in _STYLE_SCRIPT.finditer(html.unescape(lines.text)):
        yield Flaw(True, lines.line(found.start()), "Styles may not hold scripts: take them out")
