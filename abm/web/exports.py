"""One way out for every table: CSV and XLSX of what is shown, with the filters in force.

    @exports(pages, "/tasks/export")                     # GET /tasks/export.csv and /tasks/export.xlsx
    def export() -> Table:
        return Table("tasks", columns=("task", "due_on"), rows=export_tasks(g.session, chosen()))

The page shows `{{ ui.exports("work.export", kept) }}` (components/ui.html); a test holds every template with a table to
it. Rows may be an iterator that reads the database as it goes: they are written to a file first, so that memory stays
flat and a failure midway is an error page, never half a file. Each export is put on record by `app.note_export`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from urllib.parse import quote

from flask import Blueprint, Response, current_app, g, url_for

from abm.web import rate_limits
from abm.web.access import access_of, requires, user_may
from abm.web.permissions import Permission
from abm.web.spreadsheets import write_csv_bytes, write_xlsx

_IN_MEMORY = 1_000_000
_CHUNK = 1 << 16
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class Table:
    """What is exported. `name`: the file's name without ending; rows hold texts, numbers, dates, moments, JSON."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


MakeTable = Callable[..., Table]
_NOT_FILTERS = ("ending", "after", "before", "offset", "start")


def exports(pages: Blueprint, path: str, *,
            permission: Permission = Permission.EXPORT) -> Callable[[MakeTable], MakeTable]:
    """Add `path`.csv and `path`.xlsx; the endpoint bears the function's name. Name a stricter `permission` for tables
    that not everybody who may export may see."""

    def add(make: MakeTable) -> MakeTable:
        @wraps(make)
        def view(ending: str, **arguments: Any) -> Response:
            caller = str(g.user.id) if g.user else ""
            if wait := rate_limits.exports.seconds_to_wait(caller):
                return rate_limits.too_many(wait, f"At most {rate_limits.EXPORTS.most} exports an hour.")
            rate_limits.exports.count(caller)
            return _download(make(**arguments), ending)

        view.is_export = True  # type: ignore[attr-defined]
        pages.get(f"{path}.<any(csv, xlsx):ending>")(requires(permission)(view))
        return make

    return add


def _download(table: Table, ending: str) -> Response:
    write = write_csv_bytes if ending == "csv" else write_xlsx
    with ExitStack() as opened:
        file = cast(IO[bytes], opened.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY)))
        count = write(file, columns=table.columns, rows=table.rows)
        current_app.note_export(table.name, ending, count)  # type: ignore[attr-defined]
        file.seek(0)
        response = Response(iter(lambda: file.read(_CHUNK), b""), content_type=_TYPES[ending])
        response.call_on_close(opened.pop_all().close)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(f'{table.name}.{ending}', safe='')}"
    return response


def may_export(endpoint: str) -> bool:
    """For templates: whether the signed-in user may have the export at this endpoint."""
    return user_may(access_of(current_app, endpoint) or "")


def export_url(endpoint: str, ending: str, kept: Mapping[str, Any]) -> str:
    """The address of an export with a page's filters; where the page stands and what is not a filter is left out."""
    filters = {name: value for name, value in kept.items() if not name.startswith("_") and name not in _NOT_FILTERS}
    return url_for(endpoint, **{**filters, "ending": ending})
