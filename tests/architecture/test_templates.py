"""Pages keep to the content policy (no inline style, script or event attribute), and to what a phone shows."""

import re
from pathlib import Path

import pytest

from core.settings import ROOT

TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "messages" not in path.parts)
INLINE = re.compile(r"""\sstyle=["']|\son(?:click|change|load|submit|input)=|<script(?![^>]*\b(?:src|nonce)=)""")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_page_holds_nothing_that_the_content_policy_would_block(path: Path) -> None:
    assert INLINE.findall(path.read_text("utf-8")) == []


TABLE = re.compile(r'<table[^>]*\babm-table\b.*?</table>', re.DOTALL)
CELL = re.compile(r'<td(?P<marks>[^>]*)>(?P<content>(?:(?!</td>).)*)</td>', re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_what_can_be_done_in_a_table_can_be_done_on_a_phone(path: Path) -> None:
    """There a table shows its cells of the class phone-main alone."""
    cells = [cell for table in TABLE.findall(path.read_text("utf-8")) for cell in CELL.finditer(table)]
    hidden = [cell["content"] for cell in cells if "phone-main" not in cell["marks"]
              and re.search(r'<form\b|<button\b|class="btn\b', cell["content"])]
    assert hidden == []
