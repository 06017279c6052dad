"""The rule builder: everything typed is kept, and counted while it is being typed."""

from flask import flash, g, redirect, render_template, request, url_for

from abm.targets import queries
from abm.targets.actions import save_list
from abm.targets.blueprint import Answer, pages
from abm.targets.builder import EMPTY_CONDITION, Row, change, count_unfinished, walk_rows
from abm.targets.files import ListDefinition, load_yaml, read_definition, to_yaml
from abm.targets.forms import ListForm, errors_of, fit_operators, form_of, read_form, to_definition
from abm.targets.models import TargetList
from abm.targets.previews import find_changes, preview, select_definition
from abm.targets.scopes import get_vocabulary, refuse_circle
from abm.targets.sentence import say_list
from abm.targets.showing import ranking_fields, show_rows, subject_choices
from abm.targets.vocabulary import Vocabulary
from abm.web.access import only_reads, requires
from abm.web.permissions import Permission
from core.errors import InvalidInput, Refused

_FIRST_ROWS = Row("all", parts=(EMPTY_CONDITION,))
_EXAMPLE = """list: silent-a-accounts
title: A accounts that fall silent
who:
  all:
  - {field: analysis.abc, is: A}
  - {field: rhythm.overdue_ratio, more_than: 2}
"""


@pages.get("/lists/-/new")
@requires(Permission.EDIT_LISTS)
def new() -> Answer:
    return _page(ListForm(rows=_FIRST_ROWS), None, {})


@pages.post("/lists/-/new")
@requires(Permission.EDIT_LISTS)
def create() -> Answer:
    return _save(None)


@pages.get("/lists/<name>/edit")
@requires(Permission.EDIT_LISTS)
def edit(name: str) -> Answer:
    row = _get_by_rules(name)
    return _page(form_of(queries.get_definition(g.session, row)), row, {})


@pages.post("/lists/<name>/edit")
@requires(Permission.EDIT_LISTS)
def save(name: str) -> Answer:
    return _save(_get_by_rules(name))


def _get_by_rules(name: str) -> TargetList:
    row = queries.get_list(g.session, name)
    if row.kind != "dynamic":
        raise Refused(f"The list {row.title} is kept by hand and has no rules; add and remove its accounts instead")
    return row


def _save(row: TargetList | None) -> Answer:
    form = _read(row)
    try:
        definition = to_definition(form, get_vocabulary(g.session))
        if row is None and queries.find_list(g.session, definition.name):
            sentence = "There is a list of this name already."
            raise InvalidInput(sentence, {"list" if form.name else "title": sentence})
        done = save_list(g.session, definition=definition)
    except InvalidInput as error:
        return _page(form, row, errors_of(form, error)), 422
    except Refused as error:
        return _page(form, row, {"who": str(error)}), 422
    flash(f"Saved: {done.row.member_count:,} accounts, {done.entered:,} entered, {done.left:,} left", "success")
    return redirect(url_for("targets.show", name=definition.name))


def _read(row: TargetList | None) -> ListForm:
    """What was typed; a saved list keeps its name."""
    return read_form({**request.form, **({"name": row.name} if row else {})})


def _page(form: ListForm, row: TargetList | None, errors: dict[str, str]) -> str:
    vocabulary = get_vocabulary(g.session)
    shown = _shown(form, vocabulary, errors) | _counted(form, row)
    return render_template("targets/edit.html", row=row, typed=form.typed, ranking=ranking_fields(vocabulary), **shown)


def _shown(form: ListForm, vocabulary: Vocabulary, errors: dict[str, str]) -> dict[str, object]:
    return {"rows": show_rows(fit_operators(form.rows, vocabulary), vocabulary, errors),
            "subjects": subject_choices(vocabulary), "lists": queries.list_names(g.session), "errors": errors}


@pages.post("/lists/-/builder")
@requires(Permission.EDIT_LISTS)
@only_reads
def build() -> Answer:
    """The rows after a click (`do`: action and path) or after another field was chosen."""
    form = read_form(request.form)
    action, _, path = request.form.get("do", "").partition("@")
    rows = change(form.rows, action, path or "who") if action else form.rows
    changed = ListForm(form.title, form.name, form.top_by, form.top_count, rows)
    if not request.headers.get("HX-Request"):
        row = queries.find_list(g.session, form.name) if request.form.get("is_saved") else None
        return _page(changed, row, {})
    return render_template("targets/_builder.html", **_shown(changed, get_vocabulary(g.session), {}))


@pages.post("/lists/-/count")
@requires(Permission.EDIT_LISTS)
@only_reads
def count() -> Answer:
    """What the list would hold as it is typed now; complaints go beside their rows."""
    form = read_form(request.form)
    row = queries.find_list(g.session, form.name) if request.form.get("is_saved") else None
    return render_template("targets/_counted.html", is_answer=True, **_counted(form, row))


def _counted(form: ListForm, row: TargetList | None) -> dict[str, object]:
    """Counts, sample, sentence, YAML, who enters and leaves; or the complaints by row."""
    vocabulary = get_vocabulary(g.session)
    shown: dict[str, object] = {
        "unfinished": count_unfinished(form.rows), "found": None, "changes": None, "complaints": {},
        "paths": [path for path, _, _ in walk_rows(form.rows)] if form.rows else []}
    try:
        definition = to_definition(form, vocabulary, only_finished=True)
        refuse_circle(g.session, name=definition.name, rule=definition.who)
        return shown | _numbers(definition, row, vocabulary)
    except InvalidInput as error:
        complaints = errors_of(form, error, only_finished=True)
        return shown | {"complaints": {} if set(error.fields) == {"who"} and not form.ranks else complaints}
    except Refused as error:
        return shown | {"complaints": {"who": str(error)}}


def _numbers(definition: ListDefinition, row: TargetList | None, vocabulary: Vocabulary) -> dict[str, object]:
    found = preview(g.session, definition)
    changes = find_changes(g.session, found=select_definition(g.session, definition), list_id=row.id) if row else None
    return {"found": found, "changes": changes, "sentence": say_list(definition.who, definition.top, vocabulary),
            "yaml": to_yaml(definition)}


@pages.get("/lists/-/yaml")
@requires(Permission.EDIT_LISTS)
def new_yaml() -> Answer:
    return render_template("targets/yaml.html", row=None, typed={"yaml": _EXAMPLE}, errors={})


@pages.post("/lists/-/yaml")
@requires(Permission.EDIT_LISTS)
def create_yaml() -> Answer:
    return _save_yaml(None)


@pages.get("/lists/<name>/yaml")
@requires(Permission.SEE)
def show_yaml(name: str) -> Answer:
    row = queries.get_list(g.session, name)
    text = to_yaml(queries.get_definition(g.session, row))
    return render_template("targets/yaml.html", row=row, typed={"yaml": text}, errors={})


@pages.post("/lists/<name>/yaml")
@requires(Permission.EDIT_LISTS)
def save_yaml(name: str) -> Answer:
    return _save_yaml(queries.get_list(g.session, name))


def _save_yaml(row: TargetList | None) -> Answer:
    typed = request.form.get("yaml", "")
    try:
        definition = read_definition(load_yaml(typed), get_vocabulary(g.session))
        if row is not None and definition.name != row.name:
            raise InvalidInput("", {"list": f"a saved list keeps its name; write list: {row.name}"})
        done = save_list(g.session, definition=definition)
    except InvalidInput as error:
        lines = [sentence if place == "yaml" else f"{place}: {sentence}" for place, sentence in error.fields.items()]
        return render_template("targets/yaml.html", row=row, typed=request.form,
                               errors={"yaml": "\n".join(lines) or str(error)}), 422
    except Refused as error:
        return render_template("targets/yaml.html", row=row, typed=request.form, errors={"yaml": str(error)}), 422
    if done.unknown:
        flash(f"No account has the id {', '.join(done.unknown[:20])}", "error")
    flash(f"Saved: {done.row.member_count:,} accounts", "success")
    return redirect(url_for("targets.show", name=definition.name))
