"""Branches, jumps, waves and re-entry in a campaign file: read, refused with their place, written back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.definition import parse, to_raw
from core.errors import InvalidInput
from tests.campaigns.campaign_factory import HELLO, make_raw


def mail(step_id: str, **more: Any) -> dict[str, Any]:
    return {**HELLO, "id": step_id, **more}


def fork(step_id: str = "fork", test: Any = "clicked", **arms: Any) -> dict[str, Any]:
    return {"id": step_id, "branch": {"if": test, **arms}}


def ways(*steps: dict[str, Any]) -> list[list[str]]:
    """Every way through the steps, as lists of ids."""
    definition = parse(make_raw(steps=list(steps)))

    def walk(position: int | None) -> list[list[str]]:
        if position is None:
            return [[]]
        step = definition.steps[position]
        targets = [step.then, step.otherwise] if step.channel == "branch" else [step.next]
        return [[step.id, *rest] for target in targets
                for rest in walk(definition.position_of_choice(position, target))]

    return walk(0)


def test_the_arms_of_a_branch_meet_again_behind_it():
    assert ways(mail("a"), fork(then=[mail("yes")], **{"else": [mail("no"), mail("no2")]}), mail("z")) == [
        ["a", "fork", "yes", "z"], ["a", "fork", "no", "no2", "z"]]


def test_a_branch_without_an_arm_goes_on_behind_it():
    assert ways(mail("a"), fork(then=[mail("yes")]), mail("z")) == [["a", "fork", "yes", "z"], ["a", "fork", "z"]]
    assert ways(mail("a"), fork(**{"else": [mail("no")]}), mail("z")) == [["a", "fork", "z"], ["a", "fork", "no", "z"]]


def test_arms_at_the_end_end_the_way():
    assert ways(mail("a"), fork(then=[mail("yes")], **{"else": []})) == [["a", "fork", "yes"], ["a", "fork"]]


def test_branches_stand_inside_branches():
    inner = fork("inner", "ordered", then=[mail("deep")])
    assert ways(fork(then=[inner], **{"else": [mail("no")]}), mail("z")) == [
        ["fork", "inner", "deep", "z"], ["fork", "inner", "z"], ["fork", "no", "z"]]


def test_a_branch_may_jump_to_a_later_step_or_to_the_end():
    assert ways(fork(then="c", **{"else": "end"}), mail("b"), mail("c")) == [["fork", "c"], ["fork"]]
    assert ways(mail("a", next="c"), mail("b"), mail("c")) == [["a", "c"]]


@pytest.mark.parametrize(
    ("steps", "place", "word"),
    [
        ([mail("a"), fork(then="a")], "steps[1].branch.then", "stands before it"),
        ([fork(then="fork")], "steps[0].branch.then", "stands before it"),
        ([mail("a", next="nowhere"), mail("b")], "steps[0].next", "is no step"),
        ([fork(then="thiird"), mail("third")], "steps[0].branch.then", 'did you mean "third"'),
        ([fork(test="opened")], "steps[0].branch.if", "expected one of replied"),
        ([fork(test={})], "steps[0].branch.if", "expected one of replied"),
        ([fork(then=[mail("a")]), mail("a")], "steps[1].id", "used by an earlier step"),
        ([fork(then=[{"id": "x", "channel": "letter"}])], "steps[0].branch.then[0].body", "is missing"),
        ([{"id": "w", "channel": "wait"}], "steps[0].after", "how long"),
        ([{"id": "w", "channel": "webhook", "url": "ftp://x"}], "steps[0].url", "not a web address"),
        ([{"id": "w", "channel": "wait", "after": "1 day", "subject": "x"}], "steps[0].subject", "not known"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(steps: list[Any], place: str, word: str):
    with pytest.raises(InvalidInput) as caught:
        parse(make_raw(steps=steps))
    assert word in caught.value.fields[place]


def test_a_branch_that_is_nested_without_end_is_refused():
    step: dict[str, Any] = mail("a")
    for number in range(14):
        step = fork(f"f{number}", then=[step])
    with pytest.raises(InvalidInput):
        parse(make_raw(steps=[step]))


TREES = st.recursive(
    st.just("mail"), lambda inner: st.tuples(st.lists(inner, max_size=3), st.lists(inner, max_size=3)), max_leaves=8)


def _grow(trees: list[Any], prefix: str) -> list[dict[str, Any]]:
    steps = []
    for number, tree in enumerate(trees):
        name = f"{prefix}{number}"
        steps.append(mail(name) if tree == "mail" else fork(
            name, then=_grow(tree[0], f"{name}t"), **{"else": _grow(tree[1], f"{name}e")}))
    return steps


@given(st.lists(TREES, min_size=1, max_size=4))
def test_any_nesting_ends_and_reads_as_it_is_written(trees: list[Any]):
    steps = _grow(trees, "s")
    definition = parse(make_raw(steps=steps))
    assert parse(to_raw(definition)) == definition
    for way in ways(*steps):
        assert len(way) == len(set(way)) <= len(definition.steps)
    assert {step for way in ways(*steps) for step in way} == {step.id for step in definition.steps}


def test_waves_name_the_roles():
    raw = make_raw(people={"waves": [{"roles": ["champion"]},
                                     {"roles": ["user"], "after": "5 working days", "unless": "replied"}]})
    definition = parse(raw)
    assert definition.people.roles == ("champion", "user")
    assert parse(to_raw(definition)) == definition


@pytest.mark.parametrize("said", ["never", "90 days", "on re-qualification", "on requalification"])
def test_a_re_entry_rule_reads_as_it_is_written(said: str):
    definition = parse(make_raw(reentry=said, exclusive=True, people={"leavers": "replace"}))
    assert parse(to_raw(definition)) == definition


@pytest.mark.parametrize("said", ["sometimes", "3 working days", "0 days"])
def test_a_re_entry_rule_that_is_none_is_refused(said: str):
    with pytest.raises(InvalidInput) as caught:
        parse(make_raw(reentry=said))
    assert "reentry" in caught.value.fields
