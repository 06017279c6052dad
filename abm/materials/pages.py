"""The library of materials, who asked for what, and sending it by one click."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.company.queries import company_today
from abm.contacts.models import Contact
from abm.materials import actions
from abm.materials.models import MaterialRequest
from abm.materials.queries import (
    COLUMNS,
    export_requests,
    find_sender,
    get_material,
    get_request,
    list_fitting,
    list_materials,
    list_requests,
    list_wishes,
)
from abm.materials.sending import carry_out, make_message, usual_words
from abm.outreach.trials import Trial
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from abm.work.desk import register_desk_card
from core.db import after_commit
from core.errors import InvalidInput

pages = Blueprint("materials", __name__)
Answer = str | Response | tuple[str, int]
REMIND_DAYS = 7
STATES = {"open": "Waits", "task": "A task", "sending": "In doubt", "sent": "Sent", "failed": "Not sent",
          "declined": "Declined"}


@pages.get("/materials")
@requires(Permission.SEE)
def index() -> Answer:
    return render_template("materials/index.html", waiting=list_requests(g.session, is_waiting=True),
                           settled=list_requests(g.session, is_waiting=False, limit=20), wishes=list_wishes(g.session),
                           states=STATES)


@exports(pages, "/materials/export")
def export() -> Table:
    return Table("material-requests", columns=COLUMNS, rows=export_requests(g.session))


@pages.get("/materials/library")
@requires(Permission.SEE)
def library() -> Answer:
    return _library({}, {})


def _library(typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    edited = request.args.get("edit", type=int)
    material = get_material(g.session, edited) if edited else None
    names = ("title", "product", "language", "url")
    shown = typed or ({name: getattr(material, name) for name in names} if material else {})
    return render_template("materials/library.html", materials=list_materials(g.session, text=_text()), typed=shown,
                           errors=errors, material=material, text=_text())


def _text() -> str:
    return request.args.get("q", "").strip()[:200]


@exports(pages, "/materials/library/export")
def export_library() -> Table:
    rows = ((one.title, one.product, one.language, one.url, one.is_active)
            for one in list_materials(g.session, text=_text()))
    return Table("materials", columns=("title", "product", "language", "url", "is_active"), rows=rows)


@pages.post("/materials/library")
@requires(Permission.EDIT_CAMPAIGNS)
def save() -> Answer:
    try:
        actions.save_material(g.session, form=request.form, material_id=request.args.get("edit", type=int))
    except InvalidInput as error:
        return _library(request.form, error.fields), 422
    flash("Saved", "success")
    return redirect(url_for("materials.library"))


@pages.post("/materials/library/<int:material_id>/active")
@requires(Permission.EDIT_CAMPAIGNS)
def change_active(material_id: int) -> Answer:
    material = get_material(g.session, material_id)
    actions.set_material_active(g.session, material_id=material_id, is_active=not material.is_active)
    return redirect(url_for("materials.library"))


@pages.post("/materials/requests")
@requires(Permission.WORK)
def ask() -> Answer:
    """Take a wish up, from a reply, the desk, a visit or an account's page; then choose what is sent."""
    form = request.form
    made = actions.take_up_wish(g.session, contact_id=form.get("contact_id", 0, type=int),
                                wish=form.get("wish", "").strip(), event_id=form.get("event_id", type=int))
    return redirect(url_for("materials.show", request_id=made.id))


@pages.get("/materials/requests/<int:request_id>")
@requires(Permission.SEE)
def show(request_id: int) -> Answer:
    return _show(get_request(g.session, request_id), {}, {})


def _show(found: MaterialRequest, typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    usual = {"words": usual_words(found, by=g.user.name), "remind": "yes"}
    return render_template("materials/show.html", one=found, typed=typed or usual, errors=errors, states=STATES,
                           materials=list_fitting(g.session, found.contact), sender=find_sender(g.session),
                           remind_days=REMIND_DAYS)


@pages.post("/materials/requests/<int:request_id>/send")
@requires(Permission.WORK)
def send(request_id: int) -> Answer:
    material_id = request.form.get("material_id", type=int)
    if not material_id:
        errors = {"material_id": "Choose what to send."}
        return _show(get_request(g.session, request_id), request.form, errors), 422
    found = actions.begin_sending(g.session, request_id=request_id, material_id=material_id)
    trial = make_message(g.session, found, words=request.form.get("words", "").strip()[:5_000], reply_to=g.user.email)
    if request.form.get("remind"):
        actions.remind(g.session, request=found, owner_id=g.user.id,
                       on=company_today(g.session) + timedelta(days=REMIND_DAYS))
    after_commit(g.session, lambda: _carry_out(request_id, trial))
    return redirect(url_for("materials.index"))


def _carry_out(request_id: int, trial: Trial) -> None:
    """Runs when the request's transaction has ended: no lock is held while the mail server takes its time."""
    wrong = carry_out(request_id, trial)
    flash(wrong or f"Sent to {trial.address}", "error" if wrong else "success")


@pages.post("/materials/requests/<int:request_id>/settle")
@requires(Permission.WORK)
def settle(request_id: int) -> Answer:
    """Of a wish that was cut off while it was sent: a person says whether it arrived."""
    is_sent = request.form.get("is_sent") == "yes"
    actions.settle_sending(g.session, request_id=request_id, is_sent=is_sent, reason="settled by hand")
    return redirect(url_for("materials.index"))


@pages.post("/materials/requests/<int:request_id>/task")
@requires(Permission.WORK)
def make_task(request_id: int) -> Answer:
    task = actions.make_task(g.session, request_id=request_id, owner_id=g.user.id)
    flash("It is a task of yours now", "success")
    return redirect(url_for("work.show", task_id=task.id))


@pages.post("/materials/requests/<int:request_id>/decline")
@requires(Permission.WORK)
def decline(request_id: int) -> Answer:
    try:
        actions.decline(g.session, request_id=request_id, reason=request.form.get("reason", "").strip())
    except InvalidInput as error:
        return _show(get_request(g.session, request_id), request.form, error.fields), 422
    return redirect(url_for("materials.index"))


def material_card(session: Session, account: Account, contact_id: int | None = None) -> str:
    """On the desk and the account's page: who asked for what, and a wish taken up in one click. `contact_id`: who is
    on the telephone."""
    people = session.query(Contact).filter_by(account_id=account.id, is_active=True).order_by(
        Contact.last_name, Contact.id).limit(20).all()
    asked = list_requests(session, is_waiting=True, account_id=account.id, limit=5)
    if not people and not asked:
        return ""
    return render_template("materials/_card.html", account=account, people=people, asked=asked, states=STATES,
                           chosen=contact_id)


register_panel("Material", 45, material_card, part="outreach")
register_desk_card(material_card)
