"""What commands print for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from abm.outreach.effect_rules import Effect, points
from abm.outreach.launch_check import LaunchCheck
from abm.outreach.reasons import explain_reason
from abm.outreach.variant_results import Trial


def check_words(found: LaunchCheck) -> str:
    """The sentence, why people are left out, and the findings, the refusing ones first."""
    lines = [found.sentence]
    lines += [f"  left out  {group.count:,}: {explain_reason(group.reason)}" for group in found.left_out]
    lines += [f"  {finding.level:<8}  {finding.sentence}" for finding in found.findings]
    return "\n".join(lines)


def status_words(found: Mapping[str, Any]) -> str:
    """The books on one line, then why, then what came back."""
    by_state = found["by_state"]
    books = " + ".join(f"{by_state[book]:,} {book}" for book in ("sent", "suppressed", "failed", "unknown", "queued"))
    lines = [f"{found['campaign']}: {found['state']}", f"  {found['planned']:,} planned = {books}; "
                                                        f"{found['held_out']:,} held out"]
    lines += [f"  {count:,} {explain_reason(reason).lower()}" for reason, count in found["reasons"].items()]
    names = ("replied", "clicked", "opened_human", "opened_machine", "bounced", "complained", "unsubscribed", "orders")
    lines.append("  " + ", ".join(f"{name.replace('_', ' ')} {found[name]:,}" for name in names))
    lines.append(f"  cost {found['cost']:,.2f}")
    return "\n".join(lines)


def books_words(found: Mapping[str, Any]) -> str:
    """The sum, then line by line; what each link brought, and what each contact, response and win cost."""
    books = " + ".join(f"{count:,} {book}" for book, count in found["books"].items())
    lines = [f"{found['campaign']}: {found['planned']:,} planned = {books}"
             + ("" if found["balanced"] else "  (they do NOT balance)")]
    lines += [f"  {line['book']:<10}  {line['messages']:>7,}  {line['state']}"
              + (f": {explain_reason(line['reason'])} ({line['reason']})" if line["reason"] else "")
              for line in found["lines"]]
    lines += [f"  link  {link['people']:>7,} people  {link['machines']:>7,} by machines  {link['url']}"
              for link in found["links"]]
    each = ((found["per_contact"], "contact"), (found["per_response"], "response"), (found["per_win"], "win"))
    lines.append(f"  cost {found['cost']:,.2f}" + "".join(
        f", {value:,.2f} per {what}" for value, what in each if value is not None))
    if "file" in found:
        lines.append(f"  {found['rows']:,} rows in {found['file']}")
    return "\n".join(lines)


def dry_run_words(found: Mapping[str, Any]) -> str:
    """A line per day with anything on it."""
    lines = [f"{found['campaign']}, launched on {found['from']}, for {found['days']} days: {found['goes']:,} would go, "
             f"{found['deferred']:,} deferred, {found['blocked']:,} blocked, {found['calls']:,} calls, "
             f"cost {found['cost']:,.2f}"]
    if found["finishes_at"]:
        at = found["finishes_at"][:16].replace("T", " ")
        lines.append(f"  the last touch would be made at {at} UTC, at the limits as they are")
    if found["calls_over"]:
        lines.append(f"  {found['calls_over']:,} calls more than callers can make ({found['calls_a_day']:,} a day)")
    for row in found["by_day"]:
        reasons = ", ".join(f"{count:,} {explain_reason(reason).lower()}" for reason, count in row["reasons"].items())
        counts = f"{row['goes']:>7,} go  {row['deferred']:>7,} deferred  {row['blocked']:>7,} blocked"
        lines.append(f"  {row['day']}  {counts}  {row['calls']:>5,} calls  {row['cost']:>10,.2f}  {reasons}".rstrip())
    lines += [f"  {row['day']}  {row['account']}: {row['step']} ({row['channel']}) {row['outcome']} {row['people']:,}"
              + (f", {explain_reason(row['reason']).lower()}" if row["reason"] else "")
              for row in found.get("accounts", ())]
    return "\n".join(lines)


def effect_words(found: Effect, trials: Sequence[Trial]) -> str:
    """The sentence, both groups, what is against trusting it, and each trial of wordings."""
    lines = [f"{found.campaign}: {found.sentence}"]
    for name, group in (("written to", found.treated), ("left alone", found.held_out)):
        lines.append(f"  {name}  {group.accounts:>7,} accounts  {group.ordered:>7,} ordered  "
                     f"{group.orders.total:>7,.0f} orders  {group.values.mean or 0:>12,.2f} each")
    extra, cost = found.incremental_orders, found.cost_per_incremental_order
    if extra.value is not None and extra.low is not None and extra.high is not None:
        each = f"{cost.value:,.2f} each" if cost.value is not None else "no cost per order can be said"
        lines.append(f"  {extra.value:,.1f} orders on top ({extra.low:,.1f} to {extra.high:,.1f}) for "
                     f"{found.cost:,.2f}: {each}")
    split = found.split
    if split:
        lines.append(f"  split {'UNEVEN' if split.is_uneven else 'as drawn'} (chi-squared {split.chi_squared:.2f}, "
                     f"p = {split.p_value:.3f})")
    lines += [f"  {name}: {one.any:,} heard from us otherwise ({one.by_campaigns:,} by other campaigns, "
              f"{one.by_hand:,} by hand)" for name, one in found.touched.items()]
    for trial in trials:
        lines.append(f"  step {trial.step}" + (" (split UNEVEN)" if trial.split and trial.split.is_uneven else ""))
        for arm in trial.arms:
            than = (f"  clicks {points(arm.clicks.value)} ({points(arm.clicks.low)} to {points(arm.clicks.high)})"
                    if arm.clicks else "")
            lines.append(f"    {arm.name:<12}  {arm.sent:>7,} sent  {arm.clicked:>6,} clicked  "
                         f"{arm.replied:>6,} replied{than}")
    return "\n".join(lines)
