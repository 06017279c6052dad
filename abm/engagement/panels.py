"""The account page's panel: points, people, qualification, and signs that the relation fades."""

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.engagement.queries import find_engagement, present_rules
from abm.engagement.rules import say_signs


def render_engagement(session: Session, account: Account) -> Markup:
    """Nothing for an account that never engaged and shows no sign."""
    found = find_engagement(session, account.id)
    if found is None:
        return Markup("")
    rules, _version = present_rules(session)
    signs = say_signs(rules["fading"])
    return Markup(render_template("engagement/_panel.html", account=account, found=found, signs=signs))  # noqa: S704 — rendered with autoescape


def add_to_account_pages() -> None:
    register_panel("Engagement", 16, render_engagement)
