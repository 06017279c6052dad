"""Settings: the company's own values, suppression, and the audit log."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.audit.queries import EXPORT_COLUMNS, export_entries, list_entries
from abm.company.actions import set_company_value
from abm.company.queries import get_company
from abm.contacts.buying_centre import ROLES
from abm.home.forms import company_values, typed_company
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("settings", __name__)
Answer = str | Response | tuple[str, int]


@pages.get("/settings")
@requires(Permission.SEE)
def index() -> Answer:
    return render_template("settings/index.html", typed=typed_company(get_company(g.session)), errors={},
                           roles=ROLES)


@pages.post("/settings/company")
@requires(Permission.ADMINISTER)
def save_company() -> Answer:
    try:
        values = company_values(request.form)
    except InvalidInput as error:
        return render_template("settings/index.html", typed=request.form, errors=error.fields,
                               roles=ROLES), 422
    present = typed_company(get_company(g.session))
    for name, value in values.items():
        if present.get(name) != value:
            set_company_value(g.session, name=name, value=value)
    flash("Settings saved.", "success")
    return redirect(url_for("settings.index"))


@pages.get("/settings/audit")
@requires(Permission.ADMINISTER)
def audit() -> Answer:
    before = request.args.get("before", type=int)
    rows = list_entries(g.session, before=before, text=request.args.get("q", ""))
    return render_template("audit/index.html", rows=rows, wanted=request.args.get("q", ""))


@exports(pages, "/settings/audit/export", permission=Permission.ADMINISTER)
def export_audit() -> Table:
    return Table("audit", columns=EXPORT_COLUMNS, rows=export_entries(g.session, text=request.args.get("q", "")))
