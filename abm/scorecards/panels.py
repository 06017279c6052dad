"""The account page's panel of scores."""

from flask import render_template
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.scorecards.queries import list_account_scores, list_published, stored_definition


def add_to_account_pages() -> None:
    """Register the panel; a repeat changes nothing."""
    register_panel("Scores", 20, render_scores, part="scores")


def render_scores(session: Session, account: Account) -> str:
    """Every published score with its coverage and rank; nothing where there is no scorecard."""
    published = list_published(session)
    if not published:
        return ""
    scores = list_account_scores(session, account.id)
    rows = [(scorecard, version, scores.get(version.id), stored_definition(version.definition))
            for scorecard, version in published]
    return render_template("scorecards/_panel.html", account=account, rows=rows)
