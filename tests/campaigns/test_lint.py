"""What is said about content before anybody gets it."""

from pathlib import Path
from typing import Any

import pytest

from campaigns import definition_values
from campaigns.definition import BranchStep, CallStep, Content, Definition, EmailStep, Sender, WebhookStep
from campaigns.lint import Level, lint
from core.settings import settings

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


@pytest.mark.parametrize(("url", "said"), [
    ("https://hooks.example.com/x", ""), ("https://8.8.8.8/x", ""), ("https://named.local/x", ""),
    ("http://named.local/x", ""), ("http://hooks.example.com/x", "without https"),
    ("http://127.0.0.1:8080/x", "127.0.0.1 is in the own network"), ("https://10.0.0.5/x", "in the own network"),
    ("https://localhost/x", "in the own network")])
def test_a_webhook_that_nothing_would_be_posted_to_blocks_the_launch(
    url: str, said: str, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABM_ALLOWED_HOSTS", "named.local")
    settings.cache_clear()
    step = WebhookStep(id="tell", url=url)
    definition = Definition(name="x", title="X", list_name="l", steps=(step,), sender=Sender("S", "s@example.com", "1"))
    found = [(one.level, said in one.message) for one in lint(definition)]
    assert found == ([(Level.BLOCK, True)] if said else [])


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<p>{{ sender.postal_address }}</p>", "no unsubscribe link"),
        ('<a href="{{ unsubscribe_url }}">x</a>', "no postal address"),
        (FOOTER + "{{ contact.fist_name }}", "did you mean contact.first_name"),
        (FOOTER + "{{ offer.code }}", "the step has none"),
        (FOOTER + '<a href="java&#x73;cript:alert(1)">x</a>', "may not start with javascript"),
        (FOOTER + "<script>x</script>", "do not work in mail"),
        (FOOTER + '<a href="java\tscript:alert(1)">x</a>', "may not start with javascript"),
        (FOOTER + '<a href=" &#1;javascript&colon;alert(1)">x</a>', "may not start with javascript"),
        (FOOTER + '<a href="&amp;#106;avascript:alert(1)">x</a>', "may not start with javascript"),
        (FOOTER + "<a href=java\u200bscript:alert(1)>x</a>", "may not start with javascript"),
        (FOOTER + '<a href="data:text/html,x">x</a>', "may not start with data"),
        (FOOTER + '<a href="ftp://example.com">x</a>', "may not start with ftp"),
        (FOOTER + '<a href="ja{{ account.name }}:x">x</a>', "a value may not stand where a link begins"),
        (FOOTER + '<img alt="x" src="file:///etc/passwd">', "An image may not start with file"),
        (FOOTER + '<p onclick="x()">x</p>', "onclick does not work"),
        (FOOTER + '<p style="background:url(javascript:x)">x</p>', "may not hold scripts"),
        (FOOTER + '<meta http-equiv="refresh" content="0">', "do not work in mail"),
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
        (FOOTER + '<img alt="x" src="data:image/png;base64,AA">', "give its https address"),
        (FOOTER + '<img alt="x" src="logo.png">', "not a whole address"),
        ("<style>p{color:#123456;margin:0}</style>" + FOOTER + "<p>x</p>" * 4_000, "The HTML has"),
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

    assert [str(finding).split(":")[0] for finding in lint(definition)] == ["Step call, script line 1"]


@pytest.mark.parametrize(("body", "track", "is_told"), [
    ("", True, True), ('<a href="https://example.com/programme">Programme</a>', True, False),
    ('<a href="https://example.com/programme">Programme</a>', False, True),
])
def test_a_branch_on_clicks_wants_something_to_click_before_it(body: str, track: bool, is_told: bool) -> None:
    hello = EmailStep(id="hello", subject="Hello", html=body + FOOTER, track=track)
    fork = BranchStep(id="fork", test=definition_values.Test(event="clicked"))
    definition = Definition(name="x", title="X", list_name="l", steps=(hello, fork),
                            sender=Sender("S", "s@example.com", "1 Street"))
    found = [(one.level, one.step) for one in lint(definition) if one.part == "branch"]
    assert found == [(Level.WARN, "fork")] * is_told


def test_a_footer_that_nobody_sees_does_not_count_in_the_text_part() -> None:
    hidden = "<p>Hello</p><!-- {{ sender.postal_address }} {{ unsubscribe_url }} -->"

    assert {(level, part) for level, part, _message in find(hidden)} == {(Level.BLOCK, "text")}


def test_a_message_of_pictures_alone_has_no_words_to_read() -> None:
    picture = '<img alt="" src="https://example.com/{{ sender.postal_address }}/{{ unsubscribe_url }}.png">'

    assert [(part, said) for _level, part, said in find(picture) if "no words" in said] == [
        ("text", "The text part made from the HTML has no words")
    ]


def test_a_subject_that_would_be_cut_off_blocks() -> None:
    assert find(subject="x" * 256 + "{{ account.name }}") == [
        (Level.BLOCK, "subject", "The subject has 256 characters without its values; what is beyond 255 is cut off")
    ]
    assert find(subject="x" * 250 + "{{ account.name | default('somebody') }}") == []


MJML = """<mjml>
<mj-body><mj-section><mj-column>
{# a note
over lines #}<mj-image src="https://example.com/x.png" />
<mj-button href="javascript:x">{{ account.name }}</mj-button>
<mj-text>{{ sender.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>
</mj-column></mj-section></mj-body></mjml>"""


def test_the_line_is_the_author_s_own_in_mjml_too() -> None:
    step = EmailStep(id="hello", subject="Hello", html=MJML)
    sender = Sender("S", "s@example.com", "1 Example Street, Town")
    findings = lint(Definition(name="x", title="X", list_name="l", steps=(step,), sender=sender))

    assert [(finding.line, finding.message.split(",")[0]) for finding in findings] == [
        (5, "A link may not start with javascript: but with https"),
        (4, "1 image has no alt text for who does not see them"),
    ]
    assert findings[0].place == "html, line 5"


def test_mjml_that_cannot_be_compiled_blocks_with_its_line() -> None:
    (finding,) = find("<mjml>\n<mj-body><mj-sectio></mj-sectio></mj-body></mjml>")

    assert finding[:2] == (Level.BLOCK, "html")
    assert "<mj-sectio> is not known" in finding[2]
