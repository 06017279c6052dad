"""The rule builder: everything typed is kept, and counted while it is being typed."""

from flask import flash, g, redirect, render_template, request, url_for

from abm.targets import queries
from abm.targets.actions import save_list
from abm.targets.addressing import keep_addresses_apart
from abm.targets.blueprint import Answer, pages
from abm.targets.builder import EMPTY_CONDITION, Row, change, count_unfinished, walk_rows
from abm.targets.files import ListDefinition, to_yaml
from abm.targets.forms import ListForm, errors_of, fit_operators, form_of, read_form, to_definition
from abm.targets.models import TargetList
from abm.targets.previews import COUNTING_SECONDS, find_changes, needs_addresses, preview, select_definition
from abm.targets.scopes import get_vocabulary, refuse_circle
from abm.targets.sentence import say_list
from abm.targets.showing import ranking_fields, show_rows, subject_choices
from abm.targets.vocabulary import Vocabulary
from abm.web.access import only_reads, requires
from abm.web.permissions import Permission
from core.errors import InvalidInput, Refused
from core.time_limits import time_limit

_FIRST_ROWS = Row("all", parts=(EMPTY_CONDITION,))


@pages.get("/lists/-/new")
@requires(Permission.EDIT_LISTS)
def new() -> Answer:
    return builder_page(ListForm(rows=_FIRST_ROWS), None, {})


@pages.post("/lists/-/new")
@requires(Permission.EDIT_LISTS)
def create() -> Answer:
    return _save(None)


@pages.get("/lists/<name>/edit")
@requires(Permission.EDIT_LISTS)
def edit(name: str) -> Answer:
    row = get_by_rules(name)
    return builder_page(form_of(queries.get_definition(g.session, row)), row, {}, counts_later=True)


@pages.post("/lists/<name>/edit")
@requires(Permission.EDIT_LISTS)
def save(name: str) -> Answer:
    return _save(get_by_rules(name))


def get_by_rules(name: str) -> TargetList:
    row = queries.get_list(g.session, name)
    if row.kind != "dynamic":
        raise Refused(f"The list {row.title} is kept by hand and has no rules; add and remove its accounts instead")
    return row


def _save(row: TargetList | None) -> Answer:
    form = read_typed(row)
    try:
        definition = to_definition(form, get_vocabulary(g.session))
        if row is None and queries.find_list(g.session, definition.name):
            sentence = "There is a list of this name already."
            raise InvalidInput(sentence, {"list" if form.name else "title": sentence})
        done = save_list(g.session, definition=definition)
    except InvalidInput as error:
        return builder_page(form, row, errors_of(form, error)), 422
    except Refused as error:
        return builder_page(form, row, {"who": str(error)}), 422
    flash(f"Saved: {done.row.member_count:,} accounts, {done.entered:,} entered, {done.left:,} left", "success")
    return redirect(url_for("targets.show", name=definition.name))


def read_typed(row: TargetList | None) -> ListForm:
    """What was typed; a saved list keeps its name."""
    return read_form({**request.form, **({"name": row.name} if row else {})})


def builder_page(form: ListForm, row: TargetList | None, errors: dict[str, str], *,
                 counts_later: bool = False) -> str:
    """`counts_later`: the page comes at once and asks for the count when it is there."""
    vocabulary = get_vocabulary(g.session)
    shown = _shown(form, vocabulary, errors) | ({} if counts_later else _counted(form, row))
    return render_template("targets/edit.html", row=row, typed=form.typed, ranking=ranking_fields(vocabulary),
                           counts_later=counts_later, **shown)


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
        return builder_page(changed, row, {})
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
        return shown | count_definition(definition, row, vocabulary)
    except InvalidInput as error:
        complaints = errors_of(form, error, only_finished=True)
        return shown | {"complaints": {} if set(error.fields) == {"who"} and not form.ranks else complaints}
    except Refused as error:
        return shown | {"complaints": {"who": str(error)}}


def count_definition(definition: ListDefinition, row: TargetList | None, vocabulary: Vocabulary) -> dict[str, object]:
    if needs_addresses(definition.who):
        keep_addresses_apart(g.session, COUNTING_SECONDS)
    with time_limit(g.session, COUNTING_SECONDS):
        found, wanted = preview(g.session, definition), select_definition(g.session, definition)
        changes = find_changes(g.session, found=wanted, list_id=row.id) if row else None
    return {"found": found, "changes": changes, "sentence": say_list(definition.who, definition.top, vocabulary),
            "yaml": to_yaml(definition)}
