"""MJML on its way to a message: compiled once, template tags whole, mistakes named with their line."""

import re
from typing import Any

import pytest

from campaigns.definition import Content, parse, to_raw
from campaigns.html_parts import prepare_html
from campaigns.mjml_parts import compile_mjml
from campaigns.rendering import compile_email
from campaigns.sandbox_rules import ContentRefused
from core.errors import InvalidInput
from tests.campaigns.campaign_factory import make_raw
from tests.campaigns.test_rendering import FACTS, fill, make_definition, make_step, part
from tests.conftest import SHARED_DATA

pytestmark = pytest.mark.usefixtures("data_dir")

FOOTER = '{{ sender.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a>'


def mjml(body: str, head: str = "") -> str:
    footer = f"<mj-section><mj-column><mj-text>{FOOTER}</mj-text></mj-column></mj-section>"
    return f"<mjml><mj-head>{head}</mj-head>\n<mj-body>{body}{footer}</mj-body></mjml>"


def section(inside: str) -> str:
    return f"<mj-section>\n<mj-column>{inside}</mj-column></mj-section>"


RICH = mjml(
    "{% if account.city %}"
    + section('<mj-text css-class="lead">In {{ account.city }}</mj-text>')
    + "{% else %}"
    + section("<mj-text>Somewhere</mj-text>")
    + "{% endif %}"
    + section(
        "<mj-table>{% for product in account.custom.products %}<tr><td>{{ product }}</td></tr>{% endfor %}</mj-table>"
        '<mj-button href="https://shop.example.com/{{ account.name }}">To the shop</mj-button>'
    ),
    head="<mj-style>.lead div { text-decoration: underline }</mj-style>"
    "<mj-preview>For {{ contact.first_name }}</mj-preview>",
)
VALUES: dict[str, Any] = {
    "contact": {"first_name": "José"},
    "account": {"name": "A & B", "city": "Paris", "custom": {"products": ["<Tea>", "Coffee"]}},
}


def test_values_conditions_and_loops_are_filled_in_their_places() -> None:
    html = part(fill(make_step(html=RICH), VALUES), "html")

    assert "In Paris" in html
    assert "Somewhere" not in html
    assert re.findall(r"<td[^>]*>([^<]*)</td></tr>", html)[:2] == ["&lt;Tea&gt;", "Coffee"]
    assert "For José" in html
    assert "<mj-" not in html
    assert "{%" not in html


def test_the_other_branch_is_taken_for_somebody_else() -> None:
    html = part(fill(make_step(html=RICH), {**VALUES, "account": {"name": "A & B"}}), "html")

    assert "Somewhere" in html
    assert "In Paris" not in html


def test_the_text_part_is_made_from_what_was_compiled() -> None:
    text = part(fill(make_step(html=RICH), VALUES), "plain")

    assert "In Paris" in text
    assert "To the shop: https://shop.example.com/A%20%26%20B" in text
    assert "Unsubscribe: https://abm.example.com/u/tok" in text
    assert "mj-" not in text


def test_its_styles_are_inlined_once_and_not_for_each_message() -> None:
    prepared = prepare_html(RICH)

    assert not prepared.is_inlined_later
    assert re.search(r'<div style="[^"]*text-decoration: underline[^"]*">In \{\{', prepared.plain)


def test_content_of_values_alone_is_cut_into_pieces_beforehand() -> None:
    step = make_step(html=mjml(section("<mj-text>Hello {{ contact.first_name }}</mj-text>")))
    compiled = compile_email(make_definition(step), step, language=None, variant=None, version_id=1)

    assert compiled.html is not None
    assert compiled.html.segments is not None
    assert b"Hello Jos=C3=A9" in compiled.fill(values=VALUES, facts=FACTS).wire


def test_its_links_are_counted_where_the_message_is_tracked() -> None:
    tracked = part(fill(make_step(html=RICH), VALUES, track=True), "html")

    assert "https://shop.example.com" not in tracked
    assert "/c/" in tracked
    assert "https://abm.example.com/u/tok" in tracked


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (mjml("\n<mj-sectio>x</mj-sectio>"), 'Line 3: <mj-sectio> is not known in MJML, did you mean "mj-section"'),
        ("<mjml><mj-body>\n<mj-section>\n</mj-body></mjml>", "Line 3: </mj-body> closes <mj-section> of line 2"),
        ("<mjml>\n<mj-body>", "Line 2: <mj-body> is never closed"),
        (mjml('<mj-include path="/etc/passwd"/>'), "Line 2: mj-include may not be used"),
        (mjml("<mj-section>" * 300), "nested too deeply"),
        (mjml(section("<mj-text>" + "<div>" * 3000 + "</mj-text>")), "nested too deeply"),
        (
            mjml(
                '<mj-section background-color="{% if account.city %}red{% else %}blue{% endif %}"><mj-column>'
                "</mj-column></mj-section>"
            ),
            "in a place that MJML repeats or moves",
        ),
        (mjml('\n<mj-section nothing-of-mjml="{{ account.name }}"></mj-section>'), "where MJML shows nothing"),
        (mjml(section("<mj-text>&#123;&#123; account.name }}{{</mj-text>")), "Line"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(source: str, said: str) -> None:
    with pytest.raises(ContentRefused, match="^" if said == "Line" else re.escape(said)):
        fill(make_step(html=source), VALUES)


def test_a_brace_written_as_an_entity_stays_a_brace() -> None:
    source = mjml(section("<mj-text>&#123;&#123; account.name &#125;&#125;</mj-text>"))

    html = part(fill(make_step(html=source), VALUES), "html")

    assert "A &amp; B" not in html
    assert "{{ account.name }}" in html


def test_a_name_from_outside_never_becomes_a_tag() -> None:
    values = {**VALUES, "account": {**VALUES["account"], "city": "{{ contact.email }}<mj-text>"}}

    html = part(fill(make_step(html=RICH), values), "html")

    assert "In {{ contact.email }}&lt;mj-text&gt;" in html


def test_the_file_format_says_mjml_and_reads_it_back() -> None:
    step = {"id": "hello", "subject": "Hi", "mjml": RICH, "languages": {"fr": {"mjml": RICH}}}
    definition = parse(make_raw(steps=[step]))

    assert definition.steps[0].html == RICH  # type: ignore[union-attr]
    assert to_raw(definition)["steps"][0]["mjml"] == RICH
    assert to_raw(definition)["steps"][0]["languages"]["fr"] == {"mjml": RICH}
    assert parse(to_raw(definition)) == definition


@pytest.mark.parametrize(
    ("step", "said"),
    [({"mjml": "<p>Hello</p>"}, "has to begin with <mjml>"), ({"mjml": RICH, "html": "<p>x</p>"}, "give one of them")],
)
def test_mjml_that_is_none_is_refused(step: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse(make_raw(steps=[{"id": "hello", "subject": "Hi", **step}]))


def test_a_language_may_be_html_where_the_step_is_mjml() -> None:
    step = make_step(html=RICH, languages={"fr": Content(html=f"<p>Bonjour {FOOTER}</p>")})

    assert "<p>Bonjour" in part(fill(step, VALUES, language="fr"), "html")
    assert "In Paris" in part(fill(step, VALUES, language="de"), "html")


@pytest.mark.skipif(not (SHARED_DATA / "email_templates").is_dir(), reason="the published templates are not here")
@pytest.mark.parametrize(
    "name",
    ["basic", "loyalty-client", "newsletter", "reactivation-email", "referral-email", "welcome-email"],
)
def test_published_templates_become_messages(name: str) -> None:
    source = (SHARED_DATA / "email_templates" / f"{name}.mjml").read_text()
    for foreign in set(re.findall(r"\{\{\s*[\w:$]+\s*\}\}", source)):
        source = source.replace(foreign, "{{ contact.first_name }}")

    prepared = prepare_html(source)
    message = fill(make_step(html=source), VALUES)

    assert not prepared.is_inlined_later
    assert compile_mjml(source).count("{{") == source.count("{{")
    assert "<mj-" not in part(message, "html")
    assert "@media" in part(message, "html")
    assert len(part(message, "plain")) > 200


@pytest.mark.parametrize(("language", "told"), [
    ("de", '<html lang="de" '), ("de-AT", '<html lang="de" '), ("pt_BR", '<html lang="pt-BR" '),
    ("nl", '<html lang="nl-BE" '), ("", "<html dir="),
])
def test_a_message_says_in_which_language_its_words_are(language: str, told: str) -> None:
    own = mjml(section("<mj-text>Hallo</mj-text>"))
    step = make_step(html=own, languages={
        "de": Content(None, own, None), "pt_BR": Content(None, own, None),
        "nl": Content(None, own.replace("<mjml>", '<mjml lang="nl-BE">'), None)})
    html = part(fill(step, language=language), "html")
    assert told in html
    assert 'lang="und"' not in html
