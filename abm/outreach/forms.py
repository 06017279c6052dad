"""Forms of the campaign editor: what was typed becomes a campaign file's form, wrong places become field names."""

import re
from collections.abc import Mapping
from typing import Any

from werkzeug.datastructures import MultiDict

from campaigns.definition import Delay, parse, to_raw
from core.errors import InvalidInput

Typed = MultiDict[str, str]

_FIELD_OF_PLACE = {
    "sender": "sender_email", "people": "roles", "window": "days", "window.from": "opens", "window.to": "closes",
}
_WORDS = ("subject", "html", "text")


def read_basics(typed: Typed, *, steps: list[Any]) -> dict[str, Any]:
    """The campaign with these steps, checked. Raises InvalidInput with the form's field names."""
    title = typed.get("title", "").strip()
    if not title:
        raise InvalidInput("The campaign needs a title", {"title": "is missing: say in a few words what it is about"})
    raw = {
        "campaign": typed.get("campaign", "").strip() or name_from_title(title), "title": title,
        "purpose": typed.get("purpose", "").strip() or "marketing", "list": typed.get("list", "").strip(),
        "sender": {name: typed.get(f"sender_{name}", "").strip() for name in ("name", "email", "postal_address")},
        "people": _people(typed), "window": _window(typed), "holdout": typed.get("holdout", "").strip() or "0",
        "stop_when": typed.getlist("stop_when"), "priority": typed.get("priority", "").strip() or "5",
        "caps": "exempt" if typed.get("caps") else "respect",
        "enrol": "continuous" if typed.get("enrol") else "approved",
        "steps": steps,
    }
    return _checked(raw, prefix="")


def name_from_title(title: str) -> str:
    """`Welcome back, Döner!` → `welcome-back-döner`: the name that files and commands use."""
    return re.sub(r"[^\w]+", "-", title.casefold()).strip("-_")[:100] or "campaign"


def _people(typed: Typed) -> dict[str, Any]:
    roles = [*typed.getlist("roles"), *re.split(r"[,;\n]", typed.get("other_roles", ""))]
    return {"roles": [role.strip() for role in roles if role.strip()],
            "per_account": typed.get("per_account", "").strip() or None}


def _window(typed: Typed) -> dict[str, Any] | None:
    if typed.get("window") != "own":
        return None
    return {"days": typed.getlist("days"), "from": typed.get("opens") or None, "to": typed.get("closes") or None,
            "zone": typed.get("zone", "").strip() or "recipient",
            "holidays": "skip" if typed.get("holidays") else "count"}


def basics_typed(raw: Mapping[str, Any]) -> Typed:
    """The form's fields as a stored campaign fills them; the way back of `read_basics`."""
    sender, people, window = raw.get("sender", {}), raw.get("people", {}), raw.get("window")
    definition = parse(raw)
    typed: Typed = MultiDict({name: str(raw[name]) for name in ("campaign", "title", "purpose", "list") if name in raw})
    typed.update({f"sender_{name}": value for name, value in sender.items()})
    typed["per_account"], typed["holdout"] = str(people.get("per_account", "")), str(definition.holdout_percent)
    typed["priority"], typed["window"] = str(definition.priority), "own" if window else "company"
    for field, name in (("opens", "from"), ("closes", "to"), ("zone", "zone")):
        typed[field] = str((window or {}).get(name, ""))
    typed.setlist("roles", list(definition.people.roles))
    typed.setlist("stop_when", list(definition.stop_when))
    typed.setlist("days", list(definition.window.days if definition.window else ()))
    switches = {"holidays": bool(window and window.get("holidays") == "skip"), "caps": definition.is_cap_exempt,
                "enrol": definition.is_continuous}
    typed.update({name: "yes" for name, is_on in switches.items() if is_on})
    return typed


def read_step(typed: Typed, raw: Mapping[str, Any], index: int) -> dict[str, Any]:
    """The campaign with its step `index` replaced by what was typed, checked; fields are named as in the step form."""
    steps = list(raw["steps"])
    steps[index] = _step(typed, channel=steps[index].get("channel", "email"))
    return _checked({**raw, "steps": steps}, prefix=f"steps[{index}].")


def _step(typed: Typed, *, channel: str) -> dict[str, Any]:
    amount, unit = typed.get("after_amount", "").strip() or "0", typed.get("after_unit", "days")
    step: dict[str, Any] = {
        "id": typed.get("id", "").strip(), "channel": channel, "after": f"{amount} {unit}",
        "unless": typed.getlist("unless"), "offer": typed.get("offer", "").strip() or None,
    }
    if channel == "call":
        return {**step, "script": _lines(typed, "script"), "assign_to": typed.get("assign_to", "").strip() or None}
    step |= {name: _lines(typed, name) for name in _WORDS}
    step["languages"] = _wordings(typed, "languages", _WORDS)
    step["variants"] = _wordings(typed, "variants", ("share", *_WORDS))
    return step


def _wordings(typed: Typed, kind: str, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """The blocks `languages.fr.subject` … that hold any words; an emptied block is a removed one."""
    found: dict[str, dict[str, str]] = {}
    for name in wordings(typed, kind):
        given = {word: value for word in names if (value := _lines(typed, f"{kind}.{name}.{word}"))}
        if given:
            found[name] = given
    return found


def step_typed(step: Mapping[str, Any]) -> Typed:
    """The step form's fields as a stored step fills them."""
    typed: Typed = MultiDict({name: str(step[name]) for name in ("id", "subject", "html", "text", "script", "assign_to",
                                                                 "offer") if step.get(name)})
    amount, _, unit = str(step.get("after", Delay())).partition(" ")
    typed["after_amount"], typed["after_unit"] = amount, unit if unit.endswith("s") else f"{unit}s"
    unless = step.get("unless", [])
    typed.setlist("unless", [unless] if isinstance(unless, str) else list(unless))
    for kind in ("languages", "variants"):
        for name, words in step.get(kind, {}).items():
            typed.update({f"{kind}.{name}.{field}": str(value) for field, value in words.items()})
    return typed


def wordings(typed: Typed, kind: str) -> list[str]:
    """The languages or variants that a step form shows blocks for, in order."""
    inner = [field.removeprefix(f"{kind}.") for field in typed if field.startswith(f"{kind}.")]
    return list(dict.fromkeys(field.rpartition(".")[0] for field in inner))


def _lines(typed: Typed, name: str) -> str | None:
    """Browsers send CRLF; a campaign keeps plain line ends, so that saving without a change changes nothing."""
    return typed.get(name, "").replace("\r\n", "\n") or None


def _checked(raw: dict[str, Any], *, prefix: str) -> dict[str, Any]:
    given = {name: value for name, value in raw.items() if value is not None}
    try:
        return to_raw(parse(given))
    except InvalidInput as error:
        fields = {_field_of(place, prefix): sentence for place, sentence in error.fields.items()}
        raise InvalidInput(str(error), fields) from error


def _field_of(place: str, prefix: str) -> str:
    if prefix:
        inner = place.removeprefix(prefix)
        return "after_amount" if inner == "after" else inner
    if place in _FIELD_OF_PLACE:
        return _FIELD_OF_PLACE[place]
    head, _, leaf = place.partition(".")
    return f"sender_{leaf}" if head == "sender" and leaf else leaf or head
