"""What a campaign brought, reckoned from two groups of accounts: written to, and left alone by lot. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from campaigns.experiments import Amounts, Difference, Rate, Split, check_split, compare_amounts, compare_rates

TREATED, HELD_OUT = "written to", "left alone"
NOTHING = Amounts(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts as they were drawn (an account with its sites is one), what they ordered since their first send.

    `members`: the single accounts in them. `orders` and `values` are per drawn account.
    """

    accounts: int = 0
    members: int = 0
    ordered: int = 0
    orders: Amounts = NOTHING
    values: Amounts = NOTHING

    @property
    def rate(self) -> Rate:
        return Rate(self.accounts, self.ordered)

    def as_json(self) -> dict[str, Any]:
        return {"accounts": self.accounts, "single_accounts": self.members, "ordered": self.ordered,
                "ordering_rate": self.rate.share, "orders": int(self.orders.total),
                "orders_per_account": self.orders.mean, "value": self.values.total,
                "value_per_account": self.values.mean}


@dataclass(frozen=True, slots=True)
class Contamination:
    """Accounts of one group that heard from us otherwise since their first send, by whom; `any` counts each once."""

    by_campaigns: int = 0
    by_hand: int = 0
    any: int = 0


@dataclass(frozen=True, slots=True)
class Range:
    """A number with its ends; None where it cannot be said or has no end."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Effect:
    """`mixed`: accounts that are in both groups, because they were merged or moved under another; in no comparison."""

    campaign: str
    holdout_percent: int
    is_running: bool
    treated: Group
    held_out: Group
    mixed: int
    touched: Mapping[str, Contamination]
    cost: float
    days: int | None = None

    @property
    def is_measurable(self) -> bool:
        return bool(self.treated.accounts and self.held_out.accounts)

    @property
    def rate(self) -> Difference | None:
        return compare_rates(self.treated.rate, self.held_out.rate)

    @property
    def value(self) -> Difference | None:
        return compare_amounts(self.treated.values, self.held_out.values)

    @property
    def orders(self) -> Difference | None:
        return compare_amounts(self.treated.orders, self.held_out.orders)

    @property
    def split(self) -> Split | None:
        return check_split({TREATED: self.treated.accounts, HELD_OUT: self.held_out.accounts},
                           {TREATED: 100 - self.holdout_percent, HELD_OUT: self.holdout_percent})

    @property
    def incremental_orders(self) -> Range:
        """Orders that would not have come without the campaign: the difference per account × accounts written to."""
        found, many = self.orders, self.treated.accounts
        return Range(found.value * many, found.low * many, found.high * many) if found else Range(None, None, None)

    @property
    def cost_per_incremental_order(self) -> Range:
        """Cost / incremental orders; no value where there were none, no upper end where there may have been none."""
        orders = self.incremental_orders
        return Range(*(self.cost / count if count is not None and count > 0 else None
                       for count in (orders.value, orders.high, orders.low)))

    @property
    def sentence(self) -> str:
        """What can be said in words: the rates, the interval, and that it is no verdict."""
        found = self.rate
        if found is None:
            return _WHY_NOT[bool(self.holdout_percent)]
        rates = (f"{self.treated.ordered / self.treated.accounts:.1%} of the accounts written to ordered, and "
                 f"{self.held_out.ordered / self.held_out.accounts:.1%} of those left alone: {points(found.value)}.")
        doubt = ("No effect at all is among them, so these data do not tell." if found.includes_none
                 else f"All of them are {'above' if found.low > 0 else 'below'} none.")
        return (f"{rates} Effects from {points(found.low)} to {points(found.high)} fit these data: an interval (95 %), "
                f"not a verdict. {doubt}")

    def as_json(self) -> dict[str, Any]:
        """What `effect --json` answers."""
        split = self.split
        return {
            "campaign": self.campaign, "measurable": self.is_measurable, "running": self.is_running,
            "holdout_percent": self.holdout_percent, "days": self.days, "sentence": self.sentence,
            "treated": self.treated.as_json(), "held_out": self.held_out.as_json(), "in_both": self.mixed,
            "differences": {name: asdict(found) if found else None for name, found in (
                ("ordering_rate", self.rate), ("orders_per_account", self.orders), ("value_per_account", self.value))},
            "split": {**asdict(split), "is_uneven": split.is_uneven} if split else None,
            "contamination": {name.replace(" ", "_"): asdict(found) for name, found in self.touched.items()},
            "cost": self.cost, "incremental_orders": asdict(self.incremental_orders),
            "cost_per_incremental_order": asdict(self.cost_per_incremental_order),
        }


_WHY_NOT = {
    False: "Nobody was left alone, so nothing tells what would have been ordered anyway.",
    True: "The effect can be told once accounts were written to and others were left alone at the same time.",
}


def points(share: float) -> str:
    """`+2.5 points`: a difference of two shares in percentage points."""
    rounded = round(100 * share, 1) + 0.0
    return f"{rounded:+.1f} points".replace("-", "−")
