"""Forms of the scorecards: weights from sliders, one criterion, the scorecard's own words."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from abm.scorecards.definition import BY_HAND, Criterion, Definition
from abm.scorecards.files import plain_number, to_document
from abm.scorecards.measures import MEASURES
from abm.scorecards.reading import read_definition
from abm.web.slugs import slug
from core.errors import InvalidInput

MOST_WEIGHT = 100


def parse_weights(form: Mapping[str, str], definition: Definition) -> dict[str, float]:
    """Weights by criterion from the fields `weight-<id>`; what is no number between 0 and 1000 is left out."""
    weights = {}
    for criterion in definition.criteria:
        try:
            weight = float(form.get(f"weight-{criterion.id}", ""))
        except ValueError:
            continue
        if 0 <= weight <= 1000:
            weights[criterion.id] = weight
    return weights


def typed_criterion(criterion: Criterion | None) -> dict[str, Any]:
    """A criterion as its form shows it."""
    if criterion is None:
        return {"weight": 10, "direction": "up", "scale": "percentile"}
    steps = "\n".join(f"{plain_number(step.points)}: {step.words}" if criterion.scale == "levels" else
                      f"{plain_number(step.at)}: {plain_number(step.points)}" for step in criterion.steps)
    custom = criterion.by.removeprefix("custom.") if criterion.by.startswith("custom.") else ""
    return {"id": criterion.id, "title": criterion.title, "note": criterion.note,
            "weight": plain_number(criterion.weight), "by": "custom" if custom else criterion.by, "custom": custom,
            "direction": criterion.direction, "scale": criterion.scale,
            "low": None if criterion.low is None else plain_number(criterion.low),
            "high": None if criterion.high is None else plain_number(criterion.high), "steps": steps}


def with_criterion(definition: Definition, form: Mapping[str, str], *, old_id: str = "") -> Definition:
    """The definition with the form's criterion added, or put in place of the one called `old_id`. Raises InvalidInput
    with a sentence per field of the form."""
    document = to_document(definition)
    own = _criterion_document(form)
    criteria = document["criteria"]
    places = [place for place, one in enumerate(criteria) if old_id and one["id"] == old_id]
    place = places[0] if places else len(criteria)
    criteria[place:place + 1] = [own]
    return _read(document, f"criteria[{place}].")


def begun(base: Definition, form: Mapping[str, str], *, taken: Collection[str]) -> Definition:
    """A scorecard with the title and purpose of the form and the criteria of `base`, under a name that is not `taken`.
    Raises InvalidInput with a sentence per field of the form."""
    title = form.get("title", "").strip()
    name = slug(title)
    if not name:
        sentence = "Give it a title with letters or digits" if title else "Give it a title"
        raise InvalidInput(sentence, {"title": sentence})
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    name = next(each for each in (name, *numbered) if each not in taken)
    purpose = form.get("purpose", "").strip()
    document = to_document(replace(base, name=name, title=title, purpose=purpose, family=""))
    try:
        return read_definition(document, MEASURES)
    except InvalidInput as error:
        raise InvalidInput(str(error), {"title": str(error)}) from error


def without_criterion(definition: Definition, criterion_id: str) -> Definition:
    """The definition without a criterion. Raises InvalidInput where it is the last one that weighs."""
    document = to_document(definition)
    document["criteria"] = [one for one in document["criteria"] if one["id"] != criterion_id]
    return _read(document, "criteria.")


def with_basics(definition: Definition, form: Mapping[str, str]) -> Definition:
    """The definition with the form's title, purpose, family and thresholds. Raises InvalidInput."""
    document = to_document(definition)
    document |= {name: form.get(name, "").strip() for name in ("title", "purpose", "family")}
    document["rank_from_coverage"] = form.get("rank_from_coverage", "").strip() or "0"
    document["member"] = {"from": form.get("member_from", "").strip(), "to": form.get("member_to", "").strip()}
    return _read(document, "member.", {"from": "member_from", "to": "member_to"})


def _read(document: Mapping[str, Any], prefix: str, names: Mapping[str, str] | None = None) -> Definition:
    own = {"from": "low", "to": "high", "bands": "steps", "levels": "steps", **(names or {})}
    try:
        return read_definition(document, MEASURES)
    except InvalidInput as error:
        fields: dict[str, str] = {}
        for place, sentence in error.fields.items():
            name = place.removeprefix(prefix).split("[")[0].split(".")[0]
            fields.setdefault(own.get(name, name), sentence[:1].upper() + sentence[1:])
        raise InvalidInput("Please look at the marked fields", fields) from error


def _criterion_document(form: Mapping[str, str]) -> dict[str, Any]:
    def text(name: str) -> str:
        return form.get(name, "").replace("\x00", "").strip()

    by = f"custom.{text('custom')}" if text("by") == "custom" else text("by")
    scale = "levels" if by == BY_HAND else text("scale")
    document: dict[str, Any] = {"id": text("id"), "title": text("title"), "note": text("note"),
                                "weight": text("weight") or None, "by": by, "direction": text("direction") or "up",
                                "scale": scale}
    if scale == "min-max":
        document |= {"from": text("low") or None, "to": text("high") or None}
    if scale in ("bands", "levels"):
        document[scale] = [_step(line, scale, document["direction"]) for line in text("steps").splitlines()
                           if line.strip()]
    if by == BY_HAND:
        document.pop("scale")
    return document


def _step(line: str, scale: str, direction: str) -> dict[str, Any]:
    """`33: late about once in four` for a level, `1000: 40` for a band."""
    before, _colon, after = line.partition(":")
    if scale == "levels":
        return {"points": before.strip(), "words": after.strip()}
    return {"from" if direction == "up" else "up_to": before.strip(), "points": after.strip()}
