"""The form of one step: what was typed becomes a campaign file's form, and the way back."""

from collections.abc import Callable, Mapping
from typing import Any

import yaml
from werkzeug.datastructures import MultiDict

from abm.outreach.forms import Typed, checked, lines
from campaigns.definition import SILENT, Delay
from core.errors import InvalidInput

RULE = "rule"
_WORDS = ("subject", "html", "text")
_PLAIN = ("id", "subject", "html", "text", "script", "brief", "body", "url", "assign_to", "offer", "next")


def read_step(typed: Typed, raw: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The campaign with its step `index` replaced by what was typed, checked; fields are named as in the step form."""
    steps = list(raw["steps"])
    before = steps[index]
    steps[index] = _step(typed, channel=before.get("channel", "email"))
    if steps[index]["id"]:
        steps = [_renamed(step, before["id"], steps[index]["id"]) for step in steps]
    return checked({**raw, "steps": steps}, prefix=f"steps[{index}].")


def _renamed(step: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """The step with its jumps to a renamed step led to the new name."""
    renamed = dict(step)
    if renamed.get("next") == old:
        renamed["next"] = new
    if isinstance(step.get("branch"), Mapping):
        renamed["branch"] = {name: new if name in ("then", "else") and value == old else value
                             for name, value in step["branch"].items()}
    return renamed


def _step(typed: Typed, *, channel: str) -> dict[str, Any]:
    amount, unit = typed.get("after_amount", "").strip() or "0", typed.get("after_unit", "days")
    step: dict[str, Any] = {"id": typed.get("id", "").strip(), "channel": channel, "after": f"{amount} {unit}"}
    if channel not in SILENT:
        step |= {"unless": typed.getlist("unless"), "roles": typed.getlist("roles"),
                 "offer": typed.get("offer", "").strip() or None}
    if channel != "branch":
        step["next"] = typed.get("next", "").strip() or None
    return step | _READERS[channel](typed)


def _email(typed: Typed) -> dict[str, Any]:
    return {**{name: lines(typed, name) for name in _WORDS}, "track": False if typed.get("untracked") else None,
            "languages": _wordings(typed, "languages", _WORDS),
            "variants": _wordings(typed, "variants", ("share", *_WORDS))}


def _assigned(typed: Typed, words: str) -> dict[str, Any]:
    return {words: lines(typed, words), "languages": _wordings(typed, "languages", (words,)),
            "assign_to": typed.get("assign_to", "").strip() or None}


def _letter(typed: Typed) -> dict[str, Any]:
    return {"subject": typed.get("subject", "").strip() or None, "body": lines(typed, "body"),
            "languages": _wordings(typed, "languages", ("subject", "body"))}


def _webhook(typed: Typed) -> dict[str, Any]:
    pairs = [line.partition(":") for line in typed.get("payload", "").splitlines() if line.strip()]
    return {"url": typed.get("url", "").strip(), "payload": {name.strip(): value.strip() for name, _, value in pairs}}


def _branch(typed: Typed) -> dict[str, Any]:
    arms = {"then": typed.get("then", "").strip() or None, "else": typed.get("otherwise", "").strip() or None}
    return {"branch": {"if": _asked(typed), **{arm: target for arm, target in arms.items() if target}}}


def _asked(typed: Typed) -> Any:
    event = typed.get("if_event", "")
    if event != RULE:
        return event
    if typed.get("if_rule", "").strip():
        try:
            return yaml.safe_load(typed["if_rule"])
        except yaml.YAMLError as error:
            raise InvalidInput("The rule cannot be read", {"if_rule": f"This is not YAML: {error}"}) from error
    operator, value = typed.get("if_operator", "is"), typed.get("if_value", "").strip()
    listed = [part.strip() for part in value.split(",")] if operator in ("in", "not_in", "between") else value
    name = typed.get("if_field", "").strip()
    return {"field": name, operator: True if operator in ("is_empty", "is_known") else listed}


_READERS: dict[str, Callable[[Typed], dict[str, Any]]] = {
    "email": _email, "call": lambda typed: _assigned(typed, "script"), "letter": _letter,
    "visit": lambda typed: _assigned(typed, "brief"), "webhook": _webhook, "wait": lambda _typed: {},
    "branch": _branch,
}


def _wordings(typed: Typed, kind: str, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The blocks `languages.fr.subject` … that hold any words; an emptied block is a removed one."""
    found: dict[str, dict[str, str]] = {}
    for name in wordings(typed, kind):
        given = {word: value for word in names if (value := lines(typed, f"{kind}.{name}.{word}"))}
        if given:
            found[name] = given
    return found


def step_typed(step: Mapping[str, Any]) -> Typed:
    """The step form's fields as a stored step fills them."""
    typed: Typed = MultiDict({name: str(step[name]) for name in _PLAIN if step.get(name)})
    typed.update(_html_typed(step))
    if step.get("track") is False:
        typed["untracked"] = "yes"
    amount, _, unit = str(step.get("after", Delay())).partition(" ")
    typed["after_amount"], typed["after_unit"] = amount, unit if unit.endswith("s") else f"{unit}s"
    unless = step.get("unless", [])
    typed.setlist("unless", [unless] if isinstance(unless, str) else list(unless))
    typed.setlist("roles", list(step.get("roles", [])))
    typed["payload"] = "\n".join(f"{name}: {value}" for name, value in step.get("payload", {}).items())
    if "branch" in step:
        typed.update(_branch_typed(step["branch"]))
    for kind in ("languages", "variants"):
        for name, words in step.get(kind, {}).items():
            shown = {**words, **_html_typed(words)}
            typed.update({f"{kind}.{name}.{field}": str(value) for field, value in shown.items() if field != "mjml"})
    return typed


def _html_typed(words: Mapping[str, Any]) -> dict[str, str]:
    """HTML and MJML share a field: which of them it is shows in its first tag."""
    return {"html": str(words["mjml"])} if words.get("mjml") else {}


def wordings(typed: Typed, kind: str) -> list[str]:
    """The languages or variants that a step form shows blocks for, in order."""
    inner = [field.removeprefix(f"{kind}.") for field in typed if field.startswith(f"{kind}.")]
    return list(dict.fromkeys(field.rpartition(".")[0] for field in inner))


def _branch_typed(branch: Mapping[str, Any]) -> dict[str, str]:
    asked = branch["if"]
    typed = {"then": branch.get("then", ""), "otherwise": branch.get("else", "")}
    if isinstance(asked, str):
        return {**typed, "if_event": asked}
    names = [name for name in asked if name != "field"]
    if "field" not in asked or len(names) != 1:
        return {**typed, "if_event": RULE, "if_rule": yaml.safe_dump(asked, allow_unicode=True, sort_keys=False)}
    value = asked[names[0]]
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return {**typed, "if_event": RULE, "if_field": asked["field"], "if_operator": names[0], "if_value": shown}
