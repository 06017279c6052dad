"""Markup that would end the process that parses it is refused before any parser sees it."""

import pytest

from campaigns.html_parts import prepare_html
from campaigns.markup_depth import MAX_DEPTH, is_too_deep
from campaigns.personalisation import BadValue
from campaigns.sandbox_child import prove
from campaigns.sandbox_rules import ContentRefused
from tests.campaigns.test_rendering import VALUES, fill, make_step

STYLE = "<style>p { color: red }</style>"


@pytest.mark.parametrize(
    ("markup", "is_deep"),
    [
        ("<div>" * MAX_DEPTH + "</div>" * MAX_DEPTH, False),
        ("<div>" * (MAX_DEPTH + 1), True),
        ("<DIV\n>" * (MAX_DEPTH + 1), True),
        ("<p>x" * 5000 + "<br>" * 5000, False),
        ("<b>x</b>" * 5000, False),
        ("<b>x</i>" * 300, True),
        ("<!-- <div> -->" * 5000, False),
    ],
)
def test_only_elements_that_stand_open_at_once_count(markup: str, is_deep: bool) -> None:
    assert is_too_deep(markup) is is_deep


@pytest.mark.parametrize("tag", ["<div>", "<b>", "<table>", "<x-y>", "<ul><li>", "<table><tr><td>"])
def test_content_that_nests_without_end_is_refused_here_and_in_the_child(tag: str) -> None:
    source = STYLE + tag * (60_000 // len(tag))

    with pytest.raises(ContentRefused, match="nested more than"):
        prepare_html(source)
    with pytest.raises(ContentRefused, match="nested more than"):
        prove(((source, True),))


@pytest.mark.usefixtures("data_dir")
def test_a_loop_that_nests_fails_its_own_message_and_nobody_else_s() -> None:
    loop = "{% for a in account.custom.many %}{% for b in account.custom.many %}<div>{% endfor %}{% endfor %}"
    step = make_step(html=STYLE + "<p>{{ contact.first_name }}</p>" + loop)

    with pytest.raises(BadValue, match="nested too deeply"):
        fill(step, {**VALUES, "account": {"name": "A", "custom": {"many": list(range(200))}}})
    assert fill(step, {**VALUES, "account": {"name": "A", "custom": {"many": [1]}}}).wire
