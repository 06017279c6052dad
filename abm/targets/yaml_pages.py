"""A list as YAML in the browser: the other view of the builder, with every complaint at its line."""

from typing import Any

from flask import flash, g, redirect, render_template, request, url_for

from abm.targets import queries
from abm.targets.actions import save_list
from abm.targets.blueprint import Answer, pages
from abm.targets.builder_pages import builder_page, count_definition
from abm.targets.files import ListDefinition, load_yaml, read_definition, to_yaml
from abm.targets.forms import form_of, read_form, to_text
from abm.targets.models import TargetList
from abm.targets.places import Complaint, locate
from abm.targets.scopes import get_vocabulary, refuse_circle
from abm.web.access import only_reads, requires
from abm.web.permissions import Permission
from core.errors import InvalidInput, Refused

_EXAMPLE = """list: silent-a-accounts
title: A accounts that fall silent
who:
  all:
  - {field: analysis.abc, is: A}
  - {field: rhythm.overdue_ratio, more_than: 2}
"""


def _page(text: str, row: TargetList | None, complaints: list[Complaint] | None = None) -> str:
    found = _checked(text, row) if complaints is None else {"found": None, "complaints": complaints}
    return render_template("targets/yaml.html", row=row, text=text, **found)


def _checked(text: str, row: TargetList | None) -> dict[str, Any]:
    """What the text would give, or the complaints."""
    try:
        definition = _read(text, row)
        if definition.accounts is not None:
            return {"found": None, "by_hand": len(definition.accounts), "complaints": []}
        refuse_circle(g.session, name=definition.name, rule=definition.who)
        return {**count_definition(definition, row, get_vocabulary(g.session)), "complaints": []}
    except Refused as error:
        return {"found": None, "complaints": _complaints(text, error)}


def _read(text: str, row: TargetList | None) -> ListDefinition:
    definition = read_definition(load_yaml(text), get_vocabulary(g.session))
    if row is not None and definition.name != row.name:
        raise InvalidInput("", {"list": f"a saved list keeps its name; write list: {row.name}"})
    return definition


def _complaints(text: str, error: Refused) -> list[Complaint]:
    fields = error.fields if isinstance(error, InvalidInput) and error.fields else {"": str(error)}
    if set(fields) == {"yaml"}:
        return [Complaint("", str(error), getattr(error, "line", None))]
    return locate(text, fields)


@pages.get("/lists/-/yaml")
@requires(Permission.EDIT_LISTS)
def new_yaml() -> Answer:
    return _page(_EXAMPLE, None)


@pages.post("/lists/-/yaml")
@requires(Permission.EDIT_LISTS)
def create_yaml() -> Answer:
    return _save(None)


@pages.get("/lists/<name>/yaml")
@requires(Permission.SEE)
def show_yaml(name: str) -> Answer:
    row = queries.get_list(g.session, name)
    text = to_yaml(queries.get_definition(g.session, row))
    if row.kind != "dynamic":
        return _page(text, row)
    return render_template("targets/yaml.html", row=row, text=text, complaints=[], counts_later=True,
                           sentence=queries.say_stored(row))


@pages.post("/lists/<name>/yaml")
@requires(Permission.EDIT_LISTS)
def save_yaml(name: str) -> Answer:
    return _save(queries.get_list(g.session, name))


def _save(row: TargetList | None) -> Answer:
    text = _typed()
    try:
        done = save_list(g.session, definition=_read(text, row))
    except Refused as error:
        return _page(text, row, _complaints(text, error)), 422
    if done.unknown:
        flash(f"No account has the id {', '.join(done.unknown[:20])}", "error")
    flash(f"Saved: {done.row.member_count:,} accounts", "success")
    return redirect(url_for("targets.show", name=done.row.name))


def _typed() -> str:
    return request.form.get("yaml", "").replace("\r\n", "\n")


def _saved() -> TargetList | None:
    """The list being edited; None while it is new."""
    return queries.find_list(g.session, request.form.get("name", "")) if request.form.get("is_saved") else None


@pages.post("/lists/-/yaml/check")
@requires(Permission.EDIT_LISTS)
@only_reads
def check_yaml() -> Answer:
    """Count, sample and complaints while the text is being written."""
    text = _typed()
    return render_template("targets/_yaml_checked.html", **_checked(text, _saved()))


@pages.post("/lists/-/to-yaml")
@requires(Permission.EDIT_LISTS)
@only_reads
def to_yaml_view() -> Answer:
    """What stands in the builder, finished or not, as YAML; nothing is saved."""
    row = _saved()
    return _page(to_text(read_form({**request.form, **({"name": row.name} if row else {})})), row)


@pages.post("/lists/-/to-builder")
@requires(Permission.EDIT_LISTS)
@only_reads
def to_builder_view() -> Answer:
    """What stands in the YAML in the builder; nothing is saved."""
    text, row = _typed(), _saved()
    try:
        definition = _read(text, row)
        if definition.accounts is not None:
            raise InvalidInput("", {"accounts": "a list of `accounts` is kept by hand; the builder is for rules"})
    except Refused as error:
        return _page(text, row, _complaints(text, error)), 422
    return builder_page(form_of(definition), row, {})
