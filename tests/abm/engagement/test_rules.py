from fractions import Fraction

import pytest

from abm.engagement.rules import (
    DEFAULT_RULES,
    Facts,
    decay_signs,
    evaluate,
    faded,
    read_rules,
    say_signs,
    with_defaults,
)
from core.errors import InvalidInput

GOOD = Facts(tier="2", employees=50, fit=80, points=30, people=2, is_locked=False, is_cooling=False)


@pytest.mark.parametrize(("age", "left"), [(0, 10), (45, 5), (90, 0), (200, 0), (-3, 10), (30, Fraction(20, 3))])
def test_points_fade_in_a_straight_line(age: float, left: float) -> None:
    assert faded(10, age, 90) == pytest.approx(float(left))


@pytest.mark.parametrize(("change", "part"), [
    ({"points": 29.9}, "points"), ({"people": 1}, "people in 30 days"), ({"is_cooling": True}, "not cooling down"),
    ({"is_locked": True}, "no open conversation or opportunity"), ({"employees": 1000}, "points")])
def test_each_part_alone_can_say_no(change: dict, part: str) -> None:
    assert evaluate(GOOD, DEFAULT_RULES, 1)["is_qualified"]
    found = evaluate(Facts(**{**GOOD.__dict__, **change}), DEFAULT_RULES, 1)
    assert not found["is_qualified"]
    assert [one["part"] for one in found["parts"] if not one["holds"]] == [part]


def test_tiers_have_their_own_lines() -> None:
    rules = read_rules("needed: {fit: 90, fit_by_tier: {'2': 80}, points_by_tier: {'2': 31}}")
    found = evaluate(GOOD, rules, 7)
    assert [(one["needed"], one["holds"]) for one in found["parts"][:2]] == [(80, True), (31, False)]
    assert found["rules"] == 7


@pytest.mark.parametrize("text", ["points: {reply: many}", "decay_days: 0", "decay_days: 91", "unknown: 1", "- a", "{",
                                  "group: {reply: talk}", "points: {stare: 4}", "needed: {points: -1}",
                                  "limits: {reading: true}", "needed: {fit_by_tier: 3}",
                                  "fading: {fallen_to: 2}", "fading: {longer_from: 0.5}"])
def test_rules_that_cannot_be_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_rules(text)
    assert refused.value.fields["rules"]


@pytest.mark.parametrize(("touches", "answers", "gaps", "signs"), [
    ((2, 4), (0, 0), (None, None), ["contact"]), ((3, 4), (0, 0), (None, 10), []),
    ((0, 3), (1, 2), (None, None), ["response"]),
    ((9, 9), (2, 3), (15, 10), ["gaps"]), ((0, 8), (0, 2), (20, 10), ["contact", "response", "gaps"]),
    ((0, 0), (0, 0), (14.9, 10), [])])
def test_signs_of_a_relation_that_fades(touches: tuple, answers: tuple, gaps: tuple, signs: list[str]) -> None:
    assert decay_signs(touches=touches, answers=answers, gaps=gaps) == signs


def test_the_lines_of_fading_are_settings_and_older_versions_have_the_usual_ones() -> None:
    lines = read_rules("fading: {fallen_to: 0.8, fewest_touches: 2}")["fading"]
    assert decay_signs(touches=(3, 4), answers=(0, 0), gaps=(None, None), lines=lines) == ["contact"]
    assert "0.8 times as often" in say_signs(lines)["contact"]
    old = {name: value for name, value in DEFAULT_RULES.items() if name != "fading"}
    assert with_defaults(old) == DEFAULT_RULES
