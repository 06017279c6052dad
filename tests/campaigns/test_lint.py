"""What is said about content before anybody gets it."""

from typing import Any

import pytest

from campaigns.definition import CallStep, Content, Definition, EmailStep, Sender
from campaigns.lint import Level, lint

FOOTER = '<p>{{ sender.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'


def find(
    html: str | None = FOOTER, *, postal_address: str = "1 Example Street, Town", **values: Any
) -> list[tuple[Level, str, str]]:
    step = EmailStep(**{"id": "hello", "subject": "Hello", "html": html, **values})
    definition = Definition(
        name="x", title="X", list_name="l", steps=(step,), sender=Sender("S", "s@example.com", postal_address)
    )
    return [(finding.level, finding.part, finding.message) for finding in lint(definition)]


def test_lawful_content_has_no_findings() -> None:
    assert find() == []


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<p>{{ sender.postal_address }}</p>", "no unsubscribe link"),
        ('<a href="{{ unsubscribe_url }}">x</a>', "no postal address"),
        (FOOTER + "{{ contact.fist_name }}", "did you mean contact.first_name"),
        (FOOTER + "{{ offer.code }}", "the step has none"),
        (FOOTER + '<a href="java&#x73;cript:alert(1)">x</a>', "may not start with javascript"),
        (FOOTER + "<script>x</script>", "do not work in mail"),
    ],
)
def test_what_keeps_a_launch_from_happening(html: str, said: str) -> None:
    (finding,) = find(html)

    assert finding[0] is Level.BLOCK
    assert said in finding[2]


@pytest.mark.parametrize(
    ("html", "said"),
    [
        (FOOTER + '<img src="https://example.com/x.png">', "no alt text"),
        (FOOTER + '<a href="http://example.com/">x</a>', "not https"),
        (FOOTER + '<a href="#">x</a>', "leads nowhere"),
        (FOOTER + '<a href="/prices">x</a>', "not a whole address"),
    ],
)
def test_what_people_are_warned_of(html: str, said: str) -> None:
    (finding,) = find(html)

    assert finding[0] is Level.WARN
    assert said in finding[2]


def test_the_postal_address_may_be_written_out() -> None:
    assert find('<p>1 Example<br>Street, Town <a href="{{ preferences_url }}">x</a></p>') == []


def test_a_sender_without_a_postal_address_blocks() -> None:
    assert [finding[0] for finding in find(postal_address="")] == [Level.BLOCK]


def test_a_text_part_of_its_own_needs_them_too() -> None:
    assert {part for level, part, _message in find(text="Hello") if level is Level.BLOCK} == {"text"}


def test_every_language_is_looked_at() -> None:
    assert [part for _level, part, _message in find(languages={"fr": Content(html="<p>Bonjour</p>")})] == [
        "html",
        "html",
    ]


def test_a_call_script_is_looked_at() -> None:
    definition = Definition(
        name="x", title="X", list_name="l", steps=(CallStep(id="call", script="{{ nobody.name }}"),)
    )

    assert [str(finding).split(":")[0] for finding in lint(definition)] == ["Step call, script"]
