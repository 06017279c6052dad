"""How likely two accounts are the same, in points of 100 with the reasons in words. Pure."""

from dataclasses import dataclass

LEAST = 60
CLOSE = 92


@dataclass(frozen=True)
class Card:
    """What is compared of an account. `domains`: registrable ones, never of free mail."""

    name: str
    core: str
    country: str = ""
    city: str = ""
    domains: frozenset[str] = frozenset()


def score_pair(one: Card, other: Card, *, same_name: bool, likeness: float = 100.0) -> tuple[int, list[str]]:
    """Points and reasons. `same_name`: the names without legal form are equal (an alias counts); else `likeness` of the
    two names in percent. A shared domain supports, other domains and countries speak against it."""
    shared = sorted(one.domains & other.domains)
    reasons = []
    if same_name:
        is_literal = one.name.casefold() == other.name.casefold()
        reasons.append("same name" if is_literal else f"same name without its legal form ({one.core})")
        points = 90.0
    elif likeness >= CLOSE:
        reasons.append(f"names alike to {likeness:.0f} %")
        points = likeness - 10
    else:
        points = 55.0
    if shared:
        reasons.append(f"same web domain ({shared[0]})")
        points = min(points + (9 if same_name else 12), 99) if points > 55 else 55 + likeness / 4
    elif one.domains and other.domains:
        reasons.append("but other web domains")
        points -= 15
    return _places(one, other, points, reasons)


def _places(one: Card, other: Card, points: float, reasons: list[str]) -> tuple[int, list[str]]:
    if one.country and other.country and one.country != other.country:
        reasons.append(f"but other countries ({one.country}, {other.country})")
        points -= 20
    elif one.city and other.city:
        if one.city.casefold() == other.city.casefold():
            reasons.append(f"same city ({one.city})")
            points += 3
        else:
            points -= 3
    first = reasons[0][:1].upper() + reasons[0][1:] if reasons else ""
    return max(0, min(100, round(points))), [first, *reasons[1:]] if first else []
