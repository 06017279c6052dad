"""Branches with their steps written inside, laid out as one list of steps that jump forward. Pure, on raw values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from campaigns.definition_values import END

DEEPEST = 10
_ARMS = ("then", "else")
Placed = tuple[str, Any]


def lay_out(steps: Sequence[Any], place: str = "steps") -> list[Placed]:
    """Every step with its place in the file, inner ones after their branch; inner ends carry on behind the branch."""
    return list(_laid_out(steps, place, None, 1))


def _laid_out(steps: Sequence[Any], place: str, onward: str | None, depth: int) -> Iterator[Placed]:
    """`onward`: where the last one carries on; None on the outermost level, whose last step ends the way by itself."""
    for index, step in enumerate(steps):
        is_last = index == len(steps) - 1
        follows = (onward or END) if is_last else _id_of(steps[index + 1])
        here = f"{place}[{index}]"
        branch = step.get("branch") if isinstance(step, Mapping) else None
        if isinstance(branch, Mapping) and depth <= DEEPEST:
            yield from _with_arms(step, branch, here, (follows, onward is not None, depth))
        elif onward is not None and is_last and isinstance(step, Mapping) and "next" not in step:
            yield here, {**step, "next": onward}
        else:
            yield here, step


def _with_arms(step: Mapping[str, Any], branch: Mapping[str, Any], here: str,
               around: tuple[str, bool, int]) -> Iterator[Placed]:
    follows, is_inner, depth = around
    inner = {arm: branch[arm] for arm in _ARMS if isinstance(branch.get(arm), list)}
    arms = {arm: _id_of(inner[arm][0]) if inner.get(arm) else follows
            for arm in _ARMS if arm in inner or (branch.get(arm) is None and (inner or is_inner))}
    yield here, {**step, "branch": {**branch, **arms}}
    for arm, steps in inner.items():
        yield from _laid_out(steps, f"{here}.branch.{arm}", follows, depth + 1)


def _id_of(step: Any) -> str:
    return str(step.get("id", "")).strip() if isinstance(step, Mapping) else ""
