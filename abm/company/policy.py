"""The company's settings with their defaults, as plain values."""

from dataclasses import dataclass, field
from datetime import time


@dataclass(frozen=True)
class Company:
    """Every value has a default; `name` in company_setting overrides it."""

    name: str = "Our company"
    postal_address: str = ""
    timezone: str = "UTC"
    currency: str = "EUR"
    country: str = ""
    working_days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")
    working_from: time = time(9)
    working_to: time = time(17)
    account_points_7_days: int = 6
    account_points_30_days: int = 16
    account_points_by_tier: dict[str, list[int]] = field(default_factory=dict)
    person_touches_7_days: int = 2
    person_touches_30_days: int = 5
    lock_days_after_reply: int = 14
    channel_points: dict[str, int] = field(default_factory=lambda: {"email": 1, "call": 2, "letter": 1, "visit": 4,
                                                                          "webhook": 0})
    channel_costs: dict[str, str] = field(default_factory=lambda: {"email": "0.05", "call": "18", "letter": "2",
                                                                         "visit": "400", "webhook": "0"})
    # A call whose minutes were kept costs these instead of the price of a call.
    call_minute_cost: str = "1.50"
    # Hours a month that one account of a tier takes ("" stands for no tier), and the hours there are of each crew.
    hours_per_account: dict[str, dict[str, float]] = field(default_factory=lambda: {
        "1": {"sellers": 6, "callers": 1, "marketers": 3}, "2": {"sellers": 2, "callers": 0.5, "marketers": 1},
        "3": {"sellers": 0.5, "callers": 0.25, "marketers": 0.25},
        "": {"sellers": 0.25, "callers": 0.25, "marketers": 0.1}})
    available_hours: dict[str, float] = field(default_factory=dict)
    # By code of a country (or elsewhere, unrecognised) the lawful bases that are enough there; over the defaults of
    # `campaigns.country_rules`.
    country_bases: dict[str, list[str]] = field(default_factory=dict)
    reaches_free_mail: bool = False
    # Opens and clicks: sooner after the hand-over, or out of these networks, it was a program.
    machine_seconds: float = 5.0
    machine_networks: list[str] = field(default_factory=list)
    is_sending_paused: bool = False
    required_roles: dict[str, int] = field(
        default_factory=lambda: {"decision_maker": 1, "champion": 1, "influencer": 1, "user": 1})
    map_fresh_days: int = 180
    is_sending_strict: bool = False
    # Minutes of a meeting go to those who were there when it is closed.
    mails_minutes: bool = True
    # A campaign to more people than this needs two approvals; 0: one is always enough.
    second_approval_above: int = 0
    analysis_thresholds: dict[str, float] = field(default_factory=dict)
    restored_at: str = ""
    restored_from: str = ""

    def points_of_tier(self, tier: str | None) -> tuple[int, int]:
        """Most points of an account in 7 and in 30 days: its tier's own, else those for all; 0 is no limit."""
        week, month = self.account_points_by_tier.get(tier or "", (self.account_points_7_days,
                                                                   self.account_points_30_days))
        return week, month
