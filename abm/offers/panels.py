"""The account page's panel of offers given to it."""

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.offers.queries import list_account_grants


def render_offers(session: Session, account: Account) -> Markup:
    """What the account was promised, with its codes; nothing when it was promised nothing."""
    grants = list_account_grants(session, account.id)
    if not grants:
        return Markup("")
    return Markup(render_template("offers/_panel.html", grants=grants))  # noqa: S704 — rendered with autoescape


register_panel("Offers", 34, render_offers, part="outreach")
