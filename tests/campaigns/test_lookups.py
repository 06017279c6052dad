"""Looking up all values of a message at once finds what looking up each of them finds."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.lookups import Lookups
from campaigns.personalisation import MAX_VALUE_LENGTH, BadValue, look_up
from campaigns.sandbox import compile_template
from campaigns.sandbox_filters import Blank

_PATHS = [("contact", "first_name"), ("contact", "last_name"), ("account", "name"), ("account", "custom", "Area"),
          ("contact", "custom", "Area"), ("unsubscribe_url",), ("owner", "name")]
_VALUE = st.one_of(st.none(), st.text(max_size=5), st.just("  "), st.integers(), st.decimals(allow_nan=False),
                   st.dates(), st.lists(st.text(max_size=3), max_size=3), st.just("x" * (MAX_VALUE_LENGTH + 1)))
_HOLDER = st.dictionaries(st.sampled_from(["first_name", "last_name", "name"]), _VALUE)


@st.composite
def _values(draw: st.DrawFn) -> dict[str, Any]:
    values: dict[str, Any] = {root: draw(_HOLDER) for root in ("contact", "account", "owner") if draw(st.booleans())}
    for root in values:
        values[root]["custom"] = draw(st.one_of(st.none(), st.dictionaries(st.just("Area"), _VALUE)))
    return values | draw(st.dictionaries(st.just("unsubscribe_url"), _VALUE))


@given(_values(), st.lists(st.lists(st.sampled_from(_PATHS), unique=True), min_size=1, max_size=3))
def test_each_part_gets_what_looking_up_its_names_one_by_one_finds(values: dict[str, Any],
                                                                   parts: list[list[tuple[str, ...]]]) -> None:
    lookups = Lookups(parts)
    try:
        expected = [[look_up(values, path) for path in part] for part in parts]
    except BadValue:
        with pytest.raises(BadValue):
            lookups.deal(values, [])
        return
    dealt = lookups.deal(values, [])
    assert [[None if isinstance(value, Blank) else value for value in part] for part in dealt] == expected


def test_what_is_missing_is_told_by_its_name_when_it_is_printed() -> None:
    missing: list[str] = []
    [[known, blank]] = Lookups([[("contact", "first_name"), ("contact", "last_name")]]).deal(
        {"contact": {"first_name": "Ada", "last_name": " "}}, missing)
    assert (known, missing) == ("Ada", [])
    assert (str(blank), missing) == ("", ["contact.last_name"])


@pytest.mark.parametrize("is_html", [False, True])
@pytest.mark.parametrize("value", [["a", "b"], {"a": "b"}, [["a"]]])
def test_a_list_is_never_printed_as_it_is(value: object, is_html: bool) -> None:
    template = compile_template("100 % {{ contact.custom.Area }}", is_html=is_html)
    with pytest.raises(BadValue, match="list cannot be printed"):
        template.render({"contact": {"custom": {"Area": value}}})


@pytest.mark.parametrize(("value", "shown"), [
    (Decimal("1.50"), "1.50"), (date(2026, 1, 2), "2026-01-02"), (7, "7"), ("100 % <b>", "100 % &lt;b&gt;"),
    ("%s", "%s")])
def test_values_are_put_between_texts_with_percent_signs_as_they_are(value: object, shown: str) -> None:
    template = compile_template("5 %, %s %% {{ contact.custom.Area }}!", is_html=True)
    assert template.render({"contact": {"custom": {"Area": value}}}) == f"5 %, %s %% {shown}!"
