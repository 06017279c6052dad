"""The two parts of a message, encoded as far as possible before there is a recipient."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from campaigns import wire
from campaigns.contents import Words
from campaigns.filling import Filler, Flat, Piece, Printer, filler_of
from campaigns.html_parts import PreparedHtml, inline_css, prepare_html, readable_text, text_from_html
from campaigns.sandbox import Template, compile_template
from campaigns.sandbox_rules import ContentRefused

_LONG_PIECE = 240
_KEPT = 60
_KEPT_VALUES, _KEPT_LENGTH = 512, 100


@dataclass(frozen=True, slots=True)
class Line:
    """Text and values that share one line of the content; `is_open`: the line goes on in the next segment.

    A line with one value that others may have too is kept as it was encoded for that value: many people share a
    country, a city, a seller.
    """

    pieces: tuple[Piece, ...]
    is_html: bool
    is_open: bool
    place: int | None = field(init=False)
    fills: Filler = field(init=False, repr=False, compare=False)
    kept: dict[str, bytes] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        printers = [piece for piece in self.pieces if isinstance(piece, Printer)]
        places = {one.place if one.is_shared else None for one in printers}
        object.__setattr__(self, "place", places.pop() if len(places) == 1 else None)
        object.__setattr__(self, "fills", filler_of(self.pieces, is_html=self.is_html))

    def encode(self, flat: Flat) -> bytes:
        if self.place is None or type(value := flat[self.place]) is not str or len(value) > _KEPT_LENGTH:
            return wire.quoted_line(self.fills(flat), is_open=self.is_open)
        encoded = self.kept.get(value)
        if encoded is None:
            if len(self.kept) >= _KEPT_VALUES:
                self.kept.clear()
            encoded = self.kept[value] = wire.quoted_line(self.fills(flat), is_open=self.is_open)
        return encoded


@dataclass(frozen=True, slots=True)
class Lines:
    """Several whole lines with values, one after the other: most people's are plain, and are then encoded at once."""

    lines: tuple[Line, ...]
    fills: Filler = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pieces = tuple(piece for line in self.lines for piece in line.pieces)
        object.__setattr__(self, "fills", filler_of(pieces, is_html=self.lines[0].is_html))

    def encode(self, flat: Flat) -> bytes:
        if (encoded := wire.plain_lines(self.fills(flat))) is not None:
            return encoded
        return b"".join([line.encode(flat) for line in self.lines])


Segment = bytes | Line | Lines


@dataclass(frozen=True)
class Body:
    """One part. Content of text and values alone is kept as quoted-printable pieces; the rest is encoded whole."""

    template: Template
    part_head: bytes
    segments: tuple[Segment, ...] | None
    is_base64: bool = False
    is_inlined_later: bool = False
    reads_html: bool = False
    tracked: "Body | None" = None
    links: tuple[tuple[Template, bool], ...] = ()

    def encode(self, flat: Flat) -> bytes:
        """The encoded part, from the values of its template. Raises BadValue."""
        if self.segments is None:
            return self._encode_whole(self.template.fill(flat))
        return b"".join(
            [
                segment if type(segment) is bytes else segment.encode(flat)  # type: ignore[union-attr]
                for segment in self.segments
            ]
        )

    def _encode_whole(self, rendered: str) -> bytes:
        if self.is_inlined_later or self.reads_html:
            rendered = inline_css(rendered) if self.is_inlined_later else readable_text(rendered)
        return wire.base64_body(rendered) if self.is_base64 else wire.quoted_printable(rendered)


def compile_bodies(words: Words) -> tuple[Body, Body | None]:
    """The text part and, where there is one, the HTML part with its links. Raises ContentRefused."""
    if words.html is None:
        return _body(compile_template(words.text or "", is_html=False), "plain"), None
    compile_template(words.html, is_html=True)
    prepared = prepare_html(words.html)
    return _text_body(words, prepared.plain), _html_body(prepared)


def _text_body(words: Words, html: str) -> Body:
    if words.text is not None and words.text.strip():
        return _body(compile_template(words.text, is_html=False), "plain")
    source = text_from_html(html)
    try:
        template = (
            compile_template(source or words.subject, is_html=False, is_ours=True) if source is not None else None
        )
    except ContentRefused:
        template = None
    if template is None:
        return _body(compile_template(html, is_html=True, is_ours=True), "plain", reads_html=True)
    return _body(template, "plain")


def _html_body(prepared: PreparedHtml) -> Body:
    later = prepared.is_inlined_later
    tracked = _body(compile_template(prepared.tracked, is_html=True, is_ours=True), "html", is_inlined_later=later)
    plain = _body(compile_template(prepared.plain, is_html=True, is_ours=True), "html", is_inlined_later=later)
    links = tuple(
        (compile_template(link.source, is_html=False, is_ours=True), link.is_personal) for link in prepared.links
    )
    return Body(plain.template, plain.part_head, plain.segments, plain.is_base64, later, tracked=tracked, links=links)


def _body(template: Template, kind: str, *, is_inlined_later: bool = False, reads_html: bool = False) -> Body:
    pieces = template.pieces
    fixed = "".join(piece for piece in pieces or () if isinstance(piece, str))
    is_base64 = wire.is_better_in_base64(fixed)
    encoding = "base64" if is_base64 else "quoted-printable"
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    if pieces is None or is_base64 or is_inlined_later or reads_html:
        return Body(template, head, None, is_base64, is_inlined_later, reads_html)
    return Body(template, head, tuple(_together(_segments(pieces, is_html=template.is_html))))


def _segments(pieces: Sequence[Piece], *, is_html: bool) -> Iterator[Segment]:
    """Fixed stretches as bytes, lines with values as lines: encoding per message touches only the latter."""
    fixed: list[str] = []
    for line in _lines(pieces):
        if all(isinstance(piece, str) for piece in line):
            fixed += [piece for piece in line if isinstance(piece, str)]
            continue
        yield wire.quoted_piece("".join(fixed))
        fixed = []
        yield from _line_segments(line, is_html=is_html)
    yield wire.quoted_piece("".join(fixed), is_last=True)


def _together(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Whole lines that follow each other as one segment; nothing is between them but an empty fixed stretch."""
    whole: list[Line] = []
    for segment in segments:
        if isinstance(segment, Line) and _is_whole(segment):
            whole.append(segment)
        elif segment != b"":
            yield from _as_one(whole)
            whole = []
            yield segment
    yield from _as_one(whole)


def _as_one(whole: list[Line]) -> list[Segment]:
    return [Lines(tuple(whole))] if len(whole) > 1 else [*whole]


def _is_whole(line: Line) -> bool:
    last = line.pieces[-1]
    return not line.is_open and isinstance(last, str) and last.endswith("\n")


def _lines(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    line: list[Piece] = []
    for piece in pieces:
        for part in _newline_parts(piece) if isinstance(piece, str) else [piece]:
            line.append(part)
            if isinstance(part, str) and part.endswith("\n"):
                yield line
                line = []
    if line:
        yield line


def _newline_parts(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True) if text else []


def _line_segments(line: list[Piece], *, is_html: bool) -> Iterator[Segment]:
    """A line with values; long fixed stretches in it are encoded beforehand, for HTML without line breaks."""
    run: list[Piece] = []
    for piece in line:
        if isinstance(piece, str) and len(piece) > _LONG_PIECE:
            if run:
                yield Line((*run, piece[:_KEPT]), is_html, is_open=True)
                piece = piece[_KEPT:]
            yield wire.quoted_piece(piece[:-_KEPT])
            piece = piece[-_KEPT:]
            run = []
        run.append(piece)
    yield Line(tuple(run), is_html, is_open=False)
