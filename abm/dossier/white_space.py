"""White space: which categories an account and its sites do not buy that their peers do. Pure arithmetic over sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

GAP_FROM = 0.3


@dataclass(frozen=True)
class Peers:
    """Who is compared with: `count` accounts, in words, and where the comparison had to be wider than the segment."""

    ids: Sequence[int]
    words: str
    is_fallback: bool

    @property
    def count(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class CategoryRow:
    """One category: what each site bought, how many peers buy it, and what those who do spend."""

    category: str
    by_site: Mapping[int, float]
    buying_peers: int
    peers: int
    mean: float
    median: float

    @property
    def share(self) -> float:
        return self.buying_peers / self.peers if self.peers else 0.0

    @property
    def total(self) -> float:
        return sum(self.by_site.values())

    def is_gap(self, site_id: int) -> bool:
        """Nothing bought here while at least three in ten peers buy."""
        return self.share >= GAP_FROM and self.by_site.get(site_id, 0.0) <= 0

    @property
    def is_gap_everywhere(self) -> bool:
        return self.share >= GAP_FROM and self.total <= 0

    @property
    def worth(self) -> float:
        """What a gap may be worth: the share of peers that buy × what a buying peer spends at the median."""
        return self.share * self.median


def category_rows(sums: Mapping[tuple[int, str], float], *, sites: Sequence[int],
                  peers: Sequence[int]) -> list[CategoryRow]:
    """A row per category from sums by (account, category): gaps of the whole family first, by worth, then by value."""
    own, others = set(sites), set(peers)
    by_category: dict[str, dict[int, float]] = {}
    for (account_id, category), value in sums.items():
        if value > 0:
            by_category.setdefault(category, {})[account_id] = value
    rows = [_row(category, found, own, others) for category, found in by_category.items()]
    return sorted(rows, key=lambda row: (not row.is_gap_everywhere, -row.worth if row.is_gap_everywhere else 0.0,
                                         -row.total, row.category))


def _row(category: str, found: Mapping[int, float], own: set[int], others: set[int]) -> CategoryRow:
    spent = [value for account_id, value in found.items() if account_id in others]
    return CategoryRow(category, {account_id: value for account_id, value in found.items() if account_id in own},
                       len(spent), len(others), fmean(spent) if spent else 0.0, median(spent) if spent else 0.0)
