"""A score opened into its arithmetic, and the form in which people rate."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.queries import get_account
from abm.scorecards.actions import Rating, compute_soon, rate_account
from abm.scorecards.computing import get_values
from abm.scorecards.definition import Definition
from abm.scorecards.explaining import explain_score, say_scale
from abm.scorecards.models import Scorecard
from abm.scorecards.queries import (
    draft_of,
    find_published,
    get_scorecard,
    list_account_scores,
    list_ratings,
    stored_definition,
)
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import InvalidInput

Answer = str | Response | tuple[str, int]


def add_to(pages: Blueprint) -> None:
    """Serve the drawer and the form under /scorecards/NAME."""
    pages.add_url_rule("/scorecards/<name>/why/<int:account_id>", view_func=why)
    pages.add_url_rule("/scorecards/<name>/rate/<int:account_id>", view_func=rate)
    pages.add_url_rule("/scorecards/<name>/rate/<int:account_id>", view_func=save_ratings, methods=["POST"])


def _in_force(scorecard: Scorecard) -> Definition:
    version = find_published(g.session, scorecard)
    return stored_definition(version.definition) if version else draft_of(scorecard)


@requires(Permission.SEE)
def why(name: str, account_id: int) -> str:
    scorecard, account = get_scorecard(g.session, name), get_account(g.session, account_id)
    version = find_published(g.session, scorecard)
    definition = _in_force(scorecard)
    values = get_values(g.session, scorecard_id=scorecard.id, definition=definition)
    found = explain_score(g.session, scorecard=scorecard, definition=definition, values=values, account_id=account_id)
    stored = list_account_scores(g.session, account_id).get(version.id) if version else None
    return render_template("scorecards/why.html", scorecard=scorecard, account=account, version=version, found=found,
                           stored=stored, say_scale=say_scale, facts=(version.facts if version else None) or {})


@requires(Permission.EDIT_ACCOUNTS)
def rate(name: str, account_id: int) -> Answer:
    scorecard = get_scorecard(g.session, name)
    return _form(scorecard, account_id, {}, {})


def _form(scorecard: Scorecard, account_id: int, typed: Any, errors: Any) -> str:
    account = get_account(g.session, account_id)
    criteria = [one for one in draft_of(scorecard).criteria if one.is_by_hand]
    ratings = list_ratings(g.session, scorecard_id=scorecard.id, account_id=account_id)
    return render_template("scorecards/rate.html", scorecard=scorecard, account=account, criteria=criteria,
                           ratings=ratings, typed=typed, errors=errors)


@requires(Permission.EDIT_ACCOUNTS)
def save_ratings(name: str, account_id: int) -> Answer:
    scorecard = get_scorecard(g.session, name)
    try:
        ratings = {one.id: _read_rating(one.id) for one in draft_of(scorecard).criteria if one.is_by_hand}
        rate_account(g.session, scorecard=scorecard, account_id=account_id, ratings=ratings)
    except InvalidInput as error:
        return _form(scorecard, account_id, request.form, error.fields), 422
    compute_soon(g.session, scorecard)
    flash("Kept, with your name and the day", "success")
    return redirect(url_for("accounts.show", account_id=account_id, part="scores"))


def _read_rating(criterion_id: str) -> Rating:
    chosen = request.form.get(f"points-{criterion_id}", "").strip()
    evidence = request.form.get(f"evidence-{criterion_id}", "").replace("\x00", "").strip()[:2000]
    try:
        return Rating(float(chosen) if chosen else None, evidence)
    except ValueError:
        raise InvalidInput("Please look at the marked fields", {criterion_id: "Choose one of the levels."}) from None
