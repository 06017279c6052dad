"""Letters as a PDF: one file for a whole batch, each letter on pages of its own, laid out for window envelopes.

The address block stands where DIN 5008 form B and ISO 269 DL window envelopes show it: 20 mm from the left, 45 to 90 mm
from the top. Paper is A4.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from campaigns.models import Letter
from core.settings import ROOT

FONTS = ROOT / "static" / "fonts"
LEFT, RIGHT, WINDOW_TOP, WINDOW_WIDTH = 25.0, 20.0, 45.0, 85.0
_WINDOW_LEFT, _SUBJECT_TOP, _FOLDS = 20.0, 103.0, (105.0, 210.0)
_FAMILY = "letter"


def make_pdf(letters: Iterable[Letter], *, printed_at: datetime) -> bytes:
    """The letters in their order. The same letters and moment give the same bytes."""
    pdf = _Sheet()
    pdf.set_creation_date(printed_at)
    for letter in letters:
        _write_letter(pdf, letter, printed_at)
    return bytes(pdf.output())


def _Sheet() -> Any:
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.add_font(_FAMILY, "", FONTS / "DejaVuSansCondensed.ttf")
    pdf.add_font(_FAMILY, "B", FONTS / "DejaVuSansCondensed-Bold.ttf")
    pdf.set_margins(LEFT, 20, RIGHT)
    pdf.set_auto_page_break(auto=True, margin=25)
    return pdf


def _write_letter(pdf: Any, letter: Letter, printed_at: datetime) -> None:
    pdf.add_page()
    _mark_folds(pdf)
    _write_address(pdf, letter)
    pdf.set_font(_FAMILY, size=10)
    pdf.set_xy(LEFT, _SUBJECT_TOP - 8)
    pdf.cell(w=0, h=5, text=f"{printed_at.day} {printed_at:%B %Y}", align="R")
    pdf.set_xy(LEFT, _SUBJECT_TOP)
    if letter.subject:
        pdf.set_font(_FAMILY, "B", 11)
        pdf.multi_cell(w=0, h=5.5, text=letter.subject, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(4)
    pdf.set_font(_FAMILY, size=10.5)
    for paragraph in letter.body.strip().split("\n\n"):
        pdf.multi_cell(w=0, h=5.2, text=_marked(paragraph), align="L", markdown=True, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(3)


def _write_address(pdf: Any, letter: Letter) -> None:
    pdf.set_xy(_WINDOW_LEFT, WINDOW_TOP)
    pdf.set_font(_FAMILY, size=6.5)
    back = " · ".join(str(line) for line in letter.sender)
    pdf.cell(w=WINDOW_WIDTH, h=4, text=_fitted(pdf, back, WINDOW_WIDTH), border="B")
    pdf.set_font(_FAMILY, size=10)
    lines = [str(line) for line in letter.address][:8]
    for number, line in enumerate(lines):
        pdf.set_xy(_WINDOW_LEFT, WINDOW_TOP + 7 + number * 4.6)
        pdf.cell(w=WINDOW_WIDTH, h=4.6, text=_fitted(pdf, line, WINDOW_WIDTH))


def _fitted(pdf: Any, line: str, width: float) -> str:
    """A line that stays inside the window."""
    while line and pdf.get_string_width(line) > width - 2:
        line = line[:-2].rstrip() + "…" if len(line) > 2 else ""
    return line


def _mark_folds(pdf: Any) -> None:
    pdf.set_draw_color(170)
    for height in _FOLDS:
        pdf.line(4, height, 8, height)
    pdf.set_draw_color(0)


def _marked(text: str) -> str:
    """`**bold**` is the only mark; the library's other ones stand for themselves."""
    return text.replace("\\", "\\\\").replace("__", "\\__").replace("--", "\\--").replace("~~", "\\~~")
