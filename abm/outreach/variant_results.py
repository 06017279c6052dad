"""The wordings of a step side by side: how many people got each, clicked themselves, replied, and what the
difference may be."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.definition import EmailStep, parse
from campaigns.experiments import Difference, Rate, Split, check_split, compare_rates
from campaigns.models import CampaignVersion, Delivery, Event, Run
from campaigns.states import states_of
from campaigns.tally import reach_messages

OWN = "own words"
_SENT = states_of("sent")
_COUNTED = ("click", "reply")


@dataclass(frozen=True, slots=True)
class Arm:
    """One wording. The differences are against the trial's first wording, None for that one itself."""

    name: str
    sent: int
    clicked: int
    replied: int
    clicks: Difference | None = None
    replies: Difference | None = None

    def as_json(self) -> dict[str, Any]:
        return {"variant": self.name, "sent": self.sent, "clicked": self.clicked, "replied": self.replied,
                "clicks_against_first": asdict(self.clicks) if self.clicks else None,
                "replies_against_first": asdict(self.replies) if self.replies else None}


@dataclass(frozen=True)
class Trial:
    """A step with its wordings, the step's own words first."""

    step: str
    arms: Sequence[Arm]
    split: Split | None

    def as_json(self) -> dict[str, Any]:
        split = self.split
        return {"step": self.step, "arms": [arm.as_json() for arm in self.arms],
                "split": {**asdict(split), "is_uneven": split.is_uneven} if split else None}


def list_trials(session: Session, campaign_id: int) -> list[Trial]:
    """Every step of which people got different wordings, in the order of the ids of the steps."""
    runs = select(Run.id).where(Run.campaign_id == campaign_id)
    sent = session.execute(
        select(Delivery.step, Delivery.version_id, Delivery.variant, func.count())
        .where(*reach_messages(session, campaign_id), Delivery.state.in_(_SENT), Delivery.channel == "email")
        .group_by(Delivery.step, Delivery.version_id, Delivery.variant)).all()
    steps = {step for step, _version, variant, _count in sent if variant is not None}
    if not steps:
        return []
    events = session.execute(
        select(Delivery.step, Delivery.variant, Event.kind, func.count(Event.delivery_id.distinct()))
        .join(Event, Event.delivery_id == Delivery.id)
        .where(Delivery.run_id.in_(runs), Delivery.state.in_(_SENT), Delivery.step.in_(steps),
               Event.is_machine.is_(False), Event.kind.in_(_COUNTED))
        .group_by(Delivery.step, Delivery.variant, Event.kind)).all()
    shares = _read_shares(session, {version for _step, version, _variant, _count in sent})
    counts: dict[str, dict[str, int]] = {step: defaultdict(int) for step in steps}
    expected: dict[str, dict[str, float]] = {step: defaultdict(float) for step in steps}
    for step, version, variant, count in sent:
        if step in steps:
            counts[step][variant or OWN] += count
            for name, share in shares.get((version, step), {}).items():
                expected[step][name] += count * share / 100
    acted = {(step, variant or OWN, kind): count for step, variant, kind, count in events}
    return [_trial(step, counts[step], expected[step], acted) for step in sorted(steps)]


def _read_shares(session: Session, versions: set[int]) -> dict[tuple[int, str], Mapping[str, float]]:
    """In percent, by version and step, the step's own words included."""
    found: dict[tuple[int, str], Mapping[str, float]] = {}
    for version in session.scalars(select(CampaignVersion).where(CampaignVersion.id.in_(versions))):
        for step in parse(version.definition).steps:
            if isinstance(step, EmailStep) and step.variants:
                named = {name: float(variant.share) for name, variant in step.variants.items()}
                found[version.id, step.id] = {OWN: 100 - sum(named.values()), **named}
    return found


def _trial(step: str, counts: Mapping[str, int], expected: Mapping[str, float],
           acted: Mapping[tuple[str, str, str], int]) -> Trial:
    names = sorted({*counts, *(name for name, mean in expected.items() if mean)}, key=lambda name: (name != OWN, name))
    plain = [Arm(name, counts.get(name, 0), acted.get((step, name, "click"), 0), acted.get((step, name, "reply"), 0))
             for name in names]
    first = plain[0]
    arms = [first, *(
        Arm(arm.name, arm.sent, arm.clicked, arm.replied,
            compare_rates(Rate(arm.sent, arm.clicked), Rate(first.sent, first.clicked)),
            compare_rates(Rate(arm.sent, arm.replied), Rate(first.sent, first.replied))) for arm in plain[1:])]
    return Trial(step, arms, check_split(counts, expected))
