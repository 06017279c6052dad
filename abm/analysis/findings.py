"""What the pictures of a run show, in words. Pure: from the run's stored totals and facts."""

from collections.abc import Mapping
from typing import Any

VALUE_WORDS = {"revenue": "sales", "margin": "margin", "orders": "orders", "units": "units"}
HARDLY_ANY_DROPOUT = 0.01


def concentration_finding(totals: Mapping[str, Any], facts: Mapping[str, Any], value_kind: str) -> str:
    """`18 of 89 accounts bring 60 % of sales`."""
    if totals["top20_share"] is None:
        return f"No account has {VALUE_WORDS[value_kind]}"
    share = f"{totals['top20_share'] * 100:.0f} %"
    return f"{facts['top20_count']:,} of {facts['ranked']:,} accounts bring {share} of {VALUE_WORDS[value_kind]}"


def rhythm_finding(totals: Mapping[str, Any]) -> str:
    """`8 of 86 accounts with a known rhythm have lapsed`."""
    known = sum(count for name, count in totals["rhythm"].items() if name != "unknown")
    if not known:
        return "No account has ordered on three days yet, so no rhythm is known"
    return f"{totals['rhythm']['lapsed']:,} of {known:,} accounts with a known rhythm have lapsed"


def steadiness_finding(totals: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """How steady demand is by the chosen period, and whether another one is proposed."""
    steady, ranked = totals["xyz"]["X"] + totals["xyz"]["Y"], sum(totals["xyz"].values())
    said = f"By {totals['period']}, {steady:,} of {ranked:,} accounts order steadily or variably (X or Y)"
    proposed = facts["proposed_period"]
    if proposed == totals["period"]:
        return said
    return f"{said}; the usual gap of {facts['median_gap_days']:.0f} days suggests to compare by {proposed}" if (
        facts["median_gap_days"] is not None) else said


def model_finding(totals: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    """Whether P(alive) can be believed here, in plain words."""
    if totals["bgnbd"]["r"] is None:
        return "Nobody has ordered on a second day, so there is nothing to learn about leaving; P(alive) stays empty"
    if not totals["bgnbd"]["identifiable"]:
        return ("The model does not fit these buyers: its estimates run to their bounds, as they do where accounts "
                "order nearly regularly. P(alive) stays empty and the accounts' own rhythm is used alone")
    dropout = facts["dropout_per_order"]
    if dropout < HARDLY_ANY_DROPOUT:
        return (f"The model fits but sees hardly anybody leaving ({dropout * 100:.2f} % after an order), so P(alive) "
                "says little; go by the accounts' own rhythm")
    return f"The model fits: on average {dropout * 100:.1f} % of customers leave after an order"
