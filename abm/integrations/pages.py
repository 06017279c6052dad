"""Settings → Sources."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.imports.registry import IMPORTERS
from abm.integrations import actions
from abm.integrations.forms import EVERY, PAGING, WAYS, parse_source, typed_source
from abm.integrations.queries import get_source, list_sources
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("integrations", __name__)
Answer = str | Response | tuple[str, int]


@pages.get("/settings/sources")
@requires(Permission.ADMINISTER)
def index() -> Answer:
    return render_template("integrations/index.html", sources=list_sources(g.session))


@exports(pages, "/settings/sources/export", permission=Permission.ADMINISTER)
def export() -> Table:
    rows = [(one.name, one.title, one.kind, one.every_minutes, one.pulled_at, one.next_at, one.error,
             run.state if run else "") for one, run in list_sources(g.session)]
    return Table("sources", rows=rows, columns=("name", "title", "kind", "every_minutes", "pulled_at", "next_at",
                                                "error", "import"))


@pages.get("/settings/sources/new")
@requires(Permission.ADMINISTER)
def new() -> Answer:
    return _form({"way": "sql", "kind": "orders"}, {})


@pages.post("/settings/sources")
@requires(Permission.ADMINISTER)
def create() -> Answer:
    return _save(None)


@pages.get("/settings/sources/<int:source_id>")
@requires(Permission.ADMINISTER)
def edit(source_id: int) -> Answer:
    source = get_source(g.session, source_id)
    return _form(typed_source(source), {}, source_id, has_secret=bool(source.secret_sealed))


@pages.post("/settings/sources/<int:source_id>")
@requires(Permission.ADMINISTER)
def save(source_id: int) -> Answer:
    return _save(source_id)


def _save(source_id: int | None) -> Answer:
    has_secret = bool(get_source(g.session, source_id).secret_sealed) if source_id else False
    try:
        definition, secret = parse_source(request.form)
        actions.apply_source(g.session, definition=definition, secret=secret, source_id=source_id)
    except InvalidInput as error:
        return _form(request.form, error.fields, source_id, has_secret=has_secret), 422
    flash("Saved. Try it with a dry run.", "success")
    return redirect(url_for("integrations.index"))


def _form(typed: Mapping[str, Any], errors: Mapping[str, str], source_id: int | None = None, *,
          has_secret: bool = False) -> str:
    return render_template(
        "integrations/form.html", typed=typed, errors=errors, source_id=source_id, has_secret=has_secret, ways=WAYS,
        paging=PAGING, every=EVERY, kinds=[(kind, kind.replace("-", " ").capitalize()) for kind in IMPORTERS])


@pages.post("/settings/sources/<int:source_id>/pull")
@requires(Permission.ADMINISTER)
def pull(source_id: int) -> Answer:
    is_dry_run = request.form.get("verb") == "try"
    source = actions.ask_for_pull(g.session, source_id=source_id, is_dry_run=is_dry_run)
    flash(f"{source.title}: the pull has begun; its report comes under Imports.", "success")
    return redirect(url_for("integrations.index"))


@pages.post("/settings/sources/<int:source_id>/delete")
@requires(Permission.ADMINISTER)
def delete(source_id: int) -> Answer:
    actions.delete_source(g.session, source_id=source_id)
    flash("The source is gone; what it brought in stays.", "success")
    return redirect(url_for("integrations.index"))
