"""Scorecards as documents: what files say, what is kept in the database, and those that are shipped."""

from pathlib import Path
from typing import Any

import yaml

from abm.scorecards.definition import Criterion, Definition
from core.errors import InvalidInput

LARGEST_FILE = 200_000
SHIPPED = Path(__file__).parent / "shipped"


def load_yaml(text: str) -> Any:
    """The document. Raises InvalidInput with line and column."""
    if len(text) > LARGEST_FILE:
        raise InvalidInput(f"The scorecard has {len(text):,} characters, at most {LARGEST_FILE:,} are read")
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise InvalidInput(f"The YAML cannot be read{where}: {error.problem}", {"yaml": str(error.problem)}) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidInput("The YAML cannot be read: it has characters or nesting that YAML does not allow",
                           {"yaml": "cannot be read"}) from error


def to_document(definition: Definition) -> dict[str, Any]:
    """The scorecard as a file says it; `read_definition` gives the same back."""
    document: dict[str, Any] = {"scorecard": definition.name, "title": definition.title}
    if definition.purpose:
        document["purpose"] = definition.purpose
    if definition.family:
        document["family"] = definition.family
    document["rank_from_coverage"] = f"{definition.least_coverage * 100:.0f}%"
    document["member"] = {"from": plain_number(definition.member_from), "to": plain_number(definition.member_to)}
    document["criteria"] = [_criterion_document(one) for one in definition.criteria]
    return document


def _criterion_document(criterion: Criterion) -> dict[str, Any]:
    document: dict[str, Any] = {"id": criterion.id, "title": criterion.title,
                                "weight": plain_number(criterion.weight), "by": criterion.by}
    if criterion.note:
        document["note"] = criterion.note
    if not criterion.is_by_hand:
        document |= {"direction": criterion.direction, "scale": criterion.scale}
    bounds = {"from": criterion.low, "to": criterion.high}
    document |= {key: plain_number(value) for key, value in bounds.items() if value is not None}
    if criterion.steps:
        document[criterion.scale] = [_step_document(criterion, place) for place in range(len(criterion.steps))]
    return document


def _step_document(criterion: Criterion, place: int) -> dict[str, Any]:
    step = criterion.steps[place]
    if criterion.scale == "levels":
        return {"points": plain_number(step.points), "words": step.words}
    key = "from" if criterion.direction == "up" else "up_to"
    words = {"words": step.words} if step.words else {}
    return {key: plain_number(step.at), "points": plain_number(step.points), **words}


def plain_number(value: float) -> float | int:
    """Whole numbers without their `.0`."""
    return int(value) if float(value).is_integer() else value


def to_yaml(definition: Definition) -> str:
    """The file's text."""
    return yaml.dump(to_document(definition), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110,
                     default_flow_style=False)


class _Dumper(yaml.SafeDumper):
    """Bands, levels and thresholds on one line each."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        is_leaf = "criteria" not in mapping and "by" not in mapping
        return super().represent_mapping(tag, mapping, flow_style=True if is_leaf else flow_style)

    def ignore_aliases(self, data: Any) -> bool:
        return True
