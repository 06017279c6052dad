"""Hours that a list takes of sellers, callers and marketers, by tier, against the hours there are in a month."""

from collections.abc import Mapping
from dataclasses import dataclass

CREWS = ("sellers", "callers", "marketers")
Hours = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TierLine:
    """`tier` is empty for accounts without one; `hours` by crew."""

    tier: str
    accounts: int
    hours: Hours

    @property
    def label(self) -> str:
        return f"Tier {self.tier}" if self.tier else "Without tier"


@dataclass(frozen=True, slots=True)
class Capacity:
    """`available` lacks a crew whose hours nobody has set."""

    lines: tuple[TierLine, ...]
    needed: Hours
    available: Hours

    @property
    def is_known(self) -> bool:
        return bool(self.available)

    @property
    def short(self) -> dict[str, float]:
        """Hours that are missing, by crew."""
        return {crew: self.needed[crew] - hours for crew, hours in self.available.items() if self.needed[crew] > hours}

    @property
    def sentence(self) -> str:
        """`Takes 412 h of sellers (320 h there), 60 h of callers, 75 h of marketers a month.`"""
        parts = [f"{self.needed[crew]:,.0f} h of {crew}" + (f" ({self.available[crew]:,.0f} h there)"
                                                            if crew in self.available else "") for crew in CREWS]
        return f"Takes {', '.join(parts)} a month."

    def to_json(self) -> dict[str, object]:
        return {"tiers": [{"tier": line.tier, "accounts": line.accounts, "hours": dict(line.hours)}
                          for line in self.lines],
                "needed": dict(self.needed), "available": dict(self.available), "short": self.short}


def reckon(accounts_by_tier: Mapping[str, int], hours_per_account: Mapping[str, Hours], available: Hours) -> Capacity:
    """Accounts × hours an account of the tier takes in a month. A tier without hours of its own takes those of ''."""
    lines = []
    for tier in sorted(accounts_by_tier, key=lambda each: (each == "", each)):
        each = hours_per_account.get(tier, hours_per_account.get("", {}))
        count = accounts_by_tier[tier]
        lines.append(TierLine(tier, count, {crew: count * float(each.get(crew, 0)) for crew in CREWS}))
    needed = {crew: sum(line.hours[crew] for line in lines) for crew in CREWS}
    return Capacity(tuple(lines), needed, {crew: float(hours) for crew, hours in available.items() if crew in CREWS})
