"""Keep, downgrade or drop: what the data propose for a key account, with the numbers as reasons. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from abm.plans.gates import GATES

PROPOSALS = {"keep": "Keep", "downgrade": "Downgrade", "drop": "Drop"}
FALLS_BY, NEARLY_NOTHING = 0.30, 0.20
TOP_TIER = "1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a key account on the day; amounts of twelve months and of the twelve before."""

    value_12m: float
    value_before: float
    abc: str | None
    share: float | None
    rhythm: str | None
    overdue_ratio: float | None
    days_since_last: int | None
    tier: str | None
    has_ordered: bool
    gates: dict[str, str]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """`speaks_for`: keep, downgrade or drop."""

    speaks_for: str
    text: str


def propose(facts: Facts) -> tuple[str, list[Reason]]:
    """The gravest thing that a reason speaks for, and all reasons, the gravest first."""
    reasons = [*_on_sales(facts), *_on_rhythm(facts), *_on_standing(facts)]
    weight = {"drop": 0, "downgrade": 1, "keep": 2}
    reasons.sort(key=lambda reason: weight[reason.speaks_for])
    if not reasons:
        reasons = [Reason("keep", "nothing speaks against it")]
    return reasons[0].speaks_for, reasons


def _on_sales(facts: Facts) -> Iterator[Reason]:
    now, before = facts.value_12m, facts.value_before
    if not facts.has_ordered:
        return
    if now <= 0 and before <= 0:
        yield Reason("drop", "no sales in two years")
    elif before > 0:
        change = now / before - 1
        said = f"sales of twelve months {now:,.0f} against {before:,.0f} before ({change * 100:+.0f} %)"
        is_nearly_gone = now <= before * NEARLY_NOTHING and facts.rhythm == "lapsed"
        if is_nearly_gone:
            yield Reason("drop", said)
        else:
            yield Reason("downgrade" if change <= -FALLS_BY else "keep", said)
    else:
        yield Reason("keep", f"sales of twelve months {now:,.0f}, none in the twelve before")


def _on_rhythm(facts: Facts) -> Iterator[Reason]:
    if facts.rhythm in (None, "unknown") or facts.overdue_ratio is None:
        return
    said = (f"{facts.rhythm}: {facts.days_since_last} days since the last order, {facts.overdue_ratio:.1f} times its "
            "usual gap")
    yield Reason("downgrade" if facts.rhythm == "lapsed" else "keep", said)


def _on_standing(facts: Facts) -> Iterator[Reason]:
    share = "" if facts.share is None else f" with {facts.share * 100:.1f} % of all value"
    if facts.abc == "A":
        yield Reason("keep", f"class A{share}")
    elif facts.abc is not None and facts.tier == TOP_TIER:
        yield Reason("downgrade", f"class {facts.abc}{share}, but tier {facts.tier}")
    for name, answer in facts.gates.items():
        if answer == "no":
            yield Reason("downgrade", f"{GATES[name].lower()}: no")
    for question in facts.failed if not facts.has_ordered else ():
        yield Reason("drop", f"a prospect that fails a question: {question.lower()}")
