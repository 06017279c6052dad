"""Pages keep to the content policy: no inline style, no inline script, no event attribute."""

import re
from pathlib import Path

import pytest

from core.settings import ROOT

TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "messages" not in path.parts)
INLINE = re.compile(r"""\sstyle=["']|\son(?:click|change|load|submit|input)=|<script(?![^>]*\b(?:src|nonce)=)""")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_page_holds_nothing_that_the_content_policy_would_block(path: Path) -> None:
    assert INLINE.findall(path.read_text("utf-8")) == []
