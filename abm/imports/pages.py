"""Bringing files in: upload, mapping with a preview, dry run, progress, report, rejects, history."""

from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as Answered

from abm.imports import actions
from abm.imports.forms import (
    DELIMITERS,
    ENCODINGS,
    MATCHED,
    READING,
    parse_options,
    read_source,
    recognised_in,
    typed_from,
)
from abm.imports.layout import Layout
from abm.imports.models import ImportRun
from abm.imports.previews import Preview, preview_file, time_left, what_is_done
from abm.imports.queries import (
    find_saved_mapping,
    get_import,
    list_imports,
    list_rejects,
    list_sources,
)
from abm.imports.registry import IMPORTERS, find_importer
from abm.imports.tables import stored_options
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core import clock
from core.errors import InvalidInput, NotFound, Refused

pages = Blueprint("imports", __name__)
Answer = str | Response | Answered | tuple[str, int]
UNDER_WAY = ("waiting", "running")


@pages.get("/imports")
@requires(Permission.SEE)
def index() -> Answer:
    return render_template("imports/index.html", runs=list_imports(g.session))


@exports(pages, "/imports/export")
def export() -> Table:
    columns = ("file_name", "kind", "is_dry_run", "state", "rows_read", "created", "updated", "unchanged", "rejected",
               "error", "started_by", "created_at", "finished_at")
    runs = list_imports(g.session, limit=100_000)
    return Table("imports", columns=columns, rows=([getattr(run, name) for name in columns] for run in runs))


@pages.get("/imports/new")
@requires(Permission.IMPORT)
def new() -> Answer:
    return _upload_form({"kind": request.args.get("kind", "accounts")}, {})


def _upload_form(typed: Any, errors: dict[str, str]) -> str:
    return render_template(
        "imports/new.html", typed=typed, errors=errors, layouts=[find_importer(kind).layout for kind in IMPORTERS],
        sources=list_sources(g.session),
    )


@pages.post("/imports")
@requires(Permission.IMPORT)
def upload() -> Answer:
    kind, file = request.form.get("kind", ""), request.files.get("file")
    if kind not in IMPORTERS or file is None or not file.filename:
        errors = {"file": "Choose a file"} if kind in IMPORTERS else {"kind": "Choose what the file holds"}
        return _upload_form(request.form, errors), 422
    try:
        run = actions.store_upload(g.session, kind=kind, file_name=file.filename, content=file.stream,
                                   source=read_source(request.form))
    except InvalidInput as error:
        return _upload_form(request.form, error.fields), 422
    return redirect(url_for("imports.mapping", import_id=run.id))


@pages.get("/imports/<int:import_id>/mapping")
@requires(Permission.IMPORT)
def mapping(import_id: int) -> Answer:
    run = get_import(g.session, import_id)
    options = {**(run.options or {}), **{name: request.args[name] for name in READING if name in request.args}}
    return _mapping_form(run, options, typed=None, errors={})


@pages.post("/imports/<int:import_id>/start")
@requires(Permission.IMPORT)
def start(import_id: int) -> Answer:
    run = get_import(g.session, import_id)
    layout = find_importer(run.kind).layout
    try:
        options = parse_options(request.form, layout)
        preview = _preview(run, options)
        started = actions.start_import(
            g.session, run=run, options=options, header=preview.header, is_dry_run=request.form.get("verb") != "import"
        )
    except Refused as error:
        fields = error.fields if isinstance(error, InvalidInput) else {}
        shown = dict(run.options or {})
        return _mapping_form(run, shown, typed=request.form, errors=fields or {"mapping": str(error)}), 422
    return redirect(url_for("imports.show", import_id=started.id))


@pages.post("/imports/<int:import_id>/again")
@requires(Permission.IMPORT)
def again(import_id: int) -> Answer:
    """Import for real what a dry run has tried."""
    run = get_import(g.session, import_id)
    options = run.options or {}
    started = actions.start_import(
        g.session, run=run, options=options, header=_preview(run, options).header, is_dry_run=False
    )
    return redirect(url_for("imports.show", import_id=started.id))


def _preview(run: ImportRun, options: dict[str, Any]) -> Preview:
    try:
        return preview_file(Path(run.stored_path), stored_options(options))
    except Refused as error:
        raise Refused(str(error).replace(Path(run.stored_path).name, run.file_name)) from error


def _mapping_form(run: ImportRun, options: dict[str, Any], *, typed: Any, errors: dict[str, str]) -> str:
    layout = find_importer(run.kind).layout
    preview, failure = None, ""
    try:
        preview = _preview(run, options)
    except Refused as error:
        failure = str(error)
    is_remembered = False
    if typed is None and preview:
        found = find_saved_mapping(g.session, kind=run.kind, header=preview.header, source=options.get("came_from", ""))
        is_remembered = found is not None
        typed = typed_from(options.get("mapping") or found or {}, preview.header, layout)
        typed.update({name: options.get(name, "") for name in READING} | {"source": options.get("came_from", "")})
    pairs = [(name, name) for name in dict.fromkeys(preview.header) if name] if preview else []
    return render_template(
        "imports/mapping.html",
        run=run,
        layout=layout,
        preview=preview,
        failure=failure,
        named_pairs=pairs,
        sheet_pairs=[(name, name) for name in preview.sheets] if preview else [],
        recognised=recognised_in(typed or {}, layout),
        missing=_missing(typed or {}, layout) if preview else [],
        matches=run.kind == MATCHED,
        sources=list_sources(g.session),
        is_remembered=is_remembered,
        typed=typed or {},
        errors=errors,
        encodings=ENCODINGS,
        delimiters=DELIMITERS,
    )


def _missing(typed: Any, layout: Layout) -> list[str]:
    """What has to be chosen still; rows that are matched need no id of an account."""
    chosen = {name for name in layout.names if typed.get(f"map-{name}")}
    return layout.missing(chosen | ({"account_id"} if typed.get("match") else set()))


@pages.get("/imports/<int:import_id>")
@requires(Permission.SEE)
def show(import_id: int) -> Answer:
    run = get_import(g.session, import_id)
    if run.state == "draft":
        return redirect(url_for("imports.mapping", import_id=run.id))
    return render_template("imports/show.html", **_shown(run))


@pages.post("/imports/<int:import_id>/cancel")
@requires(Permission.IMPORT)
def cancel(import_id: int) -> Answer:
    actions.cancel_import(g.session, import_id=import_id)
    return redirect(url_for("imports.show", import_id=import_id))


@pages.get("/imports/<int:import_id>/progress")
@requires(Permission.SEE)
def progress(import_id: int) -> Answer:
    """The report as it stands; the page asks for it again until the import is over."""
    return render_template("imports/_report.html", **_shown(get_import(g.session, import_id)))


def _shown(run: ImportRun) -> dict[str, Any]:
    return {
        "run": run,
        "is_under_way": run.state in UNDER_WAY,
        "rejects": list_rejects(run),
        "time_left": time_left(run.progress, run.started_at, clock.now()) if run.state == "running" else "",
        "what_is_done": what_is_done(run.state, run.progress, run.created + run.updated + run.unchanged),
        "can_repeat": bool(run.stored_path) and Path(run.stored_path).is_file(),
    }


@pages.get("/imports/<int:import_id>/rejects.csv")
@requires(Permission.EXPORT)
def rejects(import_id: int) -> Answer:
    run = get_import(g.session, import_id)
    path = Path(run.rejects_path)
    if not run.rejects_path or not path.is_file():
        raise NotFound("This import has no rejects file")
    return send_file(
        path.resolve(), mimetype="text/csv", as_attachment=True, download_name=f"rejects-{run.kind}-{run.id}.csv"
    )
