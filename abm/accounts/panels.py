"""Panels of the account page, contributed by higher areas: a line each.

    register_panel("Tasks", 40, render_tasks)                     on the overview
    register_panel("Orders", 30, render_orders, part="orders")    on a tab of its own
    register_headline("Class", 10, read_class)                    a figure above the tabs

`render(session, account)` answers a rendered template (a card), or an empty text where there is nothing to show.
`read(session, account)` answers a Headline, or None. Only the panels of the tab that is open are asked.
"""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy.orm import Session

from abm.accounts.models import Account

Render = Callable[[Session, Account], str]

PARTS = {
    "overview": "Overview",
    "people": "People",
    "orders": "Orders",
    "scores": "Scores",
    "dossier": "Dossier",
    "outreach": "Outreach",
    "timeline": "Timeline",
}


@dataclass(frozen=True)
class Panel:
    title: str
    order: int
    render: Render
    part: str


@dataclass(frozen=True)
class Headline:
    """A figure that stands above the tabs. `href` opens its arithmetic: a drawer, unless it `is_page`."""

    value: str | Markup
    href: str = ""
    note: str | Markup = ""
    is_page: bool = False


Read = Callable[[Session, Account], Headline | None]

_PANELS: dict[str, Panel] = {}
_HEADLINES: dict[str, tuple[int, Read]] = {}


def register_panel(title: str, order: int, render: Render, *, part: str = "overview") -> None:
    """Show `render(session, account)` on the tab `part` of every account page, by `order`. A repeat with the same title
    replaces the panel."""
    if part not in PARTS:
        raise ValueError(f"{part} is no part of the account page; there are {', '.join(PARTS)}")
    _PANELS[title] = Panel(title, order, render, part)


def register_headline(title: str, order: int, read: Read) -> None:
    """Show a figure above the tabs of every account page, by `order`."""
    _HEADLINES[title] = (order, read)


def render_panels(session: Session, account: Account, part: str = "overview") -> list[Markup]:
    """The panels of a tab in their order; empty ones are left out."""
    ordered = sorted((panel for panel in _PANELS.values() if panel.part == part),
                     key=lambda panel: (panel.order, panel.title))
    shown = (panel.render(session, account) for panel in ordered)
    return [Markup(text) for text in shown if text]  # noqa: S704 - rendered templates, escaped by Jinja


def read_headlines(session: Session, account: Account) -> list[tuple[str, Headline]]:
    """The figures above the tabs in their order; those without a value are left out."""
    ordered = sorted(_HEADLINES.items(), key=lambda item: (item[1][0], item[0]))
    read = ((title, reader(session, account)) for title, (_order, reader) in ordered)
    return [(title, headline) for title, headline in read if headline is not None]


def used_parts() -> dict[str, str]:
    """The tabs that have something registered, the overview and the timeline always."""
    used = {panel.part for panel in _PANELS.values()} | {"overview", "timeline"}
    return {name: word for name, word in PARTS.items() if name in used}
