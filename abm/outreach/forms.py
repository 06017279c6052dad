"""Forms of the campaign editor: what was typed becomes a campaign file's form, wrong places become field names."""

import re
from collections.abc import Mapping
from typing import Any

import yaml
from werkzeug.datastructures import MultiDict

from campaigns.definition import Definition, parse, to_raw
from core.errors import InvalidInput

Typed = MultiDict[str, str]

_FIELD_OF_PLACE = {
    "sender": "sender_email", "people": "roles", "window": "days", "window.from": "opens", "window.to": "closes",
}


def read_basics(typed: Typed, *, steps: list[Any]) -> dict[str, Any]:
    """The campaign with these steps, checked. Raises InvalidInput with the form's field names."""
    title = typed.get("title", "").strip()
    if not title:
        raise InvalidInput("The campaign needs a title", {"title": "is missing: say in a few words what it is about"})
    raw = {
        "campaign": typed.get("campaign", "").strip() or name_from_title(title), "title": title,
        "purpose": typed.get("purpose", "").strip() or "marketing", "list": typed.get("list", "").strip(),
        "sender": _sender(typed),
        "people": _people(typed), "window": _window(typed), "holdout": typed.get("holdout", "").strip() or "0",
        "stop_when": typed.getlist("stop_when"), "priority": typed.get("priority", "").strip() or "5",
        "caps": "exempt" if typed.get("caps") else "respect",
        "enrol": "continuous" if typed.get("enrol") else "approved",
        "exclusive": bool(typed.get("exclusive")), "reentry": _reentry(typed), "track": not typed.get("untracked"),
        "steps": steps,
    }
    return checked(raw, prefix="")


def _sender(typed: Typed) -> dict[str, str]:
    sender = {name: typed.get(f"sender_{name}", "").strip() for name in ("name", "email", "postal_address")}
    return sender | ({"reply_to": "owner"} if typed.get("sender_reply_to") == "owner" else {})


def name_from_title(title: str) -> str:
    """`Welcome back, Döner!` → `welcome-back-döner`: the name that files and commands use."""
    return re.sub(r"[^\w]+", "-", title.casefold()).strip("-_")[:100] or "campaign"


def _people(typed: Typed) -> dict[str, Any]:
    roles = [*typed.getlist("roles"), *re.split(r"[,;\n]", typed.get("other_roles", ""))]
    return {"roles": [role.strip() for role in roles if role.strip()],
            "per_account": typed.get("per_account", "").strip() or None, "waves": _waves(typed, roles) or None,
            "leavers": "replace" if typed.get("leavers") else None}


def _waves(typed: Typed, roles: list[str]) -> list[dict[str, Any]]:
    """Two waves: who begins, and everybody else of the roles. More than two are written in the text and kept."""
    first = typed.getlist("first_roles")
    if typed.get("more_waves"):
        return list(yaml.safe_load(typed["more_waves"]))
    rest = [role.strip() for role in roles if role.strip() and role not in first]
    if not first or not rest:
        return []
    after = f"{typed.get('wave_amount', '').strip() or '5'} {typed.get('wave_unit', 'working days')}"
    return [{"roles": first}, {"roles": rest, "after": after, "unless": typed.getlist("wave_unless")}]


def _reentry(typed: Typed) -> str | None:
    kind = typed.get("reentry", "")
    return f"{typed.get('reentry_days', '').strip() or '90'} days" if kind == "after" else kind or None


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
    _show_waves(typed, definition, people)
    if definition.reentry:
        typed["reentry"] = definition.reentry.kind if definition.reentry.kind != "requalified" else raw["reentry"]
        typed["reentry_days"] = str(definition.reentry.after.amount or 90)
    typed.setlist("stop_when", list(definition.stop_when))
    typed.setlist("days", list(definition.window.days if definition.window else ()))
    switches = {"holidays": bool(window and window.get("holidays") == "skip"), "caps": definition.is_cap_exempt,
                "enrol": definition.is_continuous, "exclusive": definition.is_exclusive,
                "leavers": definition.people.replaces_leavers, "untracked": not definition.track}
    typed.update({name: "yes" for name, is_on in switches.items() if is_on})
    return typed


def _show_waves(typed: Typed, definition: Definition, people: Mapping[str, Any]) -> None:
    waves = definition.people.waves
    typed["wave_amount"], typed["wave_unit"] = "5", "working days"
    if len(waves) == 2:
        typed["wave_amount"], typed["wave_unit"] = str(waves[1].after.amount), waves[1].after.unit
        typed.setlist("first_roles", list(waves[0].roles))
        typed.setlist("wave_unless", list(waves[1].unless))
    elif waves:
        typed["more_waves"] = yaml.safe_dump(people["waves"], allow_unicode=True)


def lines(typed: Typed, name: str) -> str | None:
    """Browsers send CRLF; a campaign keeps plain line ends, so that saving without a change changes nothing."""
    return typed.get(name, "").replace("\r\n", "\n") or None


def checked(raw: dict[str, Any], *, prefix: str) -> dict[str, Any]:
    given = {name: value for name, value in raw.items() if value is not None}
    try:
        return to_raw(parse(given))
    except InvalidInput as error:
        fields = {_field_of(place, prefix): sentence for place, sentence in error.fields.items()}
        raise InvalidInput(str(error), fields) from error


def _field_of(place: str, prefix: str) -> str:
    if prefix:
        return field_of_step(place, prefix)
    if place in _FIELD_OF_PLACE:
        return _FIELD_OF_PLACE[place]
    head, _, leaf = place.partition(".")
    return f"sender_{leaf}" if head == "sender" and leaf else leaf or head


_FIELD_OF_STEP = {"after": "after_amount", "branch.then": "then", "branch.else": "otherwise"}


def field_of_step(place: str, prefix: str) -> str:
    """The step form's field for a place in the file (`steps[2].branch.if.field`)."""
    inner = place.removeprefix(prefix)
    if inner.startswith("branch.if"):
        return "if_field"
    inner = re.sub(r"(^|\.)mjml$", r"\1html", inner)  # they share a field
    return "payload" if inner.startswith("payload.") else _FIELD_OF_STEP.get(inner, inner)
