"""A campaign as a person writes it: the file format, read into plain frozen values, and the way back.

`parse` and `to_raw` are inverse, so that the builder and a YAML file are two views of one thing. Files are already
inlined here: `html`, `text` and `script` hold the text itself.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from campaigns.definition_reading import read_definition
from campaigns.definition_values import (
    ACCOUNT_OWNER,
    CONDITIONS,
    DAYS,
    DEFAULT_STOPS,
    STOPS,
    UNITS,
    ZONES,
    CallStep,
    Content,
    Definition,
    Delay,
    EmailStep,
    PeopleRule,
    Sender,
    Step,
    Variant,
    Window,
)

__all__ = [
    "ACCOUNT_OWNER",
    "CONDITIONS",
    "DAYS",
    "DEFAULT_STOPS",
    "STOPS",
    "UNITS",
    "ZONES",
    "CallStep",
    "Content",
    "Definition",
    "Delay",
    "EmailStep",
    "PeopleRule",
    "Sender",
    "Step",
    "Variant",
    "Window",
    "definition_hash",
    "parse",
    "to_raw",
]


def parse(raw: Mapping[str, Any]) -> Definition:
    """The definition in a campaign file. InvalidInput has a sentence per place (`steps[2].after`) in `fields`."""
    return read_definition(raw)


def definition_hash(raw: Mapping[str, Any]) -> str:
    """A fingerprint that changes with any change of the definition, whatever the order of its names."""
    return hashlib.sha256(json.dumps(raw, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def to_raw(definition: Definition) -> dict[str, Any]:
    """The definition in the form of a campaign file, defaults left out; `parse(to_raw(d)) == d`."""
    sender, people = definition.sender, definition.people
    raw: dict[str, Any] = {
        "campaign": definition.name, "title": definition.title, "purpose": definition.purpose,
        "list": definition.list_name,
        "sender": _given(name=sender.name, email=sender.email, postal_address=sender.postal_address),
        "people": _given(roles=list(people.roles), per_account=people.per_account),
        "window": _raw_window(definition.window),
        "holdout": f"{definition.holdout_percent}%" if definition.holdout_percent else None,
        "stop_when": list(definition.stop_when) if definition.stop_when != DEFAULT_STOPS else None,
        "priority": definition.priority if definition.priority != 5 else None,
        "caps": "exempt" if definition.is_cap_exempt else None,
        "enrol": "continuous" if definition.is_continuous else None,
        "steps": [_raw_step(step) for step in definition.steps],
    }
    return {name: value for name, value in raw.items() if value not in (None, {})}


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {}, ())}


def _raw_window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    given = _given(days=list(window.days), zone=window.zone, holidays="skip" if window.skip_holidays else None)
    for name, moment in (("from", window.opens), ("to", window.closes)):
        if moment is not None:
            given[name] = f"{moment:%H:%M}"
    return given


def _raw_step(step: Step) -> dict[str, Any]:
    raw = {"id": step.id, "channel": step.channel, "after": str(step.after)}
    if step.unless:
        raw["unless"] = step.unless[0] if len(step.unless) == 1 else list(step.unless)  # type: ignore[assignment]
    raw |= _given(offer=step.offer)
    if isinstance(step, CallStep):
        return raw | _given(script=step.script, assign_to=step.assign_to)
    languages = {name: _raw_content(content) for name, content in step.languages.items()}
    variants = {name: {"share": f"{variant.share}%"} | _raw_content(variant.content)
                for name, variant in step.variants.items()}
    return raw | _given(subject=step.subject, html=step.html, text=step.text, languages=languages, variants=variants)


def _raw_content(content: Content) -> dict[str, Any]:
    return _given(subject=content.subject, html=content.html, text=content.text)
