from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.definition import Delay, EmailStep, definition_hash, parse, to_raw
from core.errors import InvalidInput
from tests.campaigns.campaign_factory import CALL, HELLO, make_raw


def complaints(**values: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        parse(make_raw(**values))
    return caught.value.fields


def test_what_is_left_out_has_the_defaults_of_the_contract() -> None:
    made = parse(make_raw(window=None))
    assert (made.holdout_percent, made.is_cap_exempt, made.priority, made.window, made.is_continuous) == (
        0,
        False,
        5,
        None,
        False,
    )
    assert made.stop_when == ("reply", "meeting", "opt_out", "complaint", "hard_bounce")


def test_a_whole_file_is_read() -> None:
    made = parse(
        make_raw(
            holdout="10%",
            caps="exempt",
            priority="3",
            enrol="continuous",
            stop_when=["order"],
            people={"roles": ["champion"], "per_account": 2},
            window={"from": "09:00", "to": 1020, "holidays": "skip"},
            steps=[
                {
                    **HELLO,
                    "languages": {"fr": {"subject": "Bonjour"}},
                    "variants": {"b": {"share": "50%", "subject": "B"}},
                    "offer": "gift",
                    "unless": "replied",
                },
                CALL,
            ],
        )
    )
    step = made.steps[0]
    assert isinstance(step, EmailStep)
    assert (made.holdout_percent, made.priority, made.is_cap_exempt, made.is_continuous) == (10, 3, True, True)
    assert made.window is not None
    assert (made.window.closes, made.window.skip_holidays, made.window.days) == (time(17), True, ())
    assert (step.languages["fr"].subject, step.variants["b"].share, step.unless) == ("Bonjour", 50, ("replied",))
    assert made.steps[1].after == Delay(3, "working days")


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("0 days", Delay()),
        ("1 day", Delay(1, "days")),
        ("3 working days", Delay(3, "working days")),
        ("4 hours", Delay(4, "hours")),
        ("2 weeks", Delay(2, "weeks")),
        ("1 Working Day", Delay(1, "working days")),
    ],
)
def test_a_delay_names_its_unit(text: str, delay: Delay) -> None:
    assert parse(make_raw(steps=[{**HELLO, "after": text}])).steps[0].after == delay


@pytest.mark.parametrize(
    ("values", "place", "words"),
    [
        ({"lst": "x"}, "lst", 'did you mean "list"?'),
        ({"list": None}, "list", "is missing"),
        ({"campaign": None}, "campaign", "is missing"),
        ({"steps": []}, "steps", "at least one step"),
        ({"sender": None}, "sender", "postal_address"),
        ({"sender": {"email": "nobody"}}, "sender.email", "not an e-mail address"),
        ({"sender": {"email": "a@example.com", "name": "A\r\nBcc: x@example.com"}}, "sender.name", "one line"),
        ({"window": {"from": "25:00"}}, "window.from", "time of day"),
        ({"window": {"days": ["mon", "fry"]}}, "window.days", 'did you mean "fri"?'),
        ({"window": {"zone": "Europe/Berln"}}, "window.zone", 'did you mean "Europe/Berlin"?'),
        ({"holdout": "120%"}, "holdout", "0% to 90%"),
        ({"stop_when": ["replys"]}, "stop_when", 'did you mean "reply"?'),
        ({"priority": "high"}, "priority", "whole number"),
        ({"caps": "ignore"}, "caps", "respect, exempt"),
        ({"people": {"per_account": 0}}, "people.per_account", "whole number"),
        ({"steps": [HELLO, HELLO]}, "steps[1].id", "earlier step"),
        ({"steps": [{**HELLO, "html": None}]}, "steps[0].html", "needs html, mjml or text"),
        ({"steps": [{**HELLO, "subject": ""}]}, "steps[0].subject", "is missing"),
        (
            {"steps": [HELLO, CALL, {**HELLO, "id": "x", "after": "3 wrking days"}]},
            "steps[2].after",
            'did you mean "3 working days"?',
        ),
        ({"steps": [{**HELLO, "channel": "emial"}]}, "steps[0].channel", 'did you mean "email"?'),
        ({"steps": [{**HELLO, "script": "x"}]}, "steps[0].script", "not known here"),
        ({"steps": [{**HELLO, "variants": {"b": {"subject": "x"}}}]}, "steps[0].variants.b.share", "is missing"),
        (
            {"steps": [{**HELLO, "variants": {"b": {"share": 60}, "c": {"share": 60}}}]},
            "steps[0].variants",
            "more than 100%",
        ),
        ({"steps": ["hello"]}, "steps[0]", "expected names with values"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_the_nearest_right_name(
    values: dict[str, Any], place: str, words: str
) -> None:
    assert words in complaints(**values)[place]


def test_all_mistakes_are_named_at_once() -> None:
    assert set(complaints(lst="x", caps="no", holdout="x")) == {"lst", "caps", "holdout"}


def test_norwegian_is_a_language_although_yaml_reads_it_as_false() -> None:
    step = parse(make_raw(steps=[{**HELLO, "languages": {False: {"subject": "Hei"}}}])).steps[0]
    assert isinstance(step, EmailStep)
    assert set(step.languages) == {"no"}


def test_the_fingerprint_ignores_the_order_of_names_and_sees_every_change() -> None:
    raw = make_raw()
    assert definition_hash(dict(reversed(raw.items()))) == definition_hash(raw)
    assert definition_hash({**raw, "title": "Other"}) != definition_hash(raw)


words = st.text(st.characters(categories=["L", "Nd"]), min_size=1, max_size=12)
steps = st.lists(
    st.builds(
        dict,
        id=words,
        channel=st.just("email"),
        subject=words,
        html=words,
        after=st.sampled_from(["1 day", "4 hours"]),
        languages=st.dictionaries(st.sampled_from(["fr", "de", "pt-br"]), st.builds(dict, subject=words), max_size=2),
        variants=st.dictionaries(words, st.builds(dict, share=st.integers(0, 40), subject=words), max_size=2),
        unless=st.lists(st.sampled_from(["replied", "clicked", "ordered", "met"]), max_size=2),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda step: step["id"],
)


@given(
    steps=steps,
    holdout=st.integers(0, 90),
    stop=st.lists(st.sampled_from(["reply", "order"]), unique=True),
    window=st.one_of(
        st.none(),
        st.builds(
            dict,
            days=st.lists(st.sampled_from(["mon", "sun"]), unique=True),
            zone=st.sampled_from(["account", "Asia/Tokyo"]),
            to=st.just("17:30"),
        ),
    ),
    title=words,
    roles=st.lists(words, max_size=2, unique=True),
)
def test_writing_a_definition_and_reading_it_gives_the_same(**values: Any) -> None:
    made = parse(
        make_raw(
            steps=values["steps"],
            holdout=values["holdout"],
            stop_when=values["stop"],
            window=values["window"],
            title=values["title"],
            people={"roles": values["roles"]},
        )
    )
    assert parse(to_raw(made)) == made
