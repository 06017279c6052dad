"""The account page's panel of its win-back case."""

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.offers.kinds import CAUSES
from abm.winback.queries import list_account_cases


def render_case(session: Session, account: Account) -> Markup:
    """The account's cases, the latest first; nothing when it never fell silent."""
    cases = list_account_cases(session, account.id)
    if not cases:
        return Markup("")
    return Markup(render_template("winback/_panel.html", cases=cases, causes=CAUSES))  # noqa: S704 — autoescaped


register_panel("Win-back", 12, render_case)
