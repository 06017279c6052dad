"""Versions of a scorecard: publish, roll back, compare."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.scorecards.actions import publish_scorecard, roll_back_scorecard
from abm.scorecards.definition import Definition
from abm.scorecards.models import Scorecard
from abm.scorecards.queries import (
    draft_of,
    find_published,
    get_scorecard,
    get_version,
    list_versions,
    names_of,
    stored_definition,
)
from abm.scorecards.trials import Comparison, compare_definitions
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import Refused

Answer = str | Response | tuple[str, int]
DRAFT = "draft"
MOST_MOVES, EXPORTED_MOVES = 25, 10_000


def add_to(pages: Blueprint) -> None:
    """Serve them under /scorecards/NAME."""
    pages.add_url_rule("/scorecards/<name>/versions", view_func=versions)
    pages.add_url_rule("/scorecards/<name>/publish", view_func=publish, methods=["POST"])
    pages.add_url_rule("/scorecards/<name>/roll-back", view_func=roll_back, methods=["POST"])
    pages.add_url_rule("/scorecards/<name>/compare", view_func=compare)
    exports(pages, "/scorecards/<name>/versions/export")(export_versions)
    exports(pages, "/scorecards/<name>/compare/export")(export_moves)


@requires(Permission.SEE)
def versions(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    return render_template("scorecards/versions.html", scorecard=scorecard, definition=draft_of(scorecard),
                           versions=list_versions(g.session, scorecard),
                           has_changes=_has_changes(scorecard))


def export_versions(name: str) -> Table:
    columns = ("number", "published_at", "published_by", "note")
    rows = [[getattr(one, column) for column in columns]
            for one in list_versions(g.session, get_scorecard(g.session, name))]
    return Table(f"{name}-versions", columns=columns, rows=rows)


def _has_changes(scorecard: Scorecard) -> bool:
    version = find_published(g.session, scorecard)
    return version is None or version.definition != scorecard.draft


@requires(Permission.ANALYSE)
def publish(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    note = request.form.get("note", "").replace("\x00", "").strip()
    try:
        version = publish_scorecard(g.session, scorecard=scorecard, note=note)
    except Refused as refused:
        flash(str(refused), "error")
        return redirect(url_for("scorecards.versions", name=name))
    when = "" if version.facts else "; the scores are being computed and follow in a moment"
    flash(f"Version {version.number} is in force{when}", "success")
    return redirect(url_for("scorecards.show", name=name))


@requires(Permission.ANALYSE)
def roll_back(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    try:
        version = roll_back_scorecard(g.session, scorecard=scorecard, number=request.form.get("to", 0, type=int))
    except Refused as refused:
        flash(str(refused), "error")
        return redirect(url_for("scorecards.versions", name=name))
    flash(f"Version {version.number} is in force again", "success")
    return redirect(url_for("scorecards.versions", name=name))


def _definition(scorecard: Scorecard, wanted: str) -> Definition:
    if wanted == DRAFT or not wanted.isdecimal():
        return draft_of(scorecard)
    return stored_definition(get_version(g.session, scorecard, int(wanted)).definition)


def _compared(scorecard: Scorecard, limit: int) -> tuple[str, str, Comparison]:
    """The two that the address names (else the published one and the draft), and who moves between them."""
    one = request.args.get("a") or str(scorecard.published_number or DRAFT)
    other = request.args.get("b") or DRAFT
    return one, other, compare_definitions(g.session, scorecard=scorecard, before=_definition(scorecard, one),
                                           after=_definition(scorecard, other), limit=limit)


def export_moves(name: str) -> Table:
    _one, _other, found = _compared(get_scorecard(g.session, name), EXPORTED_MOVES)
    names = names_of(g.session, [move.account_id for move in found.moves])
    rows = ((*reversed(names.get(move.account_id, ("", ""))), move.place_before or None, move.place_after or None)
            for move in found.moves)
    return Table(f"{name}-moves", columns=("account_id", "name", "place_before", "place_after"), rows=rows)


@requires(Permission.SEE)
def compare(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    one, other, found = _compared(scorecard, MOST_MOVES)
    before, after = _definition(scorecard, one), _definition(scorecard, other)
    choices = [(DRAFT, "Draft")] + [(str(each.number), f"Version {each.number}")
                                    for each in list_versions(g.session, scorecard)]
    return render_template(
        "scorecards/compare.html", scorecard=scorecard, found=found, choices=choices, one=one, other=other,
        names=names_of(g.session, [move.account_id for move in found.moves]), changes=_changes(before, after))


def _changes(before: Definition, after: Definition) -> list[tuple[str, str, str]]:
    """(criterion, before, after) where weight, source or scale differ, in words."""
    def say(definition: Definition, criterion_id: str) -> str:
        found = definition.criterion(criterion_id)
        if found is None:
            return "not asked"
        return f"weight {found.weight:g}, {found.by}, {found.scale}, {found.direction}"

    titles = {one.id: one.title for definition in (before, after) for one in definition.criteria}
    told = [(title, say(before, name), say(after, name)) for name, title in titles.items()]
    return [row for row in told if row[1] != row[2]]
