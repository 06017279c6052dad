"""Scorecards in the browser: the list, the ranking with movable weights, versions, back-test."""

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy import Select
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.scorecards import back_test_pages, editor_pages, matrix_pages, panels, rating_pages, version_pages
from abm.scorecards.actions import set_weights, ship_scorecards
from abm.scorecards.computing import get_values
from abm.scorecards.definition import Definition
from abm.scorecards.forms import MOST_WEIGHT, parse_weights
from abm.scorecards.models import AccountScore, Scorecard
from abm.scorecards.queries import (
    draft_of,
    find_published,
    get_published,
    get_scorecard,
    list_scorecards,
    list_top,
    names_of,
    places_of,
    select_ranking,
)
from abm.scorecards.trials import top_lines
from abm.web.access import only_reads, requires
from abm.web.exports import Table, exports
from abm.web.keyset import Order, count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("scorecards", __name__)
Answer = str | Response | tuple[str, int]
SHOWN = 20
EXPORT_COLUMNS = ("place", "account_id", "name", "score", "coverage", "membership")
for part in (editor_pages, rating_pages, version_pages, matrix_pages, back_test_pages):
    part.add_to(pages)
panels.add_to_account_pages()


@pages.get("/scorecards")
@requires(Permission.SEE)
def index() -> Answer:
    rows = []
    for scorecard in list_scorecards(g.session):
        version = find_published(g.session, scorecard)
        top = list_top(g.session, version.id, limit=3) if version else []
        rows.append((scorecard, version, draft_of(scorecard), [account for _score, account in top]))
    return render_template("scorecards/index.html", rows=rows)


@pages.post("/scorecards/shipped")
@requires(Permission.ANALYSE)
def ship() -> Answer:
    made = ship_scorecards(g.session)
    flash(f"{len(made)} scorecards brought in" if made else "All of them are there already", "success")
    return redirect(url_for("scorecards.index"))


@pages.get("/scorecards/<name>")
@requires(Permission.SEE)
def show(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    return _page(scorecard, draft_of(scorecard), {})


def _page(scorecard: Scorecard, definition: Definition, errors: dict[str, str]) -> str:
    version = find_published(g.session, scorecard)
    has_changes = version is None or version.definition != scorecard.draft
    return render_template("scorecards/show.html", scorecard=scorecard, version=version, definition=definition,
                           errors=errors, has_changes=has_changes, most=MOST_WEIGHT,
                           **ranking_parts(scorecard, definition))


def ranking_parts(scorecard: Scorecard, definition: Definition) -> dict[str, Any]:
    """The first of the ranking by a definition, with the published rank of each beside."""
    values = get_values(g.session, scorecard_id=scorecard.id, definition=definition)
    lines, ranked = top_lines(values, definition, limit=SHOWN)
    ids = [line.account_id for line in lines]
    version = find_published(g.session, scorecard)
    return {"lines": lines, "ranked": ranked, "accounts": len(values.account_ids), "names": names_of(g.session, ids),
            "was": places_of(g.session, version.id, ids) if version else {}, "published": version}


@pages.post("/scorecards/<name>/preview")
@requires(Permission.SEE)
@only_reads
def preview(name: str) -> Answer:
    """The ranking with the weights of the sliders; nothing is kept."""
    scorecard = get_scorecard(g.session, name)
    draft = draft_of(scorecard)
    definition = draft.with_weights(parse_weights(request.form, draft))
    return render_template("scorecards/_ranking.html", scorecard=scorecard, definition=definition,
                           is_changed=definition != draft, **ranking_parts(scorecard, definition))


@pages.post("/scorecards/<name>/weights")
@requires(Permission.ANALYSE)
def save_weights(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    draft = draft_of(scorecard)
    weights = parse_weights(request.form, draft)
    try:
        set_weights(g.session, scorecard=scorecard, weights=weights)
    except InvalidInput as error:
        return _page(scorecard, draft.with_weights(weights), error.fields), 422
    flash("The weights are kept as a draft; they score once the draft is published", "success")
    return redirect(url_for("scorecards.show", name=name))


def _wanted() -> str:
    return request.args.get("q", "").replace("\x00", "").strip()[:200]


def _matching(version_id: int) -> Select[*tuple[Any, ...]]:
    """The ranking of accounts whose name has what is searched for; unsorted."""
    query, text = select_ranking(version_id), _wanted()
    return query.where(Account.name.icontains(text, autoescape=True)) if text else query


@pages.get("/scorecards/<name>/accounts")
@requires(Permission.SEE)
def accounts(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    version = get_published(g.session, scorecard)
    query, text = _matching(version.id), _wanted()
    kept = {"name": name, "q": text}
    order = Order(AccountScore.place, AccountScore.account_id)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    return render_template("scorecards/accounts.html", scorecard=scorecard, version=version, page=page, kept=kept,
                           text=text, count=count_text(g.session, query, "account", "accounts"))


@exports(pages, "/scorecards/<name>/export")
def export(name: str) -> Table:
    version = get_published(g.session, get_scorecard(g.session, name))
    query = _matching(version.id).order_by(AccountScore.place.is_(None), AccountScore.place, AccountScore.account_id)
    return Table(name, columns=EXPORT_COLUMNS, rows=_exported(query))


def _exported(query: Select[*tuple[Any, ...]]) -> Iterator[Sequence[Any]]:
    for score, account in g.session.execute(query, execution_options={"yield_per": 5_000}):
        yield (score.place, account.external_id, account.name, score.score, score.coverage, score.membership)


@exports(pages, "/scorecards/export")
def export_list() -> Table:
    rows = ((one.name, one.title, one.family, one.published_number, one.computed_at)
            for one in list_scorecards(g.session))
    return Table("scorecards", columns=("scorecard", "title", "family", "version", "computed_at"), rows=rows)
