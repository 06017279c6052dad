"""What makes a key account: three gates, four kinds, three questions before the chase. Pure: words, lines, evidence.

A gate or question is answered yes, no, or ask (the data cannot say; a person should). A person's answer stands above
what the data say.
"""

from dataclasses import dataclass
from typing import Protocol

GATES = {
    "potential": "High purchase potential",
    "complexity": "Complex buying behaviour",
    "partnership": "Wish for a long-term partnership",
}
CHASE = {
    "need": "Does it need what we sell?",
    "solvency": "Can it pay?",
    "authority": "Has our contact the right to decide?",
}
QUESTIONS = {**GATES, **CHASE}
RULES = {
    "potential": "Class A of the latest analysis: yes; class C: no; class B or no orders yet: ask.",
    "complexity": "Two of three signs say yes: 3 people known, 3 buying roles, several sites. Else ask: who is not "
                  "known may be there.",
    "partnership": "No data can say it: a person does.",
    "need": "It has ordered: yes. Else ask.",
    "solvency": "It has orders that were not cancelled: yes. Else ask.",
    "authority": "A decision maker or economic buyer is known: yes. Else ask.",
}
KINDS = {
    "breadwinner": "Breadwinner", "prospect": "Prospect", "image_maker": "Image maker", "expert": "Expert",
}
KIND_RULES = {
    "breadwinner": "10 % of value or more, or the largest of all: computed from the latest analysis",
    "prospect": "new, with a good budget: proposed where nothing was ordered yet and the company is at least as large "
                "as half of those who buy",
    "image_maker": "well known, a leader: proposed for the largest company of an industry with three or more",
    "expert": "demanding, knows the market: set by a person",
}
ANSWERS = {"yes": "Yes", "no": "No"}
STATES = {"key": "Key account", "open": "Open questions", "not_key": "Not a key account"}
CHASES = {"go": "May be targeted", "ask": "Open questions", "stop": "Not to be targeted"}
MANY_PEOPLE, MANY_ROLES, SEVERAL_SITES = 3, 3, 1
BREADWINNER_SHARE = 0.10
FEWEST_OF_INDUSTRY = 3
DECIDING_ROLES = ("decision_maker", "economic_buyer")


class Evidence(Protocol):
    """The numbers that the data gave."""

    orders: int
    abc: str | None
    share: float | None
    value_place: int | None
    people: int
    roles: int
    deciders: int
    sites: int


@dataclass(frozen=True, slots=True)
class Sign:
    """One number of the evidence in words; `is_for`: it speaks for yes."""

    text: str
    is_for: bool


def signs_of(question: str, found: Evidence) -> list[Sign]:
    """What the data say to a gate or question."""
    if question == "potential":
        if not found.orders:
            return [Sign("nothing ordered yet", False)]
        share = "" if found.share is None else f", {found.share * 100:.1f} % of all value"
        place = "" if found.value_place is None else ", the largest of all"
        return [Sign(f"class {found.abc or 'none'}{share}{place}", found.abc == "A")]
    if question == "complexity":
        return [Sign(_many(found.people, "person known", "people known"), found.people >= MANY_PEOPLE),
                Sign(_many(found.roles, "buying role", "buying roles"), found.roles >= MANY_ROLES),
                Sign(_many(found.sites, "further site", "further sites"), found.sites >= SEVERAL_SITES)]
    if question in ("need", "solvency"):
        return [Sign(_many(found.orders, "order", "orders"), found.orders > 0)]
    if question == "authority":
        return [Sign(_many(found.deciders, "person who decides known", "people who decide known"), found.deciders > 0)]
    return []


def _many(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def failed_questions(answers: dict[str, str]) -> list[str]:
    """The words of the questions before the chase that are answered no."""
    return [CHASE[name].rstrip("?") for name in CHASE if answers.get(name) == "no"]
