"""What leaves the house, read back with the standard library's parser."""

import dataclasses
import email
import email.policy
import re
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.definition import Content, Definition, EmailStep, Sender, Variant
from campaigns.facts import DeliveryFacts
from campaigns.personalisation import BadValue, MissingValue
from campaigns.preparing import reply_address
from campaigns.rendering import FilledMessage, compile_email, missing_values, preview, render_script
from campaigns.tracking import read_click, read_open, read_trap
from campaigns.wire import BadAddress

pytestmark = pytest.mark.usefixtures("data_dir")

HTML = """<html><head><style>p { color: #333 }</style></head><body>
<p>Hello {{ contact.first_name }} {{ contact.last_name }} ({{ contact.title|default('friend') }})
of {{ account.name }}</p><p><a href="https://shop.example.com/a?b=1&amp;c=2">Shop</a> <a
href="https://shop.example.com/{{ account.name }}">Yours</a></p>
<p>{{ sender.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>"""
VALUES: dict[str, Any] = {
    "contact": {"first_name": "José", "last_name": "Doe", "title": None},
    "account": {"name": "A & B / <Co>", "city": "Paris"},
}
FACTS = DeliveryFacts(
    delivery_id=42, message_id="<abc@example.com>", to_address="jane@example.com", to_name="Doe, Jane",
    unsubscribe_url="https://abm.example.com/u/tok", preferences_url="https://abm.example.com/u/tok",
    envelope_from="bounce+x@example.com", track=False,
)  # fmt: skip
SENDER = Sender("Sales desk", "sales@example.com", "1 Example Street")


def make_step(**values: Any) -> EmailStep:
    return EmailStep(**{"id": "hello", "subject": "{{ account.name }}: hello", "html": HTML, **values})


def make_definition(step: EmailStep, **values: Any) -> Definition:
    return Definition(
        **{
            "name": "x",
            "title": "X",
            "list_name": "l",
            "steps": (step,),
            "sender": SENDER,
            "purpose": "win-back",
            **values,
        }
    )


def fill(
    step: EmailStep | None = None,
    values: Any = None,
    *,
    language: str | None = None,
    variant: str | None = None,
    sender: Sender = SENDER,
    **facts: Any,
) -> FilledMessage:
    chosen = step or make_step()
    compiled = compile_email(
        make_definition(chosen, sender=sender), chosen, language=language, variant=variant, version_id=1
    )
    return compiled.fill(values=VALUES if values is None else values, facts=dataclasses.replace(FACTS, **facts))


def parse(message: FilledMessage) -> EmailMessage:
    return email.message_from_bytes(message.wire, policy=email.policy.default)  # type: ignore[return-value]


def part(message: FilledMessage, kind: str) -> str:
    found = parse(message).get_body((kind,))
    assert found is not None
    return found.get_content().replace("\r\n", "\n")


def test_both_parts_say_what_was_meant_text_first() -> None:
    message = parse(fill())

    assert [item.get_content_type() for item in message.iter_parts()] == ["text/plain", "text/html"]
    assert message.defects == []
    assert "Hello José Doe (friend) of A & B / <Co>" in part(fill(), "plain")
    assert "of A &amp; B / &lt;Co&gt;</p>" in part(fill(), "html")


def test_the_text_part_has_the_links_and_the_address() -> None:
    text = part(fill(), "plain")

    assert "Unsubscribe: https://abm.example.com/u/tok" in text
    assert "1 Example Street" in text


def test_styles_move_into_the_tags() -> None:
    assert '<p style="color: #333' in part(fill(), "html")


@pytest.mark.parametrize(
    "name",
    [
        "From",
        "Date",
        "Message-ID",
        "To",
        "Subject",
        "MIME-Version",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-Id",
        "Precedence",
        "X-ABM-Message-ID",
    ],
)
def test_each_header_is_there_once(name: str) -> None:
    assert len(parse(fill()).get_all(name)) == 1
    assert "Bcc" not in parse(fill())


@pytest.mark.parametrize("length", [20, 150, 400])
def test_unsubscribe_headers_stand_unencoded_on_one_line(length: int) -> None:
    url = "https://abm.example.com/u/" + "a" * length
    lines = fill(unsubscribe_url=url).wire.split(b"\r\n")

    assert f"List-Unsubscribe: <{url}>".encode() in lines
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines


def test_answers_go_to_the_sender_unless_another_address_is_given() -> None:
    assert parse(fill())["Reply-To"] is None
    assert parse(fill(reply_to="olga@example.com"))["Reply-To"] == "olga@example.com"


@pytest.mark.parametrize(
    ("reply_to", "values", "address"),
    [("sender", {"owner": {"email": "olga@example.com"}}, ""), ("owner", {"owner": {"email": None}}, ""),
     ("owner", {"owner": {"email": "olga@example.com"}}, "olga@example.com"), ("owner", {}, "")],
)  # fmt: skip
def test_answers_go_to_the_owner_only_where_asked_and_known(reply_to: str, values: Any, address: str) -> None:
    assert reply_address(reply_to, values) == address


def test_the_list_id_is_the_purpose_and_stays() -> None:
    assert parse(fill())["List-Id"] == "<win-back.example.com>"


def test_only_crlf_and_no_line_is_too_long() -> None:
    values = {**VALUES, "account": {"name": "x" * 3000}}
    wire = fill(values=values).wire
    body = wire.split(b"\r\n\r\n", 1)[1]

    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", wire)
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert max(map(len, body.split(b"\r\n"))) <= 76


@pytest.mark.parametrize(
    "name",
    [
        "Doe, Jane",
        'Jane "JD" Doe',
        "jane@work",
        "Jane <evil@example.com>",
        "Zoë Ångström",
        "=?utf-8?q?evil?=",
        "a\\b",
        "名前 " * 5,
    ],
)
def test_a_display_name_stays_one_name(name: str) -> None:
    to = parse(fill(to_name=name))["To"]

    assert [(address.display_name, address.addr_spec) for address in to.addresses] == [
        (name.strip(), "jane@example.com")
    ]


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x85", "\u2028"])
def test_no_value_injects_a_header(ending: str) -> None:
    evil = f"x{ending}Bcc: evil@example.com"
    step = make_step(subject="{{ contact.first_name }}")
    message = parse(fill(step, {**VALUES, "contact": {"first_name": evil, "last_name": evil}}, to_name=evil))

    assert "Bcc" not in message
    assert message["Subject"].startswith("x")


@pytest.mark.parametrize(
    "address",
    [
        "josé@example.com",
        "no-at-sign",
        "a@b@c.com",
        "a b@example.com",
        "a@exa mple.com",
        "x\r\nRCPT TO:<y>@example.com",
        "@example.com",
        "a@",
        "a@-x.com",
        "a..b@example.com",
        "",
    ],
)
def test_an_address_that_cannot_be_sent_to_fails_that_row(address: str) -> None:
    with pytest.raises(BadAddress):
        fill(to_address=address)


def test_a_domain_in_other_letters_becomes_its_ascii_form() -> None:
    assert fill(to_address="Jane@Bücher.example").envelope_to == "Jane@xn--bcher-kva.example"


@pytest.mark.parametrize("broken", ["\ud800", "a\udfffb", "nul\x00"])
def test_broken_text_fails_that_row(broken: str) -> None:
    with pytest.raises(BadValue):
        fill(values={**VALUES, "account": {"name": broken}})
    with pytest.raises(BadValue):
        fill(to_name=broken)


def test_a_subject_is_not_escaped_and_at_most_255_long() -> None:
    message = parse(fill(make_step(subject="{{ account.name }} & " + "é" * 400)))

    assert message["Subject"].startswith("A & B / <Co> & é")
    assert len(message["Subject"]) == 255


def test_encoded_words_are_at_most_75_long() -> None:
    wire = fill(make_step(subject="Ünïcödé 名前 " * 20)).wire

    assert max(len(word) for word in re.findall(rb"=\?utf-8\?b\?[^?]*\?=", wire)) <= 75


def test_a_literal_encoded_word_is_never_decoded() -> None:
    assert (
        parse(fill(make_step(subject="{{ account.name }}"), {**VALUES, "account": {"name": "=?utf-8?q?evil?="}}))[
            "Subject"
        ]
        == "=?utf-8?q?evil?="
    )


def test_missing_values_are_named_and_stop_the_message() -> None:
    step = make_step(html="<p>{{ contact.title }} {{ owner.name }}</p>")

    with pytest.raises(MissingValue) as raised:
        fill(step, {"contact": {}, "account": {"name": "A"}})
    assert raised.value.names == ("contact.title", "owner.name")
    assert str(raised.value).endswith("write a default, such as {{ contact.title | default('…') }}")


def test_later_steps_hang_on_earlier_ones() -> None:
    message = parse(fill(references=("<one@example.com>", "<two@example.com>")))

    assert message["In-Reply-To"] == "<two@example.com>"
    assert message["References"].split() == ["<one@example.com>", "<two@example.com>"]


def test_equal_content_has_the_same_hash() -> None:
    assert fill().content_hash == fill().content_hash != fill(to_address="other@example.com").content_hash


def test_without_tracking_links_stay_and_there_is_no_pixel() -> None:
    html = part(fill(), "html")

    assert 'href="https://shop.example.com/a?b=1&amp;c=2"' in html
    assert "<img" not in html
    assert "/c/" not in html
    assert "/t/" not in html


def test_with_tracking_links_go_through_us_and_come_out_right() -> None:
    html = part(fill(track=True), "html")
    clicks = [read_click(token) for token in re.findall(r"/c/([\w-]+)", html)]
    (pixel,) = re.findall(r"/o/([\w-]+)\.gif", html)

    assert [(click.url, click.is_personal, click.delivery_id) for click in clicks if click] == [
        ("https://shop.example.com/a?b=1&c=2", False, 42),
        ("https://shop.example.com/A%20%26%20B%20%2F%20%3CCo%3E", True, 42),
    ]
    (trap,) = re.findall(r'/t/([\w-]+)" style="display:none"', html)
    assert (read_open(pixel), read_trap(trap)) == (42, 42)
    assert "https://abm.example.com/u/tok" in html


def test_values_in_addresses_are_encoded_and_cannot_change_where_they_lead() -> None:
    step = make_step(
        html='<a href="https://shop.example.com/{{ account.name }}">x</a><a href="{{ contact.first_name }}">y</a>'
    )
    html = part(
        fill(step, {"account": {"name": '"@evil.com/?a=b#c'}, "contact": {"first_name": "www.example.com/ä b"}}), "html"
    )

    assert 'href="https://shop.example.com/%22@evil.com%2F%3Fa%3Db%23c"' in html
    assert 'href="https://www.example.com/%C3%A4%20b"' in html


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "data:text/html,x", " java\tscript:alert(1)", "vbscript:x", "file:///etc/passwd"]
)
def test_a_value_that_is_a_link_must_be_a_web_address(link: str) -> None:
    step = make_step(html='<a href="{{ contact.first_name }}">y</a>')

    with pytest.raises(BadValue):
        fill(step, {"account": {"name": "A"}, "contact": {"first_name": link}})


def test_a_link_whose_host_comes_from_a_value_is_not_tracked() -> None:
    step = make_step(html='<a href="https://{{ account.name }}.example.com/">x</a>')

    assert "/c/" not in part(fill(step, track=True), "html")


@pytest.mark.parametrize(
    "html",
    [
        "<style>.a{color:red}</style><p class='{% if contact.title %}a{% else %}b{% endif %}'>{{ account.name }}</p>",
        "<style>td{color:red}</style><table>{% for p in account.custom.rows %}<tr><td>{{ p }}</td></tr>{% endfor "
        "%}</table>",
        "<style>p{color:red}</style>{% if contact.first_name %}<p {% if contact.title %}id='x'{% endif %}>{{ "
        "account.name }}</p>{% endif %}",
    ],
)
def test_styles_are_right_whatever_the_tags_around(html: str) -> None:
    values = {"contact": {"first_name": "J"}, "account": {"name": "A", "custom": {"rows": ["one", "two"]}}}
    shown = part(fill(make_step(html=html, subject="x"), values), "html")

    assert "{%" not in shown
    assert ("two</td>" in shown) == ("custom" in html)
    assert ('style="color: red' in shown) == ("class=" not in html)


def test_a_loop_in_a_table_reads_well_as_text() -> None:
    html = "<table>{% for p in account.custom.rows %}<tr><td>{{ p }}</td></tr>{% endfor %}</table>"
    text = part(fill(make_step(html=html, subject="x"), {"account": {"custom": {"rows": ["one & <", "two"]}}}), "plain")

    assert text.split() == ["one", "&", "<", "two"]


def test_words_in_other_scripts_go_as_base64() -> None:
    step = make_step(html="<p>" + "Добрый день, " * 20 + "{{ account.name }}</p>")
    message = parse(fill(step))

    assert message.get_body(("html",))["Content-Transfer-Encoding"] == "base64"
    assert "Добрый день, A &amp; B" in part(fill(step), "html")


def test_a_message_without_html_is_one_plain_part() -> None:
    message = parse(fill(make_step(html=None, text="Hello {{ contact.first_name }}\n.\nFrom here\n")))

    assert message.get_content_type() == "text/plain"
    assert (
        part(fill(make_step(html=None, text="Hello {{ contact.first_name }}\n.\nFrom here\n")), "plain")
        == "Hello José\n.\nFrom here\n"
    )


def test_the_language_wins_and_brings_its_own_text() -> None:
    step = make_step(
        text="English {{ unsubscribe_url }}",
        languages={"fr": Content(subject="Bonjour", html="<p>Bonjour {{ contact.first_name }}</p>")},
    )

    assert parse(fill(step, language="fr-CA"))["Subject"] == "Bonjour"
    assert part(fill(step, language="fr-CA"), "plain").strip() == "Bonjour José"
    assert "English" in part(fill(step, language="de"), "plain")


def test_a_variant_changes_only_what_it_says() -> None:
    step = make_step(variants={"b": Variant(50, Content(subject="Variant b"))})

    assert parse(fill(step, variant="b"))["Subject"] == "Variant b"
    assert "Hello José" in part(fill(step, variant="b"), "html")


def test_a_preview_is_what_is_sent() -> None:
    step = make_step()
    shown = preview(make_definition(step), step, VALUES, address=FACTS.unsubscribe_url)

    assert shown.subject == parse(fill())["Subject"]
    assert shown.html == part(fill(), "html").rstrip("\n")
    assert shown.text.split() == part(fill(), "plain").split()


def test_missing_values_are_listed_without_making_a_message() -> None:
    step = make_step(subject="{{ offer.code }}", offer="free")

    assert missing_values(make_definition(step), step, {"contact": {"first_name": "J"}}) == [
        "contact.last_name",
        "account.name",
    ]
    assert "offer.code" in missing_values(make_definition(step), step, VALUES, offer={})


def test_a_script_shows_a_dash_for_what_is_not_known() -> None:
    assert render_script("Ask {{ contact.first_name }} about {{ last_order.on }}", VALUES) == "Ask José about –"


@pytest.mark.parametrize(("script", "said"), [
    ('Ask {{ contact.title | default("the guest") }}.', "Ask the guest."),
    ('The last order: {{ last_order.on | date | default("none yet") }}.', "The last order: none yet."),
    ("The last order: {{ last_order.on | date }}, {{ last_order.amount | money }}.", "The last order: –, –."),
    ("{% if contact.title %}{{ contact.title }}{% else %}Nobody knows what they do.{% endif %}",
     "Nobody knows what they do."),
    ("{% if contact.first_name %}{{ contact.first_name | upper }} {{ contact.title | upper }}{% endif %}", "JOSÉ –"),
])
def test_a_script_takes_its_stand_ins_for_what_is_not_known(script: str, said: str) -> None:
    assert render_script(script, {"contact": {"first_name": "José"}}) == said


_any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=120)


@settings(max_examples=150, deadline=None)
@given(first=_any_text, last=_any_text, name=_any_text)
def test_whatever_the_values_the_message_reads_back_as_written(first: str, last: str, name: str) -> None:
    step = make_step(
        html=None,
        subject="{{ account.name|default('-') }}",
        text="[{{ contact.first_name|default('-') }}]\n<{{ contact.last_name|default('-') }}>",
    )
    values = {"contact": {"first_name": first, "last_name": last}, "account": {"name": name}}
    message = fill(step, values, to_name=name)
    expected = "".join(
        f"{mark[0]}{text if text.strip() else '-'}{mark[1]}{end}"
        for mark, text, end in (("[]", first, "\n"), ("<>", last, ""))
    )

    read = parse(message).get_payload(decode=True)
    assert isinstance(read, bytes)
    assert read.decode().replace("\r\n", "\n") == expected.replace("\r\n", "\n").replace("\r", "\n")
    assert len(parse(message)["To"].addresses) == 1
    assert max(map(len, message.wire.split(b"\r\n"))) <= 998


def test_filling_costs_a_fraction_of_a_message_made_by_the_standard_library() -> None:
    import time

    compiled = compile_email(make_definition(make_step()), make_step(), language=None, variant=None, version_id=1)

    def timed(make: Any) -> float:
        began = time.process_time()
        for _ in range(200):
            make()
        return time.process_time() - began

    def slow() -> None:
        message = EmailMessage(policy=email.policy.SMTP)
        message["Subject"], message["From"], message["To"] = "Hello", "sales@example.com", "jane@example.com"
        message.set_content(part_text)
        message.add_alternative(part_html, subtype="html")
        message.as_bytes()

    part_text, part_html = part(fill(), "plain"), part(fill(), "html")
    assert min(timed(lambda: compiled.fill(values=VALUES, facts=FACTS)) for _ in range(3)) * 3 < min(
        timed(slow) for _ in range(3)
    )
