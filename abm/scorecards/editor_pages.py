"""Changing what a scorecard asks: its words and thresholds, its criteria, the same as YAML."""

from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answered

from abm.scorecards.actions import apply_scorecard
from abm.scorecards.computing import compute_values, find_values, keep_snapshot
from abm.scorecards.definition import BY_HAND, FAMILIES, Definition
from abm.scorecards.files import load_yaml, plain_number, to_yaml
from abm.scorecards.forms import begun, typed_criterion, with_basics, with_criterion, without_criterion
from abm.scorecards.measures import MEASURES, Measure
from abm.scorecards.models import Scorecard
from abm.scorecards.queries import draft_of, get_scorecard, list_scorecards
from abm.scorecards.reading import read_definition
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import InvalidInput, NotFound

Answer = str | Answered | tuple[str, int]
STARTER = """scorecard: my-scorecard
title: My scorecard
purpose: What it is to find out
rank_from_coverage: 50%
member: {from: 50, to: 80}
criteria:
- id: sales
  title: Sales of the last year
  weight: 60
  by: orders.value_12m
  direction: up
  scale: percentile
- id: trust
  title: Trust
  weight: 40
  by: hand
  levels:
  - {points: 0, words: None}
  - {points: 50, words: Some}
  - {points: 100, words: Much}
"""


def add_to(pages: Blueprint) -> None:
    """Serve the editor under /scorecards."""
    rules = (
        ("/scorecards/new", new, "GET"), ("/scorecards/new", begin, "POST"), ("/scorecards", create, "POST"),
        ("/scorecards/<name>/edit", edit, "GET"), ("/scorecards/<name>/edit", save_basics, "POST"),
        ("/scorecards/<name>/criteria/new", new_criterion, "GET"),
        ("/scorecards/<name>/criteria", add_criterion, "POST"),
        ("/scorecards/<name>/criteria/<criterion_id>", edit_criterion, "GET"),
        ("/scorecards/<name>/criteria/<criterion_id>", save_criterion, "POST"),
        ("/scorecards/<name>/criteria/<criterion_id>/remove", remove_criterion, "POST"),
        ("/scorecards/<name>/yaml", show_yaml, "GET"), ("/scorecards/<name>/yaml", save_yaml, "POST"),
        ("/scorecards/<name>/file.yaml", download, "GET"),
    )
    for rule, view, method in rules:
        pages.add_url_rule(rule, view_func=view, methods=[method])


def keep_draft(definition: Definition) -> Scorecard:
    """Save the draft, and compute its values where its criteria are new, so that a preview is quick."""
    scorecard = apply_scorecard(g.session, definition=definition)
    if find_values(g.session, scorecard_id=scorecard.id, definition=definition) is None:
        values = compute_values(g.session, scorecard_id=scorecard.id, definition=definition)
        keep_snapshot(g.session, scorecard_id=scorecard.id, definition=definition, values=values)
    return scorecard


@requires(Permission.ANALYSE)
def new() -> Answer:
    return _new_page({"from": request.args.get("from", "")}, {})


def _new_page(typed: Any, errors: Any) -> str:
    models = [(one.name, one.title) for one in list_scorecards(g.session)]
    return render_template("scorecards/new.html", typed={"yaml": STARTER, **typed}, errors=errors, models=models,
                           groups=_measures_by_group())


@requires(Permission.ANALYSE)
def begin() -> Answer:
    """A draft by its title; its criteria are those of the scorecard it starts from."""
    model = request.form.get("from", "")
    base = draft_of(get_scorecard(g.session, model)) if model else read_definition(load_yaml(STARTER), MEASURES)
    try:
        taken = {one.name for one in list_scorecards(g.session)}
        kept = keep_draft(begun(base, request.form, taken=taken))
    except InvalidInput as error:
        return _new_page(request.form.to_dict(), error.fields), 422
    flash("Kept as a draft; now its criteria: change these, or add others", "success")
    return redirect(url_for("scorecards.edit", name=kept.name))


@requires(Permission.ANALYSE)
def create() -> Answer:
    return _save_text(None)


@requires(Permission.ANALYSE)
def show_yaml(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    return _yaml_page(scorecard, to_yaml(draft_of(scorecard)), "")


@requires(Permission.ANALYSE)
def save_yaml(name: str) -> Answer:
    return _save_text(get_scorecard(g.session, name))


def _save_text(scorecard: Scorecard | None) -> Answer:
    text = request.form.get("yaml", "").replace("\x00", "")
    try:
        definition = read_definition(load_yaml(text), MEASURES)
        if scorecard is not None and definition.name != scorecard.name:
            raise InvalidInput(f"scorecard: this one is called {scorecard.name}; its name stays")
        if scorecard is None and _exists(definition.name):
            raise InvalidInput(f"scorecard: there is one called {definition.name} already; choose another name")
    except InvalidInput as error:
        return _yaml_page(scorecard, text, str(error)), 422
    kept = keep_draft(definition)
    flash("Kept as a draft; it scores once it is published", "success")
    return redirect(url_for("scorecards.show", name=kept.name))


def _exists(name: str) -> bool:
    try:
        get_scorecard(g.session, name)
    except NotFound:
        return False
    return True


def _yaml_page(scorecard: Scorecard | None, text: str, error: str) -> str:
    errors = {"yaml": error} if error else {}
    if scorecard is None:
        return _new_page({"yaml": text}, errors)
    return render_template("scorecards/yaml.html", scorecard=scorecard, typed={"yaml": text}, errors=errors,
                           groups=_measures_by_group())


def _measures_by_group() -> dict[str, list[Measure]]:
    groups: dict[str, list[Measure]] = {}
    for measure in MEASURES.values():
        groups.setdefault(measure.group, []).append(measure)
    return groups


@requires(Permission.SEE)
def download(name: str) -> Answer:
    text = to_yaml(draft_of(get_scorecard(g.session, name)))
    answer = Response(text, content_type="application/yaml; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.yaml"'
    return answer


@requires(Permission.ANALYSE)
def edit(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    return _edit_page(scorecard, _typed_basics(draft_of(scorecard)), {})


def _typed_basics(definition: Definition) -> dict[str, Any]:
    return {"title": definition.title, "purpose": definition.purpose, "family": definition.family,
            "rank_from_coverage": f"{definition.least_coverage * 100:.0f}",
            "member_from": plain_number(definition.member_from), "member_to": plain_number(definition.member_to)}


def _edit_page(scorecard: Scorecard, typed: Any, errors: Any) -> str:
    return render_template("scorecards/edit.html", scorecard=scorecard, definition=draft_of(scorecard), typed=typed,
                           errors=errors, families=[(one, one.capitalize()) for one in FAMILIES])


@requires(Permission.ANALYSE)
def save_basics(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    try:
        keep_draft(with_basics(draft_of(scorecard), request.form))
    except InvalidInput as error:
        return _edit_page(scorecard, request.form, error.fields), 422
    flash("Saved as a draft", "success")
    return redirect(url_for("scorecards.edit", name=name))


@requires(Permission.ANALYSE)
def new_criterion(name: str) -> Answer:
    return _criterion_page(get_scorecard(g.session, name), "", typed_criterion(None), {})


@requires(Permission.ANALYSE)
def edit_criterion(name: str, criterion_id: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    criterion = draft_of(scorecard).criterion(criterion_id)
    if criterion is None:
        raise NotFound(f"{name} has no criterion {criterion_id}")
    return _criterion_page(scorecard, criterion_id, typed_criterion(criterion), {})


@requires(Permission.ANALYSE)
def add_criterion(name: str) -> Answer:
    return _save_criterion(get_scorecard(g.session, name), "")


@requires(Permission.ANALYSE)
def save_criterion(name: str, criterion_id: str) -> Answer:
    return _save_criterion(get_scorecard(g.session, name), criterion_id)


def _save_criterion(scorecard: Scorecard, old_id: str) -> Answer:
    try:
        keep_draft(with_criterion(draft_of(scorecard), request.form, old_id=old_id))
    except InvalidInput as error:
        return _criterion_page(scorecard, old_id, request.form, error.fields), 422
    flash("The criterion is kept in the draft", "success")
    return redirect(url_for("scorecards.edit", name=scorecard.name))


@requires(Permission.ANALYSE)
def remove_criterion(name: str, criterion_id: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    try:
        keep_draft(without_criterion(draft_of(scorecard), criterion_id))
    except InvalidInput:
        flash("The last criterion with a weight cannot be taken out", "error")
    return redirect(url_for("scorecards.edit", name=name))


def _criterion_page(scorecard: Scorecard, old_id: str, typed: Any, errors: Any) -> str:
    choices = [(BY_HAND, "By hand: a person chooses a level")]
    choices += [(one.name, f"{one.group}: {one.label}") for one in MEASURES.values()]
    choices.append(("custom", "A custom field of accounts"))
    return render_template("scorecards/criterion.html", scorecard=scorecard, old_id=old_id, typed=typed, errors=errors,
                           measures=choices)
