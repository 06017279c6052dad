"""The facts of an account that can be changed in their place, one at a time. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CUSTOM = "custom."


@dataclass(frozen=True)
class Fact:
    """`field` is the form's field of `abm.accounts.forms`; `kind`: text, number, tier, owner, custom."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""

    @property
    def field(self) -> str:
        return "custom" if self.kind == "custom" else self.name

    @property
    def anchor(self) -> str:
        """An id for the page: letters, digits and dashes."""
        return "fact-" + "".join(letter if letter.isascii() and letter.isalnum() else f"-{ord(letter):x}-"
                                 for letter in self.name)


OWN = (
    Fact("owner_id", "Owner", "owner", "Gets the tasks and speaks for us"),
    Fact("tier", "Tier", "tier"),
    Fact("industry", "Industry"),
    Fact("employees", "Employees", "number"),
    Fact("annual_revenue", "Annual revenue", "number"),
    Fact("domain", "Web domain", hint="example.com"),
    Fact("country", "Country", hint="A code or a name"),
    Fact("region", "Region"),
    Fact("city", "City"),
    Fact("timezone", "Time zone", hint="Europe/Paris"),
    Fact("parent", "Id of the parent company"),
)


def facts_of(custom: Mapping[str, Any] | None) -> list[Fact]:
    """The account's own facts, then its custom fields by name."""
    return [*OWN, *(custom_fact(name) for name in sorted(custom or {}))]


def custom_fact(name: str) -> Fact:
    return Fact(CUSTOM + name, name, "custom")


def find_fact(name: str) -> Fact | None:
    """The fact of this name; any name that starts with `custom.` is one."""
    if name.startswith(CUSTOM) and name.removeprefix(CUSTOM).strip():
        return custom_fact(name.removeprefix(CUSTOM).strip()[:100])
    return next((fact for fact in OWN if fact.name == name), None)


def with_fact(typed: Mapping[str, Any], fact: Fact, value: str) -> dict[str, str]:
    """The whole form as it would be sent, with one fact changed."""
    form = {name: "" if given is None else str(given) for name, given in typed.items()}
    if fact.kind == "custom":
        own = fact.name.removeprefix(CUSTOM)
        kept = [line for line in form.get("custom", "").splitlines() if line.partition(":")[0].strip() != own]
        form["custom"] = "\n".join([*kept, f"{own}: {value}"] if value.strip() else kept)
    else:
        form[fact.name] = value
    return form
