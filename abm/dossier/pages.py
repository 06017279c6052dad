"""The drawers in which the dossier is written: relationship, texts, documents, tenders, competitors."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.queries import get_account
from abm.dossier import actions, sheet_pages, source_pages, white_space_pages
from abm.dossier.forms import parse_competitor, parse_link, parse_relationship, parse_tender, parse_texts
from abm.dossier.models import Competitor, Tender
from abm.dossier.queries import (
    COMPETITOR_COLUMNS,
    TENDER_COLUMNS,
    export_of,
    find_dossier,
    get_competitor,
    get_tender,
)
from abm.dossier.words import REASONS, RESULTS, STAGES, STRENGTHS, TEXTS
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("dossier", __name__)
white_space_pages.add_to(pages)
source_pages.add_to(pages)
sheet_pages.add_to(pages)
Answer = str | Response | tuple[str, int]
Save = Callable[[], int]


def _drawer(kind: str, account_id: int, typed: Any, errors: Mapping[str, str], row: Any = None) -> str:
    return render_template(
        "dossier/form.html", kind=kind, account=get_account(g.session, account_id), typed=typed, errors=errors, row=row,
        stages=STAGES.items(), results=RESULTS.items(), reasons=REASONS.items(), texts=TEXTS,
        strengths=STRENGTHS.items())


def _typed(row: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names} if row is not None else {}


def _answer(kind: str, account_id: int, save: Save, row: Any = None) -> Answer:
    """Save and go back to the account; or the drawer again with what was typed and a sentence beside each field."""
    try:
        account_id = save()
    except InvalidInput as error:
        return _drawer(kind, account_id, request.form, error.fields, row), 422
    return _back(account_id, "overview" if kind == "relationship" else "dossier")


def _back(account_id: int, part: str) -> Response:
    address = url_for("accounts.show", account_id=account_id, part=part if part != "overview" else None)
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address)


@pages.get("/accounts/<int:account_id>/relationship")
@requires(Permission.EDIT_ACCOUNTS)
def relationship(account_id: int) -> Answer:
    dossier = find_dossier(g.session, account_id)
    return _drawer("relationship", account_id, _typed(dossier, "stage", "standing", "next_step", "next_on"), {})


@pages.post("/accounts/<int:account_id>/relationship")
@requires(Permission.EDIT_ACCOUNTS)
def save_relationship(account_id: int) -> Answer:
    return _answer("relationship", account_id, lambda: actions.update_dossier(
        g.session, account_id=account_id, values=parse_relationship(request.form)).account_id)


@pages.get("/accounts/<int:account_id>/texts")
@requires(Permission.EDIT_ACCOUNTS)
def texts(account_id: int) -> Answer:
    return _drawer("texts", account_id, _typed(find_dossier(g.session, account_id), *TEXTS), {})


@pages.post("/accounts/<int:account_id>/texts")
@requires(Permission.EDIT_ACCOUNTS)
def save_texts(account_id: int) -> Answer:
    return _answer("texts", account_id, lambda: actions.update_dossier(
        g.session, account_id=account_id, values=parse_texts(request.form)).account_id)


@pages.get("/accounts/<int:account_id>/links/new")
@requires(Permission.EDIT_ACCOUNTS)
def new_link(account_id: int) -> Answer:
    return _drawer("link", account_id, {}, {})


@pages.post("/accounts/<int:account_id>/links")
@requires(Permission.EDIT_ACCOUNTS)
def add_link(account_id: int) -> Answer:
    return _answer("link", account_id, lambda: actions.add_link(
        g.session, account_id=account_id, values=parse_link(request.form)).account_id)


@pages.post("/dossier-links/<int:link_id>/remove")
@requires(Permission.EDIT_ACCOUNTS)
def remove_link(link_id: int) -> Answer:
    return _back(actions.remove_link(g.session, link_id=link_id), "dossier")


@pages.get("/accounts/<int:account_id>/tenders/new")
@requires(Permission.EDIT_ACCOUNTS)
def new_tender(account_id: int) -> Answer:
    return _drawer("tender", account_id, {"result": "open"}, {})


@pages.post("/accounts/<int:account_id>/tenders")
@requires(Permission.EDIT_ACCOUNTS)
def create_tender(account_id: int) -> Answer:
    return _answer("tender", account_id, lambda: actions.save_tender(
        g.session, account_id=account_id,
        values=parse_tender(request.form, currency=g.company.currency)).account_id)


@pages.get("/tenders/<int:tender_id>")
@requires(Permission.EDIT_ACCOUNTS)
def edit_tender(tender_id: int) -> Answer:
    row = get_tender(g.session, tender_id)
    return _drawer("tender", row.account_id, _typed(row, *TENDER_COLUMNS), {}, row)


@pages.post("/tenders/<int:tender_id>")
@requires(Permission.EDIT_ACCOUNTS)
def update_tender(tender_id: int) -> Answer:
    row = get_tender(g.session, tender_id)
    return _answer("tender", row.account_id, lambda: actions.save_tender(
        g.session, account_id=row.account_id, tender_id=row.id,
        values=parse_tender(request.form, currency=row.currency or g.company.currency)).account_id, row)


@pages.post("/tenders/<int:tender_id>/remove")
@requires(Permission.EDIT_ACCOUNTS)
def remove_tender(tender_id: int) -> Answer:
    return _back(actions.remove_tender(g.session, tender_id=tender_id), "dossier")


@pages.get("/accounts/<int:account_id>/competitors/new")
@requires(Permission.EDIT_ACCOUNTS)
def new_competitor(account_id: int) -> Answer:
    return _drawer("competitor", account_id, {}, {})


@pages.post("/accounts/<int:account_id>/competitors")
@requires(Permission.EDIT_ACCOUNTS)
def create_competitor(account_id: int) -> Answer:
    return _answer("competitor", account_id, lambda: actions.save_competitor(
        g.session, account_id=account_id, values=parse_competitor(request.form)).account_id)


@pages.get("/competitors/<int:competitor_id>")
@requires(Permission.EDIT_ACCOUNTS)
def edit_competitor(competitor_id: int) -> Answer:
    row = get_competitor(g.session, competitor_id)
    return _drawer("competitor", row.account_id, _typed(row, *COMPETITOR_COLUMNS), {}, row)


@pages.post("/competitors/<int:competitor_id>")
@requires(Permission.EDIT_ACCOUNTS)
def update_competitor(competitor_id: int) -> Answer:
    row = get_competitor(g.session, competitor_id)
    return _answer("competitor", row.account_id, lambda: actions.save_competitor(
        g.session, account_id=row.account_id, competitor_id=row.id,
        values=parse_competitor(request.form)).account_id, row)


@pages.post("/competitors/<int:competitor_id>/remove")
@requires(Permission.EDIT_ACCOUNTS)
def remove_competitor(competitor_id: int) -> Answer:
    return _back(actions.remove_competitor(g.session, competitor_id=competitor_id), "dossier")


@exports(pages, "/tenders/export")
def export_tenders() -> Table:
    return _table("tenders", Tender, TENDER_COLUMNS)


@exports(pages, "/competitors/export")
def export_competitors() -> Table:
    return _table("competitors", Competitor, COMPETITOR_COLUMNS)


def _table(name: str, kind: type[Tender] | type[Competitor], columns: tuple[str, ...]) -> Table:
    rows = export_of(g.session, kind, columns, account_id=request.args.get("account_id", type=int))
    return Table(name, columns=("account_id", "account", *columns), rows=rows)
