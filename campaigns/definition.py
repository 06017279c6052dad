"""A campaign as a person writes it: the file format, read into plain frozen values, and the way back.

`parse` and `to_raw` are inverse, so that the builder and a YAML file are two views of one thing. Files are already
inlined here: `html`, `text` and `script` hold the text itself.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from campaigns.definition_contents import given
from campaigns.definition_reading import read_definition
from campaigns.definition_steps import STEP_KINDS, write_step
from campaigns.definition_values import (
    ACCOUNT_OWNER,
    ACCOUNT_PARTNER,
    CONDITIONS,
    DAYS,
    DEFAULT_STOPS,
    END,
    REENTRY_AFTER,
    REENTRY_NEVER,
    REENTRY_REQUALIFIED,
    SILENT,
    STOPS,
    UNITS,
    ZONES,
    BranchStep,
    CallStep,
    Content,
    Definition,
    Delay,
    EmailStep,
    LetterStep,
    PeopleRule,
    Reentry,
    Sender,
    Step,
    Test,
    Variant,
    VisitStep,
    WaitStep,
    Wave,
    WebhookStep,
    Window,
)

__all__ = [
    "ACCOUNT_OWNER",
    "ACCOUNT_PARTNER",
    "CONDITIONS",
    "DAYS",
    "DEFAULT_STOPS",
    "END",
    "REENTRY_AFTER",
    "REENTRY_NEVER",
    "REENTRY_REQUALIFIED",
    "SILENT",
    "STEP_KINDS",
    "STOPS",
    "UNITS",
    "ZONES",
    "BranchStep",
    "CallStep",
    "Content",
    "Definition",
    "Delay",
    "EmailStep",
    "LetterStep",
    "PeopleRule",
    "Reentry",
    "Sender",
    "Step",
    "Test",
    "Variant",
    "VisitStep",
    "WaitStep",
    "Wave",
    "WebhookStep",
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
        "sender": given(name=sender.name, email=sender.email, postal_address=sender.postal_address),
        "people": _raw_people(people),
        "window": _raw_window(definition.window),
        "holdout": f"{definition.holdout_percent}%" if definition.holdout_percent else None,
        "stop_when": list(definition.stop_when) if definition.stop_when != DEFAULT_STOPS else None,
        "priority": definition.priority if definition.priority != 5 else None,
        "caps": "exempt" if definition.is_cap_exempt else None,
        "enrol": "continuous" if definition.is_continuous else None,
        "exclusive": True if definition.is_exclusive else None, "reentry": _raw_reentry(definition.reentry),
        "track": None if definition.track else False,
        "steps": [write_step(step) for step in definition.steps],
        "snippets": {name: {language or "any": words for language, words in known.items()}
                     for name, known in definition.snippets.items()},
    }
    return {name: value for name, value in raw.items() if value not in (None, {})}


def _raw_people(people: PeopleRule) -> dict[str, Any]:
    waves = [given(roles=list(wave.roles), after=str(wave.after) if wave.after.amount else None,
                   unless=list(wave.unless)) | ({"after": "0 days"} if index and not wave.after.amount else {})
             for index, wave in enumerate(people.waves)]
    return given(roles=list(people.roles), per_account=people.per_account, waves=waves,
                 leavers="replace" if people.replaces_leavers else None)


def _raw_reentry(rule: Reentry | None) -> str | None:
    if rule is None:
        return None
    return {REENTRY_NEVER: "never", REENTRY_REQUALIFIED: "on re-qualification"}.get(rule.kind, str(rule.after))


def _raw_window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    hours = given(days=list(window.days), zone=window.zone, holidays="skip" if window.skip_holidays else None)
    for name, moment in (("from", window.opens), ("to", window.closes)):
        if moment is not None:
            hours[name] = f"{moment:%H:%M}"
    return hours
