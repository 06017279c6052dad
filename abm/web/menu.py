"""The eight entries of the menu, which of them is lit, and the counts that ask for attention."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import g, request
from sqlalchemy.orm import Session

Count = Callable[[Session, int], int]


@dataclass(frozen=True)
class Entry:
    """One entry: `endpoint` is its page; `areas` are the blueprints it stays lit for."""

    title: str
    endpoint: str
    icon: str
    areas: tuple[str, ...]


MENU = (
    Entry("Today", "home.today", "home", ("home",)),
    Entry("Accounts", "accounts.index", "building",
          ("accounts", "plans", "dossier", "contacts", "orders", "catalogue", "imports", "identity",
           "engagement")),
    Entry("Lists", "targets.index", "list-details", ("targets",)),
    Entry("Analysis", "analysis.index", "chart-dots-3", ("analysis", "scorecards")),
    Entry("Campaigns", "outreach.index", "send", ("outreach", "outbox")),
    Entry("Coordination", "work.my_day", "users-group", ("work", "meetings", "partners", "materials")),
    Entry("Win-back", "winback.index", "arrow-back-up", ("winback", "offers")),
    Entry("Settings", "settings.index", "settings", ("settings", "users", "sending", "integrations")),
)

# What a partner's people see instead; each entry stays lit for its own page alone.
PARTNER_MENU = (
    Entry("My share", "portal.home", "home", ()),
    Entry("Accounts", "portal.accounts", "building", ()),
    Entry("Tasks", "portal.tasks", "list-check", ()),
    Entry("Orders", "portal.orders", "shopping-cart", ()),
)

_SETTINGS = "/settings"


def is_lit(entry: Entry) -> bool:
    """Whether the page shown belongs to the entry; settings do, whichever area they are of."""
    if request.path == _SETTINGS or request.path.startswith(f"{_SETTINGS}/"):
        return entry.endpoint == "settings.index"
    return request.blueprint in entry.areas


_COUNTS: dict[str, Count] = {}


def register_count(title: str, count: Count) -> None:
    """Show `count(session, user_id)` beside the menu entry with this title, above zero. Keep it one cheap query."""
    _COUNTS[title] = count


def attention() -> dict[str, int]:
    """Counts by entry title for the signed-in user."""
    return {title: count(g.session, g.user.id) for title, count in _COUNTS.items()}
