"""Minutes made from the frozen agenda, the decisions and the notes: plain text, kept with the meeting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A decision as the minutes say it."""

    item: str
    word: str
    text: str
    reason: str
    account: str
    owner: str
    effective_on: date | None
    review_on: date | None


def write_minutes(*, title: str, held_on: date, people: Sequence[str], agenda: dict[str, Any],
                  decisions: Sequence[DecisionLine], notes: str) -> str:
    """The minutes: numbers, then each item with its rows and decisions, then the notes."""
    lines = [f"{title}, {held_on:%A} {held_on.day} {held_on:%B %Y}", ""]
    if people:
        lines += [f"Present: {', '.join(people)}", ""]
    lines += ["Numbers", *(f"  {number['title']}: {number['value']:,}" for number in agenda["header"]), ""]
    for item in agenda["items"]:
        lines += _item(item, [line for line in decisions if line.item == item["key"]])
    known = {item["key"] for item in agenda["items"]}
    rest = [line for line in decisions if line.item not in known]
    if rest:
        lines += ["Other decisions", *(f"  {_sentence(line)}" for line in rest), ""]
    if notes:
        lines += ["Notes", *(f"  {line}" for line in notes.splitlines()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _item(item: dict[str, Any], decisions: Sequence[DecisionLine]) -> list[str]:
    lines = [f"{item['title']} ({item['total']})"]
    lines += [f"  - {row['title']}{': ' + row['facts'] if row['facts'] else ''}" for row in item["rows"]]
    if item["total"] > len(item["rows"]):
        lines.append(f"  - and {item['total'] - len(item['rows'])} more")
    return [*lines, *(f"  {_sentence(line)}" for line in decisions), ""]


def _sentence(line: DecisionLine) -> str:
    """`Decided: let go (Alfreds). They closed. Olga, from 2026-06-12, review on 2026-07-01. Reason: …`"""
    parts = [f"Decided: {line.word.lower()}{f' ({line.account})' if line.account else ''}.", _ended(line.text)]
    carried = ", ".join(part for part in (
        line.owner, f"from {line.effective_on}" if line.effective_on else "",
        f"review on {line.review_on}" if line.review_on else "") if part)
    parts.append(_ended(carried))
    if line.reason:
        parts.append(f"Reason: {_ended(line.reason)}")
    return " ".join(part for part in parts if part)


def _ended(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
