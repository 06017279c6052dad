"""Settings → Countries: which lawful bases are enough where."""

from collections.abc import Mapping

from flask import flash, g, redirect, render_template, request, url_for

from abm.company.queries import get_company
from abm.outreach import countries as table
from abm.outreach.blueprint import Answer, pages
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import InvalidInput


@pages.get("/settings/countries")
@requires(Permission.SEE)
def countries() -> Answer:
    return _page()


@pages.post("/settings/countries")
@requires(Permission.ADMINISTER)
def save_countries() -> Answer:
    for row in table.list_country_rows(g.session):
        chosen = request.form.getlist(f"bases-{row.name}")
        if f"row-{row.name}" in request.form and set(chosen) != set(row.bases):
            table.set_country_bases(g.session, country=row.name, bases=chosen)
    table.set_reaches_free_mail(g.session, allowed=bool(request.form.get("reaches_free_mail")))
    flash("The table of countries is saved", "success")
    return redirect(url_for("outreach.countries"))


@pages.post("/settings/countries/add")
@requires(Permission.ADMINISTER)
def add_country() -> Answer:
    try:
        row = table.set_country_bases(g.session, country=request.form.get("country", ""),
                                      bases=request.form.getlist("bases"))
    except InvalidInput as error:
        return _page(typed=request.form, errors=error.fields), 422
    flash(f"{row.title} has a row of its own now", "success")
    return redirect(url_for("outreach.countries"))


@pages.post("/settings/countries/reset")
@requires(Permission.ADMINISTER)
def reset_country() -> Answer:
    if table.reset_country_bases(g.session, country=request.form.get("country", "")):
        flash("Back to the default", "success")
    return redirect(url_for("outreach.countries"))


def _page(typed: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None) -> str:
    chosen = request.form.getlist("bases") if typed is not None else ["consent"]
    return render_template("settings/countries.html", rows=table.list_country_rows(g.session), words=table.BASE_WORDS,
                           company=get_company(g.session), typed=typed or {}, errors=errors or {}, chosen=chosen)
