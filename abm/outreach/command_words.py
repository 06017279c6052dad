"""What commands print for people."""

from collections.abc import Mapping
from typing import Any

from abm.outreach.launch_check import LaunchCheck
from abm.outreach.reasons import explain_reason


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


def dry_run_words(found: Mapping[str, Any]) -> str:
    """A line per day with anything on it."""
    lines = [f"{found['campaign']}, launched on {found['from']}, for {found['days']} days: {found['goes']:,} would go, "
             f"{found['deferred']:,} deferred, {found['blocked']:,} blocked, {found['calls']:,} calls, "
             f"cost {found['cost']:,.2f}"]
    for row in found["by_day"]:
        reasons = ", ".join(f"{count:,} {explain_reason(reason).lower()}" for reason, count in row["reasons"].items())
        counts = f"{row['goes']:>7,} go  {row['deferred']:>7,} deferred  {row['blocked']:>7,} blocked"
        lines.append(f"  {row['day']}  {counts}  {row['calls']:>5,} calls  {row['cost']:>10,.2f}  {reasons}".rstrip())
    return "\n".join(lines)
