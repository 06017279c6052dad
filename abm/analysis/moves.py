"""Why somebody moved between two runs: which number went over which line. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from abm.analysis.thresholds import Thresholds

KINDS = {"abc": "ABC", "xyz": "XYZ", "rhythm": "Rhythm", "segment": "Segment"}
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Move:
    """One class that changed, and the sentence that says why."""

    kind: str
    old: str | None
    new: str | None
    why: str


def moves_between(old: Row | None, new: Row | None, before: Thresholds, now: Thresholds) -> list[Move]:
    """Every class that differs. `old` None: it had no orders in the run before; `new` None: it has none now."""
    if old is None or new is None:
        return [Move("abc", old["abc"] if old else None, new["abc"] if new else None,
                     "has no orders in the run any more" if new is None else "had no orders in the run before")]
    found = []
    for kind, why in (("abc", _why_abc), ("xyz", _why_xyz), ("rhythm", _why_rhythm), ("segment", _why_segment)):
        if old[kind] != new[kind]:
            found.append(Move(kind, old[kind], new[kind], why(old, new, before, now)))
    return found


def _why_abc(old: Row, new: Row, before: Thresholds, now: Thresholds) -> str:
    if old["abc"] is None or new["abc"] is None:
        return f"its value went from {old['value']:,.2f} to {new['value']:,.2f}; only values above zero are ranked"
    said = _went("the share of value before it", _before(old), _before(new), "{:.1%}")
    lines = _crossed(_before(old), _before(new), (now.a_below, now.b_below))
    moved = (before.a_below, before.b_below) != (now.a_below, now.b_below)
    return said + _over(lines, "{:.0%}", moved)


def _before(row: Row) -> float:
    return float(row["cumulative_share"] - row["share"])


def _why_xyz(old: Row, new: Row, before: Thresholds, now: Thresholds) -> str:
    if old["cv"] is None or new["cv"] is None:
        return "it has no steadiness in one of the runs"
    said = _went("its CV", old["cv"], new["cv"], "{:.2f}")
    moved = (before.x_up_to, before.y_up_to) != (now.x_up_to, now.y_up_to)
    return said + _over(_crossed(old["cv"], new["cv"], (now.x_up_to, now.y_up_to)), "{:g}", moved)


def _why_rhythm(old: Row, new: Row, before: Thresholds, now: Thresholds) -> str:
    if "unknown" in (old["rhythm"], new["rhythm"]):
        return (f"its order days went from {old['order_days']} to {new['order_days']}; "
                f"a rhythm is known from {now.known_from_order_days}")
    said = _went("its overdue ratio", old["overdue_ratio"], new["overdue_ratio"], "{:.2f}")
    moved = (before.active_up_to, before.slowing_up_to) != (now.active_up_to, now.slowing_up_to)
    return said + _over(_crossed(old["overdue_ratio"], new["overdue_ratio"], (now.active_up_to, now.slowing_up_to)),
                        "{:g}", moved)


def _why_segment(old: Row, new: Row, _before: Thresholds, _now: Thresholds) -> str:
    names = (("r", "recency"), ("f", "frequency"), ("m", "value"))
    parts = [f"{word} {old[one]} → {new[one]}" for one, word in names if old[one] != new[one]]
    return "its scores went: " + ", ".join(parts) if parts else "its scores are as they were"


def _went(what: str, old: float, new: float, form: str) -> str:
    verb = "rose" if new > old else "fell" if new < old else "stayed"
    if verb == "stayed":
        return f"{what} stayed at {form.format(new)}"
    return f"{what} {verb} from {form.format(old)} to {form.format(new)}"


def _crossed(old: float, new: float, lines: tuple[float, ...]) -> list[float]:
    low, high = min(old, new), max(old, new)
    return [line for line in lines if low <= line <= high]


def _over(lines: list[float], form: str, moved: bool) -> str:
    said = f", over the line at {' and '.join(form.format(line) for line in lines)}" if lines else ""
    return said + ("; the lines themselves were changed in between" if moved else "")
