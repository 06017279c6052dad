"""Content can name values and nothing else."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.personalisation import BadValue, MissingValue
from campaigns.sandbox import compile_in_sandbox, compile_template
from campaigns.sandbox_rules import ContentRefused

VALUES: dict[str, Any] = {
    "contact": {"first_name": "José", "last_name": "O'Hara & <b>Sons</b>", "title": "", "email": "jose@example.com"},
    "account": {"name": "A & B", "custom": {"products": ["nuts", "bolts"], "Area code": 7, "x": None}},
    "last_order": {"on": date(2026, 1, 5), "amount": Decimal("1234.5"), "currency": "EUR"},
}

ESCAPES = (
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ contact.__class__ }}",
    "{{ contact['__class__'] }}",
    "{{ contact|attr('__class__') }}",
    "{{ contact.first_name|attr('upper') }}",
    "{{ ''|attr('__class__') }}",
    "{{ contact|map(attribute='__class__')|list }}",
    "{{ ['x']|map('format')|list }}",
    "{{ '{0.__class__}'.format(contact) }}",
    "{{ '%c'|format(97) }}",
    "{{ '%s'|format(contact) }}",
    "{{ '%c' % 97 }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ cycler }}",
    "{{ lipsum.__globals__ }}",
    "{{ lipsum() }}",
    "{{ joiner }}",
    "{{ joiner().__init__ }}",
    "{{ namespace() }}",
    "{% set ns = namespace(a=1) %}",
    "{{ dict(a=1) }}",
    "{{ range(10) }}",
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ config }}",
    "{{ request }}",
    "{{ request.application }}",
    "{{ url_for }}",
    "{{ g.session }}",
    "{{ session }}",
    "{{ get_flashed_messages }}",
    "{{ os.environ }}",
    "{{ settings }}",
    "{{ _p0 }}",
    "{{ _link.n0 }}",
    "{{ contact._sa_instance_state }}",
    "{{ contact.metadata }}",
    "{{ account.owner }}",
    "{{ contact.custom.__class__ }}",
    "{{ contact.custom['__init__'] }}",
    "{{ contact.first_name.upper() }}",
    "{{ contact.first_name.join }}",
    "{{ contact.items }}",
    "{{ contact.items() }}",
    "{{ contact.get('x') }}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% macro a() %}{% endmacro %}",
    "{% call x() %}{% endcall %}",
    "{% block a %}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set a %}x{% endset %}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% autoescape false %}x{% endautoescape %}",
    "{% do contact.clear() %}",
    "{% with a = 1 %}{% endwith %}",
    "{% debug %}",
    "{{ contact.first_name|safe }}",
    "{{ contact.first_name|pprint }}",
    "{{ contact|tojson }}",
    "{{ contact|xmlattr }}",
    "{{ contact|items }}",
    "{{ contact.first_name|replace('a', 'b') }}",
    "{{ contact.first_name|batch(3) }}",
    "{{ contact.first_name|slice(3) }}",
    "{{ contact.first_name|center(100) }}",
    "{{ contact.first_name|indent }}",
    "{{ contact.first_name|wordwrap }}",
    "{{ contact.first_name|urlize }}",
    "{{ contact.first_name|_each }}",
    "{{ contact.first_name|_url_part }}",
    "{{ 'a' ~ 'b' }}",
    "{{ 'a' + 'b' }}",
    "{{ 'a' * 9 }}",
    "{{ 9 ** 9 }}",
    "{{ 9 % 2 }}",
    "{{ 9 // 2 }}",
    "{{ -(-9) }}",
    "{{ [1, 2] }}",
    "{{ {'a': 1} }}",
    "{{ (1, 2) }}",
    "{{ contact.first_name[0:2] }}",
    "{{ contact.first_name[0] }}",
    "{{ contact.first_name is defined }}",
    "{{ 1 if contact else 2 }}",
    "{{ loop }}",
    "{{ loop.cycle }}",
    "{% for a in contact.custom.x %}{{ loop.cycle('a') }}{% endfor %}",
    "{% for a in 'abc' %}{% endfor %}",
    "{% for a, b in contact.custom.x %}{% endfor %}",
    "{% for contact in account.custom.x %}{% endfor %}",
    "{% for a in account.custom.x recursive %}{% endfor %}",
    "{% set contact = 1 %}",
    "{% set _a = 1 %}",
    "{% set loop = 1 %}",
    "{{ contact.first_name|default(value='x') }}",
    "{{ contact.first_name|default(*account) }}",
    "{{ caller() }}",
    "{{ varargs }}",
    "{{ contact.fi\\x72st_name }}",
    "{{ contact.ｆirst }}",
    "{{ true.__class__ }}",
    "{{ 1.real }}",
    "{{ none.__doc__ }}",
)

BOMBS = (
    "{{ 'a' * 1000000000 }}", "{{ 9**9**9 }}", "{{ '%01000000000d'|format(1) }}", "{{ 'a'|center(1000000000) }}",
    "{{ 'a'|indent(1000000000) }}", "{{ 'a'|wordwrap(1) }}", "{{ lipsum(n=1000000) }}", "{{ range(10**9)|join }}",
    "{{ 'a'|replace('', 'b' * 9999) }}", "{% for a in range(10**9) %}x{% endfor %}",
    "{% set a = 'a' %}{% set a = a ~ a "
    "%}", "{{ contact.first_name|batch(1000000000) }}", "{{ contact.first_name|slice(1000000000) }}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "{{ " + "[" * 500 + " }}", "{{ " + "not " * 3000 + "1 }}",
    "{{ " + "-" * 3000 + "1 }}", "{% if 1 %}" * 400 + "x" + "{% endif %}" * 400, "{{ contact" + ".a" * 3000 + " }}",
    "{{ contact.first_name" + "|upper" * 3000 + " }}", "{{ 1" + " or 1" * 3000 + " }}",
    "{% if 1 %}" + "{% elif 1 %}" * 3000 + "{% endif %}",
    "{{ " + "9" * 100_000 + " }}", "x" * 100_001, "{{ contact.title }}" * 5000, "{{ '" + "x" * 2000 + "' }}",
    "{% for a in account.custom.x %}{% for b in account.custom.x %}{% for c in account.custom.x %}{% endfor %}{% "
    "endfor %}{% endfor %}",
    "{{ 1" + " < 1" * 100 + " and" * 3 + " }}",
)  # fmt: skip


@pytest.mark.parametrize("source", ESCAPES)
def test_content_that_reaches_out_is_refused(source: str) -> None:
    with pytest.raises(ContentRefused):
        compile_template(source, is_html=True)


@pytest.mark.parametrize("source", BOMBS, ids=range(len(BOMBS)))
def test_content_that_would_grow_without_end_is_refused(source: str) -> None:
    with pytest.raises(ContentRefused):
        compile_template(source, is_html=False)


def test_an_unknown_name_is_refused_with_the_nearest_right_one() -> None:
    with pytest.raises(
        ContentRefused, match=r"Line 2: contact\.fist_name is not known; did you mean contact\.first_name\?"
    ):
        compile_template("Hello\n{{ contact.fist_name }}", is_html=False)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ contact.first_name }} {{ account.name }}", "José A & B"),
        ("{{ contact.title|default('friend') }}", "friend"),
        ("{{ contact.title|default(account.name)|upper }}", "A & B"),
        ("{{ last_order.on|date }}, {{ last_order.on|date('%d.%m.%Y') }}", "5 January 2026, 05.01.2026"),
        ("{{ last_order.amount|money(last_order.currency) }} {{ last_order.amount|money }}", "1,234.50 EUR 1,234.50"),
        ("{{ account.custom['Area code'] }} {{ account.custom.products|join(' and ') }}", "7 nuts and bolts"),
        ("{{ account.custom.products|first|title }} {{ account.custom.products|length }}", "Nuts 2"),
        ("{% if contact.title %}x{% else %}y{% endif %}{% if not contact.title %}z{% endif %}", "yz"),
        ("{% if last_order.amount > 1000 and account.name == 'A & B' %}big{% endif %}", "big"),
        ("{% if contact.title > 3 %}x{% endif %}{% if contact.title == '' %}none{% endif %}", "none"),
        (
            "{% for p in account.custom.products %}{{ loop.index }}{{ p }}{% if not loop.last %},{% endif %}{% "
            "endfor %}",
            "1nuts,2bolts",
        ),
        ("{% for p in account.custom.x %}{{ p }}{% else %}nothing{% endfor %}", "nothing"),
        ("{% set who = contact.first_name|upper %}{{ who }} {{ who|length }}", "JOSÉ 4"),
        ("{{ 'x'|upper }}{# a remark #}{{ contact.first_name|lower|trim }}", "Xjosé"),
    ],
)
def test_values_filters_conditions_and_loops_fill_in(source: str, expected: str) -> None:
    assert compile_template(source, is_html=False).render(VALUES) == expected


def test_values_are_escaped_in_html_and_only_there() -> None:
    source = "{{ contact.last_name }}"

    assert compile_template(source, is_html=True).render(VALUES) == "O&#39;Hara &amp; &lt;b&gt;Sons&lt;/b&gt;"
    assert compile_template(source, is_html=False).render(VALUES) == "O'Hara & <b>Sons</b>"


def test_data_never_becomes_template() -> None:
    values = {"contact": {"first_name": "{{ 7*7 }}{% if %}"}}

    assert compile_template("{{ contact.first_name }}", is_html=False).render(values) == "{{ 7*7 }}{% if %}"


def test_every_missing_value_is_named_at_once() -> None:
    template = compile_template(
        "{{ contact.title }} {{ owner.name }} {{ account.city|upper }} {{ account.name }}", is_html=False
    )

    with pytest.raises(MissingValue) as raised:
        template.render(VALUES)
    assert raised.value.names == ("contact.title", "owner.name", "account.city")


def test_a_missing_value_inside_a_condition_that_is_not_taken_stops_nothing() -> None:
    template = compile_template("{% if contact.title %}{{ contact.title }}{% endif %}ok", is_html=False)

    assert template.render(VALUES) == "ok"


@pytest.mark.parametrize(
    "source",
    [
        "{{ account.custom.products }}",
        "{{ contact.first_name|money }}",
        "{{ contact.first_name|date }}",
        "{{ last_order.on|date('%99999d') }}",
        "{{ contact.first_name|join }}",
        "{% if contact.first_name > 3 %}{% endif %}",
        "{% for a in contact.first_name %}{% endfor %}",
    ],
)
def test_a_value_of_the_wrong_kind_fails_that_message_alone(source: str) -> None:
    with pytest.raises(BadValue):
        compile_template(source, is_html=False).render(VALUES)


def test_a_value_that_is_an_object_is_refused() -> None:
    with pytest.raises(BadValue):
        compile_template("{{ contact.first_name }}", is_html=False).render({"contact": {"first_name": object()}})


def test_output_is_cut_at_one_megabyte() -> None:
    values = {"account": {"custom": {"rows": ["x"] * 200}}}
    loop = (
        "{% for a in account.custom.rows %}{% for b in account.custom.rows %}" + "y" * 1000 + "{% endfor %}{% endfor %}"
    )

    with pytest.raises(BadValue, match="1 MB"):
        compile_template(loop, is_html=False).render(values)


_texts = st.text(max_size=20)
_values = st.one_of(
    st.none(),
    _texts,
    st.integers(-10, 10),
    st.lists(_texts, max_size=3),
    st.dates(),
    st.decimals(allow_nan=False, places=2, min_value=-1000, max_value=1000),
)
_prints = st.sampled_from(
    [
        "{{ contact.first_name }}",
        "{{ account.name|upper }}",
        "{{ contact.title|default('you') }}",
        "{{ account.city|default(account.name) }}",
        "{{ account.custom.a|length }}",
        "{{ account.custom.a|first }}",
        "{{ contact.first_name|title|trim }}",
        "{{ 'a<b' }}",
        "{{ account.custom.a|join }}",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    parts=st.lists(st.one_of(_prints, st.sampled_from(["<p class='x'>", "\n", " & ", "é"])), max_size=6),
    first=_values,
    name=_values,
    title=_values,
    city=_values,
    custom=_values,
    is_html=st.booleans(),
)
def test_the_short_way_and_the_sandbox_give_the_same(
    parts: list[str], first: Any, name: Any, title: Any, city: Any, custom: Any, is_html: bool
) -> None:
    values = {
        "contact": {"first_name": first, "title": title},
        "account": {"name": name, "city": city, "custom": {"a": custom}},
    }
    source = "".join(parts)

    assert _outcome(compile_template(source, is_html=is_html), values) == _outcome(
        compile_in_sandbox(source, is_html=is_html), values
    )


def _outcome(template: Any, values: Any) -> str:
    try:
        return str(template.render(values))
    except MissingValue as error:
        return f"missing {sorted(error.names)}"
    except BadValue:
        return "bad"
