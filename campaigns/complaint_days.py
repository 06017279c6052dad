"""Complaints against messages, by sender's domain and day: what the large mailbox providers judge a sender by.

They want the share below 0.1 % on every day and never 0.3 % or more. From 0.1 % on people are warned where they look;
at 0.3 % of a run `campaigns.error_rates` pauses it. A message counts on the day (UTC) on which it was sent.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from campaigns.error_rates import MOST_COMPLAINED
from campaigns.models import CampaignVersion, Delivery, Run
from campaigns.states import Channel, DeliveryState
from core import clock

WARNS_FROM = 0.001
_DAYS, _MOST = 7, 10_000


@dataclass(frozen=True, slots=True)
class ComplaintDay:
    """A day on which at least 0.1 % of a sender's recipients complained."""

    domain: str
    day: date
    sent: int
    complained: int

    @property
    def is_grave(self) -> bool:
        """At 0.3 %: providers refuse such a sender's mail for weeks."""
        return self.complained >= self.sent * MOST_COMPLAINED

    @property
    def sentence(self) -> str:
        share = self.complained / max(self.sent, 1)
        return (f"{self.domain}: {self.complained:,} of {self.sent:,} recipients of {self.day.isoformat()} complained "
                f"({share:.2%}; providers want less than {WARNS_FROM:.1%} on every day, never {MOST_COMPLAINED:.1%})")


def list_complaint_days(session: Session, *, domain: str = "") -> list[ComplaintDay]:
    """The days of the last week with too many complaints, the newest first. Reads little where nobody complained."""
    since = datetime.combine(clock.now().date() - timedelta(days=_DAYS - 1), time(), UTC)
    sender = func.lower(CampaignVersion.definition["sender"]["email"].as_string())
    rows = session.execute(
        select(sender, Delivery.sent_at).join(Run, Run.id == Delivery.run_id)
        .join(CampaignVersion, CampaignVersion.id == Run.version_id)
        .where(text("delivery.is_in_trouble"), Delivery.state == DeliveryState.COMPLAINED,
               Delivery.channel == Channel.EMAIL, Delivery.sent_at >= since)
        .limit(_MOST))
    counts: dict[tuple[date, str], int] = defaultdict(int)
    for address, sent_at in rows:
        counts[sent_at.date(), _domain_of(address)] += 1
    runs = _runs_by_domain(session) if counts else {}
    found = (ComplaintDay(name, day, _count_sent(session, runs.get(name, ()), day, complained), complained)
             for (day, name), complained in counts.items() if not domain or name == domain)
    return sorted((one for one in found if one.complained >= one.sent * WARNS_FROM),
                  key=lambda one: (one.day, one.domain), reverse=True)


def _domain_of(address: str | None) -> str:
    return (address or "").rpartition("@")[2].strip().lower()


def _runs_by_domain(session: Session) -> dict[str, list[int]]:
    sender = CampaignVersion.definition["sender"]["email"].as_string()
    found: dict[str, list[int]] = defaultdict(list)
    for run_id, address in session.execute(select(Run.id, sender).join(CampaignVersion,
                                                                       CampaignVersion.id == Run.version_id)):
        found[_domain_of(address)].append(run_id)
    return found


def _count_sent(session: Session, run_ids: Sequence[int], day: date, complained: int) -> int:
    """How many were sent on the day; counting ends where the share can only be a low one."""
    begin = datetime.combine(day, time(), UTC)
    some = (select(Delivery.id).where(Delivery.run_id.in_(run_ids), Delivery.channel == Channel.EMAIL,
                                      Delivery.sent_at >= begin, Delivery.sent_at < begin + timedelta(days=1))
            .limit(int(complained / WARNS_FROM) + 1))
    return session.scalar(select(func.count()).select_from(some.subquery())) or 0
