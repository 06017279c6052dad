"""Panels of the account page, contributed by higher areas: a line each.

    register_panel("Tasks", 40, render_tasks)

`render(session, account)` answers a rendered template (a card), or an empty text where there is nothing to show.
"""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup
from sqlalchemy.orm import Session

from abm.accounts.models import Account

Render = Callable[[Session, Account], str]


@dataclass(frozen=True)
class Panel:
    title: str
    order: int
    render: Render


_PANELS: dict[str, Panel] = {}


def register_panel(title: str, order: int, render: Render) -> None:
    """Show `render(session, account)` on every account page, by `order` (the people stand at 20, orders at 30, the
    timeline is always last). A repeat with the same title replaces the panel."""
    _PANELS[title] = Panel(title, order, render)


def render_panels(session: Session, account: Account) -> list[Markup]:
    """The panels in their order; empty ones are left out."""
    ordered = sorted(_PANELS.values(), key=lambda panel: (panel.order, panel.title))
    shown = (panel.render(session, account) for panel in ordered)
    return [Markup(part) for part in shown if part]  # noqa: S704 - rendered templates, escaped by Jinja
