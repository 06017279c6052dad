"""Which names the contents of a campaign would print for a person and are not known: asked for everybody it means."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from campaigns.definition import Definition, EmailStep, LetterStep
from campaigns.outside import Recipient
from campaigns.personalisation import BadValue
from campaigns.rendering import names_for_reading, templates_of
from campaigns.sandbox import Template
from campaigns.sandbox_rules import Path

_Wording = tuple[EmailStep | LetterStep, tuple[Template, ...]]


@dataclass
class MissingNames:
    """The wordings of every step by language and role, put together once for all the people who share them."""

    definition: Definition
    known: dict[tuple[str, str], list[_Wording]] = field(default_factory=dict)

    def names(self, person: Recipient, values: Mapping[str, Any]) -> set[str]:
        """Names without a value, each once; a value that cannot be printed is told by its sentence."""
        found: set[str] = set()
        for step, templates in self._wordings(person):
            named = names_for_reading(self.definition, step, values, None, "#")
            missing: list[str] = []
            looked_up: dict[Path, Any] = {}
            try:
                for template in templates:
                    template.render_noting(named, missing, looked_up)
            except BadValue as error:
                found.add(str(error))
            found.update(missing)
        return found

    def _wordings(self, person: Recipient) -> list[_Wording]:
        key = (person.language, person.role)
        if key not in self.known:
            self.known[key] = [
                (step, templates_of(self.definition, step, language=person.language, variant=variant))
                for step in self.definition.steps if isinstance(step, EmailStep | LetterStep)
                and (not step.roles or person.role in step.roles) for variant in _variants_of(step)]
        return self.known[key]


def _variants_of(step: EmailStep | LetterStep) -> list[str | None]:
    """Every variant that a launch could draw; None for the step's own words, where they are drawn at all."""
    if isinstance(step, LetterStep):
        return [None]
    own: list[str | None] = [None] if sum(one.share for one in step.variants.values()) < 100 else []
    return own + list(step.variants)
