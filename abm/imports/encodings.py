"""Which encoding a text file is in, decided on the whole file, block by block."""

import codecs
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from core.errors import Refused

_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_GLANCE = 4
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_IN_CP1252 = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])
_FOREIGN = re.compile("[\udc80-\udcff]")  # how surrogateescape shows bytes that are not UTF-8
_FOREIGN_RUN = re.compile("[\udc80-\udcff]+")  # in words of Western languages they stand alone
_WIDE = re.compile("[^\x00-\x7f]")
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})
_WESTERN_RUN = 2.5
_MAGIC = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a compressed file",
    b"\x7fELF": "a program",
    b"SQLite format 3": "a database",
    b"{\\rtf": "a text document",
    b"<!doctype": "a web page, whatever its ending says",
    b"<html": "a web page, whatever its ending says",
    b"<?xml": "an XML file",
    b"[{": "JSON",
}


def detect_encoding(path: Path, asked: str = "", *, is_glance: bool = False) -> str:
    """The name of the codec to read `path` with. Refused: binary, an unknown name, lines longer than a megabyte.

    Without a byte order mark: UTF-8 if the file is valid or mostly valid UTF-8 (single foreign bytes then refuse their
    rows only), else UTF-16 by its zero bytes, else cp1252, or Latin-1 where cp1252 has no such character. `is_glance`:
    judged by the first megabytes alone.
    """
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    _refuse_binary(path, start)
    marked = next((name for mark, name in _BOMS if start.startswith(mark)), "")
    named = asked or marked or _utf16_without_mark(start)
    blocks = islice(_blocks(path), _GLANCE) if is_glance else _blocks(path)
    is_whole = not is_glance or path.stat().st_size <= _GLANCE * _BLOCK
    return _checked(path, named, blocks, is_whole=is_whole) if named else _narrow(path, blocks)


def _refuse_binary(path: Path, start: bytes) -> None:
    bare = start[:200].removeprefix(codecs.BOM_UTF8).lstrip().lower()
    for magic, what in _MAGIC.items():
        if start.startswith(magic) or bare.startswith(magic):
            raise Refused(f"{path.name} is {what}, not a table; save it as CSV, .xlsx or .ods")


def _utf16_without_mark(start: bytes) -> str:
    half = max(len(start) // 2, 1)
    even, odd = start[0::2].count(0) / half, start[1::2].count(0) / half
    if odd > 0.3 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.3 and odd < 0.1 else ""


def _checked(path: Path, name: str, blocks: Iterator[bytes], *, is_whole: bool) -> str:
    try:
        decoder = codecs.getincrementaldecoder(name)()
    except LookupError:
        raise Refused(f"There is no encoding called {name!r}; use utf-8, utf-16, cp1252 or latin-1") from None
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=is_whole)
    except UnicodeError as error:
        raise Refused(
            f"{path.name} is not {name} text ({error.reason if isinstance(error, UnicodeDecodeError) else error}); "
            "name its encoding, or save it as UTF-8"
        ) from error
    return name


def _narrow(path: Path, blocks: Iterator[bytes]) -> str:
    good = bad = controls = size = runs = 0
    needs_latin1 = False
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for block in blocks:
        size += len(block)
        controls += len(block) - len(block.translate(None, _CONTROLS))
        if block.isascii():
            continue
        text = decoder.decode(block)
        lost = len(_FOREIGN.findall(text))
        bad += lost
        runs += len(_FOREIGN_RUN.findall(text))
        good += len(_WIDE.findall(text)) - lost
        needs_latin1 = needs_latin1 or any(byte in block for byte in _NOT_IN_CP1252)
    if bad > good and controls > size / 200:
        raise Refused(f"{path.name} is not text; save the table as CSV, .xlsx or .ods")
    if good >= bad:
        return "utf-8"
    if bad > _WESTERN_RUN * runs:
        raise Refused(f"{path.name} is written in an encoding that cannot be told for sure; name it (such as cp1251, "
                      "shift_jis, gb18030 or cp1252), or save it as UTF-8")
    return "latin-1" if needs_latin1 else "cp1252"


def _blocks(path: Path) -> Iterator[bytes]:
    """The file in blocks. Refused where a block has no line end at all: no honest row is that long."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if len(block) == _BLOCK and b"\n" not in block and b"\r" not in block:
                raise Refused(
                    f"{path.name} has a line of more than a megabyte; check that it is a table with one row a line"
                )
            yield block
