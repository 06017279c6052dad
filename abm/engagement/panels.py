"""The account page's panel: points, people, qualification, and signs that the relation fades."""

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.engagement.queries import find_engagement

SIGNS = {
    "contact": "we contact them at most half as often as in the 90 days before",
    "response": "they answer at most half as often as in the 90 days before",
    "gaps": "their last three gaps between orders are at least 1.5 times the usual one",
}


def render_engagement(session: Session, account: Account) -> Markup:
    """Nothing for an account that never engaged and shows no sign."""
    found = find_engagement(session, account.id)
    if found is None:
        return Markup("")
    return Markup(render_template("engagement/_panel.html", account=account, found=found, signs=SIGNS))  # noqa: S704 — rendered with autoescape


def add_to_account_pages() -> None:
    register_panel("Engagement", 16, render_engagement)
