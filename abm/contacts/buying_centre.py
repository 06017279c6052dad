"""The buying centre of an account: who plays which part, and which seats are empty. Pure.

Completeness = 100 x mean over the required roles of min(1, known / needed).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ROLES = {
    "decision_maker": "Decision maker", "champion": "Champion", "economic_buyer": "Economic buyer",
    "influencer": "Influencer", "technical_buyer": "Technical buyer", "user": "User", "gatekeeper": "Gatekeeper",
    "blocker": "Blocker",
}
REQUIRED = {"decision_maker": 1, "champion": 1, "influencer": 1, "user": 1}
ATTITUDES = {"supporter": "Supporter", "neutral": "Neutral", "sceptic": "Sceptic", "opponent": "Opponent"}
INFLUENCE = {**{level: str(level) for level in range(11)}, 0: "0 – none", 3: "3 – little", 5: "5 – some",
             8: "8 – much", 10: "10 – decides"}
STRENGTHS = {1: "1 – has met", 2: "2 – talks to", 3: "3 – is trusted by"}


@dataclass(frozen=True)
class Seat:
    """A required role: how many people it needs, how many are known."""

    role: str
    needed: int
    known: int

    @property
    def word(self) -> str:
        return role_word(self.role)

    @property
    def missing(self) -> int:
        return max(0, self.needed - self.known)


def seats(roles: Iterable[str | None], required: Mapping[str, int] = REQUIRED) -> list[Seat]:
    """The required seats, from the roles of the people who are there (None: no role known)."""
    present = list(roles)
    return [Seat(role, needed, present.count(role)) for role, needed in required.items()]


def completeness(of: Iterable[Seat]) -> float | None:
    """0 to 100; None where no role is required."""
    shares = [min(1.0, seat.known / seat.needed) for seat in of if seat.needed > 0]
    return 100 * sum(shares) / len(shares) if shares else None


def role_word(role: str | None) -> str:
    """The word for a role; a role that is not ours is shown as it came."""
    return ROLES.get(role or "", (role or "").replace("_", " ").capitalize())
