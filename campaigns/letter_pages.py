"""Letters as a PDF: one file for a whole batch, each letter on pages of its own, laid out for window envelopes.

On A4 the address block stands where DIN 5008 form B and ISO 269 DL window envelopes show it: the window begins 20 mm
from the left and shows 45 to 90 mm from the top; the lines begin 5 mm inside, above those of the letter. On US Letter,
folded in three, it stands in the window of a number 10 envelope: that shows 64 to 80 mm from the top in any case, and
12 mm more above or below as the sheet slides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from campaigns.letter_days import day_in_words
from campaigns.models import Letter
from core.settings import ROOT

FONTS = ROOT / "static" / "fonts"
LEFT, RIGHT, WINDOW_WIDTH = 25.0, 20.0, 75.0
_SUBJECT_TOP = 103.0
_LINE, _BETWEEN, _MOST_KEPT = 5.2, 3.0, 100.0
_FAMILY = "letter"


@dataclass(frozen=True, slots=True)
class Paper:
    """Its name, and in mm from the top where the sender's line and the address begin and where it is folded."""

    name: str
    sender_top: float
    address_top: float
    folds: tuple[float, float]


A4 = Paper("A4", 45.0, 52.0, (105.0, 210.0))
US_LETTER = Paper("Letter", 54.0, 60.0, (93.1, 186.3))
_USES_LETTER = frozenset({"US", "CA", "MX", "PH", "CO", "CL", "VE", "PR"})


def paper_of(country: str) -> Paper:
    """What is in the printers of a company in this country."""
    return US_LETTER if country.upper() in _USES_LETTER else A4


def find_unprintable(letter: Letter) -> str:
    """The characters of a letter that its typeface does not have, each once: they would be empty boxes on paper."""
    text = "".join([letter.subject, letter.body, *map(str, letter.address), *map(str, letter.sender)])
    return "".join(sorted({char for char in text if ord(char) not in _glyphs() and not char.isspace()}))


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_Sheet(A4).fonts[_FAMILY].cmap)


def make_pdf(letters: Iterable[Letter], *, printed_at: datetime, paper: Paper = A4) -> bytes:
    """The letters in their order, dated with the day of `printed_at` in its own zone. The same letters and moment give
    the same bytes."""
    pdf = _Sheet(paper)
    pdf.set_creation_date(printed_at)
    for letter in letters:
        _write_letter(pdf, letter, printed_at, paper)
    return bytes(pdf.output())


def _Sheet(paper: Paper) -> Any:
    from fpdf import FPDF

    pdf = FPDF(format=paper.name)
    pdf.add_font(_FAMILY, "", FONTS / "DejaVuSansCondensed.ttf")
    pdf.add_font(_FAMILY, "B", FONTS / "DejaVuSansCondensed-Bold.ttf")
    pdf.set_margins(LEFT, 20, RIGHT)
    pdf.c_margin = 0
    pdf.set_auto_page_break(auto=True, margin=25)
    return pdf


def _write_letter(pdf: Any, letter: Letter, printed_at: datetime, paper: Paper) -> None:
    pdf.add_page()
    _mark_folds(pdf, paper)
    _write_address(pdf, letter, paper)
    pdf.set_font(_FAMILY, size=10)
    pdf.set_xy(LEFT, _SUBJECT_TOP - 8)
    pdf.cell(w=0, h=5, text=day_in_words(printed_at.date(), letter.language), align="R")
    pdf.set_xy(LEFT, _SUBJECT_TOP)
    if letter.subject:
        pdf.set_font(_FAMILY, "B", 11)
        pdf.multi_cell(w=0, h=5.5, text=letter.subject, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(4)
    pdf.set_font(_FAMILY, size=10.5)
    paragraphs = letter.body.strip().split("\n\n")
    ending = _begin_of_ending(paragraphs)
    for number, paragraph in enumerate(paragraphs):
        if number == ending:
            _keep_together(pdf, paragraphs[number:])
        _write_paragraph(pdf, paragraph)


def _write_paragraph(pdf: Any, paragraph: str) -> None:
    pdf.multi_cell(w=0, h=_LINE, text=_marked(paragraph), align="L", markdown=True, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(_BETWEEN)


def _begin_of_ending(paragraphs: Sequence[str]) -> int:
    """Where the last three written paragraphs begin: the last words, the greeting and the name stay on one page, with
    the empty lines between them, so that no page bears a signature alone."""
    written = [number for number, paragraph in enumerate(paragraphs) if paragraph.strip()]
    return written[-3] if len(written) > 3 else 0


def _keep_together(pdf: Any, paragraphs: Sequence[str]) -> None:
    """A new page where these do not fit on this one any more; what is longer than a third of one may break."""
    height = sum(pdf.multi_cell(w=0, h=_LINE, text=_marked(paragraph), markdown=True, dry_run=True, output="HEIGHT")
                 + _BETWEEN for paragraph in paragraphs)
    if height <= _MOST_KEPT and pdf.will_page_break(height - _BETWEEN):
        pdf.add_page()


def _write_address(pdf: Any, letter: Letter, paper: Paper) -> None:
    pdf.set_xy(LEFT, paper.sender_top)
    pdf.set_font(_FAMILY, size=6.5)
    back = " · ".join(str(line) for line in letter.sender)
    pdf.cell(w=WINDOW_WIDTH, h=4, text=_fitted(pdf, back, WINDOW_WIDTH), border="B")
    pdf.set_font(_FAMILY, size=10)
    lines = [str(line) for line in letter.address][:8]
    for number, line in enumerate(lines):
        pdf.set_xy(LEFT, paper.address_top + number * 4.6)
        pdf.cell(w=WINDOW_WIDTH, h=4.6, text=_fitted(pdf, line, WINDOW_WIDTH))


def _fitted(pdf: Any, line: str, width: float) -> str:
    """A line that stays inside the window."""
    while line and pdf.get_string_width(line) > width - 2:
        line = line[:-2].rstrip() + "…" if len(line) > 2 else ""
    return line


def _mark_folds(pdf: Any, paper: Paper) -> None:
    pdf.set_draw_color(170)
    for height in paper.folds:
        pdf.line(4, height, 8, height)
    pdf.set_draw_color(0)


def _marked(text: str) -> str:
    """`**bold**` is the only mark; the library's other ones stand for themselves."""
    return text.replace("\\", "\\\\").replace("__", "\\__").replace("--", "\\--").replace("~~", "\\~~")
