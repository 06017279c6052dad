"""What the pictures of a run show, in words. Pure: from the run's stored totals and facts."""

from collections.abc import Mapping
from typing import Any

from abm.analysis.results import MANY
from abm.analysis.shares import gain_of, share_of, whole_of

VALUE_WORDS = {"revenue": "sales", "margin": "margin", "orders": "orders", "units": "units"}
HARDLY_ANY_DROPOUT = 0.01
NOTEWORTHY = 0.02
Totals = Mapping[str, Any]


def say_findings(totals: Totals, facts: Totals, value_kind: str, factor: str) -> dict[str, str]:
    """The title of every picture by its name."""
    many, word = MANY[factor], VALUE_WORDS[value_kind]
    return {
        "concentration": concentration_finding(totals, facts, word, many), "rhythm": rhythm_finding(totals, many),
        "steadiness": steadiness_finding(totals, facts, many), "model": model_finding(totals, facts),
        "spend": spend_finding(facts, value_kind), "season": season_finding(facts, many),
        "segments": segment_finding(totals, facts, word, many), "portfolio": portfolio_finding(facts, word, many),
        "over_time": over_time_finding(facts, totals, many),
    }


def concentration_finding(totals: Totals, facts: Totals, word: str, many: str) -> str:
    """`18 of 89 accounts bring 60 % of sales`."""
    if totals["top20_share"] is None:
        return f"No {many.removesuffix('s')} has {word}"
    share = f"{totals['top20_share'] * 100:.0f} %"
    return f"{facts['top20_count']:,} of {facts['ranked']:,} {many} bring {share} of {word}"


def rhythm_finding(totals: Totals, many: str) -> str:
    """`8 of 86 accounts with a known rhythm have lapsed`."""
    known = sum(count for name, count in totals["rhythm"].items() if name != "unknown")
    if not known:
        return f"No {many.removesuffix('s')} has been ordered often enough yet, so no rhythm is known"
    return f"{totals['rhythm']['lapsed']:,} of {known:,} {many} with a known rhythm have lapsed"


def season_finding(facts: Totals, many: str) -> str:
    """How many lapses may be no more than a season; empty where the run does not say."""
    seasonal = facts.get("seasonal")
    if not seasonal:
        return ""
    lapsed, slowing = seasonal["lapsed"], seasonal["slowing"]
    if not lapsed and not slowing:
        return "None of the silent ones paused at this time of the year in every earlier year"
    who = f"{lapsed:,} lapsed and {slowing:,} slowing {many}"
    return f"{who} paused at this time in every earlier year: perhaps a season"


def steadiness_finding(totals: Totals, facts: Totals, many: str) -> str:
    """How steady demand is by the chosen period, and whether another one is proposed."""
    steady, ranked = totals["xyz"]["X"] + totals["xyz"]["Y"], sum(totals["xyz"].values())
    said = f"By {totals['period']}, {steady:,} of {ranked:,} {many} order steadily or variably (X or Y)"
    proposed = facts["proposed_period"]
    if proposed == totals["period"] or facts["median_gap_days"] is None:
        return said
    return f"{said}; the usual gap of {facts['median_gap_days']:.0f} days suggests to compare by {proposed}"


def segment_finding(totals: Totals, facts: Totals, word: str, many: str) -> str:
    """`15 champions bring 42 % of sales; 9 are at risk or cannot be lost`."""
    groups = facts.get("segments", {})
    best, worry = groups.get("champions"), [groups[one] for one in ("at_risk", "cannot_lose") if one in groups]
    said = []
    share = share_of(best, whole_of(totals, facts).value) if best else None
    if best and share is not None:
        said.append(f"{best['accounts']:,} champions bring {share * 100:.0f} % of {word}")
    if worry:
        said.append(f"{sum(one['accounts'] for one in worry):,} {many} worth having are silent (at risk, cannot lose)")
    return "; ".join(said) or f"The {many} by recency, frequency and value"


def portfolio_finding(facts: Totals, word: str, many: str) -> str:
    """`3 stars bring 21 % of the last year's sales`, and how many cows and question marks stand beside."""
    groups = facts.get("quadrants", {})
    total = sum(gain_of(group) for group in groups.values())
    if not total:
        return f"There is no {word} in the last year to compare"
    parts = []
    for name, singular, plural in (("star", "star brings", "stars bring"), ("cash_cow", "cash cow", "cash cows"),
                                   ("question_mark", "question mark", "question marks")):
        group = groups.get(name)
        if group:
            words = singular if group["accounts"] == 1 else plural
            share = f"{gain_of(group) / total * 100:.0f} %"
            parts.append(f"{group['accounts']:,} {words} {share}")
    return (", ".join(parts) + f" of the last year's {word}") if parts else f"None of the {many} is large or growing"


def over_time_finding(facts: Totals, totals: Totals, many: str) -> str:
    """Whether the top part's share rises or falls: the mean of the last four full periods against the four before."""
    points = [point["top_share"] for point in facts.get("by_period", ())[:-1] if point["top_share"] is not None]
    if len(points) < 4:
        return "Too few full periods to say whether sales concentrate"
    half = min(4, len(points) // 2)
    now, before = sum(points[-half:]) / half, sum(points[-2 * half:-half]) / half
    verb = "rose" if now - before > NOTEWORTHY else "fell" if before - now > NOTEWORTHY else "hardly changed"
    figures = f"from {before * 100:.0f} % to {now * 100:.0f} %" if verb != "hardly changed" else f"at {now * 100:.0f} %"
    return f"The share of the top part of the {many} in a {totals['period']} {verb} {figures}"


def model_finding(totals: Totals, facts: Totals) -> str:
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


def spend_finding(facts: Totals, value_kind: str) -> str:
    """Whether the value of the next year can be believed here."""
    spend = facts.get("spend")
    if value_kind == "orders":
        return "Ranked by orders, there is no value of an order day to model"
    if not spend:
        return "Fewer than three accounts have ordered again, so the value of an order day is not modelled"
    if not spend["is_identifiable"]:
        return "The model of spending does not fit, so no value of the next year is given"
    related = spend["correlation"]
    if not spend["is_used"]:
        shown = "cannot be told" if related is None else f"is {related:.2f}"
        return (f"Frequency and value hang together (their correlation {shown}), which the model of spending does not "
                "allow; no value of the next year is given")
    return f"The model of spending fits: frequency and value are nearly unrelated (correlation {related:.2f})"
