"""Where in a YAML text a place such as `who.all[2].field` stands, so that a complaint is shown at its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from abm.targets.files import LARGEST_FILE


@dataclass(frozen=True, slots=True)
class Complaint:
    """`line` counts from 1, None where the place is nowhere in the text; `text` is the line itself."""

    place: str
    sentence: str
    line: int | None
    text: str = ""


def find_lines(text: str) -> dict[str, int]:
    """The line, from 1, of every place in the text; empty when it is no YAML."""
    try:
        root = yaml.compose(text, yaml.SafeLoader) if len(text) <= LARGEST_FILE else None
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return dict(_walk(root, "")) if root is not None else {}


def _walk(node: yaml.Node, place: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = f"{place}.{key.value}" if place else str(key.value)
            yield below, key.start_mark.line + 1
            yield from _walk(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield f"{place}[{index}]", value.start_mark.line + 1
            yield from _walk(value, f"{place}[{index}]")


def locate(text: str, complaints: Mapping[str, str], *, line: int | None = None) -> list[Complaint]:
    """The complaints with their lines, in the order of the text. `line`: where reading broke off, if it did."""
    lines, rows = find_lines(text), text.splitlines()
    found = []
    for place, sentence in complaints.items():
        at = line if line is not None else _nearest_line(place, lines)
        found.append(Complaint(place, sentence, at, rows[at - 1].strip() if at and at <= len(rows) else ""))
    return sorted(found, key=lambda each: (each.line is None, each.line or 0))


def _nearest_line(place: str, lines: Mapping[str, int]) -> int | None:
    """The line of the place, or of the innermost thing around it that is there."""
    while place and place not in lines:
        cut = max(place.rfind("."), place.rfind("["))
        place = place[:cut] if cut > 0 else ""
    return lines.get(place)
