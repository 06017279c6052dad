"""Reading what stands on the pages of a PDF that this product made: its lines and where each begins."""

import re
import zlib
from dataclasses import dataclass

_STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)
_STEP = re.compile(rb"([\d.]+) ([\d.]+) Td|/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_MEANS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
MM = 25.4 / 72


@dataclass
class Line:
    """A piece of text and where it begins, in mm from the left and the top."""

    across: float
    down: float
    text: str


def read_pages(content: bytes, *, height: float = 297) -> list[list[Line]]:
    """The lines of each page in their order."""
    names = dict(re.findall(rb"/(F\d+) (\d+) 0 R", content))
    fonts = {name: _meanings(content, number) for name, number in names.items()}
    streams = [_unpacked(found[1]) for found in _STREAM.finditer(content)]
    return [_lines(stream, fonts, height) for stream in streams if b" Td " in stream]


def _unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(stream)
    except zlib.error:
        return stream


def _object(content: bytes, number: bytes) -> bytes:
    found = re.search(rb"(?:^|\n)" + number + rb" 0 obj(.*?)endobj", content, re.DOTALL)
    return found[1] if found else b""


def _meanings(content: bytes, number: bytes) -> dict[int, str]:
    """Which text each code of a font stands for, from the table that copying and searching use."""
    reference = re.search(rb"/ToUnicode (\d+) 0 R", _object(content, number))
    table = _STREAM.search(_object(content, reference[1])) if reference else None
    pairs = re.findall(rb"<([0-9A-Fa-f]+)> <([0-9A-Fa-f]+)>", _unpacked(table[1])) if table else []
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs if len(code) == 4}


def _lines(stream: bytes, fonts: dict[bytes, dict[int, str]], height: float) -> list[Line]:
    lines: list[Line] = []
    font = b""
    for step in _STEP.finditer(stream):
        if step[1]:
            lines.append(Line(float(step[1]) * MM, height - float(step[2]) * MM, ""))
        elif step[3]:
            font = step[3]
        else:
            codes = _ESCAPED.sub(lambda found: _MEANS.get(found[1], found[1]), step[4])
            lines[-1].text += "".join(
                fonts[font].get(int.from_bytes(codes[at:at + 2]), "�") for at in range(0, len(codes), 2))
    return lines
