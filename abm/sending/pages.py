"""Settings → Sending identities."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.sending import actions
from abm.sending.forms import KINDS, TLS, IdentityValues, explain_unreachable, parse_identity
from abm.sending.queries import get_identity, get_operators_health, get_standing, list_standings
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from campaigns.sending import dkim_keys
from campaigns.sending.dns_asking import Asker
from campaigns.sending.domain_check import Subject
from core import clock
from core.db import after_commit, transaction
from core.errors import InvalidInput
from core.settings import settings

pages = Blueprint("sending", __name__)
Answer = str | Response | tuple[str, int]
_EMPTY = {"kind": "operator", "tls": "starttls", "connections": 4, "warm_up_first": 50, "warm_up_growth": 50}
_SHOWN = ("name", "email", "covers_domain", "kind", "host", "port", "tls", "connections", "user_name", "base_url",
          "per_second", "per_day", "per_domain_day", "warm_up_from", "warm_up_first", "warm_up_growth")


@pages.get("/settings/senders")
@requires(Permission.ADMINISTER)
def index() -> Answer:
    return render_template("sending/index.html", standings=list_standings(g.session), kinds=KINDS,
                           operators=get_operators_health(g.session), now=clock.now(),
                           mail_url_kind="outbox" if settings().mail_url.startswith("outbox:") else "smtp")


@exports(pages, "/settings/senders/export", permission=Permission.ADMINISTER)
def export() -> Table:
    rows = [(one.identity.email, one.identity.name, one.identity.kind, one.identity.host, one.state, one.used_today,
             one.limit_today or None, one.identity.per_second or None, one.identity.checked_at,
             one.identity.verified_at, one.identity.verified_by) for one in list_standings(g.session)]
    return Table("senders", rows=rows, columns=(
        "email", "name", "kind", "host", "state", "sent_today", "limit_today", "per_second", "checked_at",
        "verified_at", "verified_by"))


@pages.get("/settings/senders/new")
@requires(Permission.ADMINISTER)
def new() -> Answer:
    return _form({**_EMPTY, "email": request.args.get("email", "")}, {})


@pages.post("/settings/senders")
@requires(Permission.ADMINISTER)
def create() -> Answer:
    try:
        values = parse_identity(request.form)
        identity = actions.create_identity(g.session, values=values)
    except InvalidInput as error:
        return _form(request.form, error.fields), 422
    flash("Saved. Check the domain's records next.", "success")
    _warn_of(values)
    return redirect(url_for("sending.show", identity_id=identity.id))


@pages.get("/settings/senders/<int:identity_id>")
@requires(Permission.ADMINISTER)
def show(identity_id: int) -> Answer:
    identity = get_identity(g.session, identity_id)
    keys = [(key, dkim_keys.record_name(key), dkim_keys.record_text(key))
            for key in dkim_keys.list_keys(g.session, identity_id)]
    return render_template("sending/show.html", identity=identity, keys=keys, kinds=KINDS, tls=TLS,
                           standing=get_standing(g.session, identity), algorithms=dkim_keys.ALGORITHMS, now=clock.now())


@pages.get("/settings/senders/<int:identity_id>/edit")
@requires(Permission.ADMINISTER)
def edit(identity_id: int) -> Answer:
    identity = get_identity(g.session, identity_id)
    typed = {name: getattr(identity, name) for name in _SHOWN}
    return _form({**typed, "port": identity.port or ""}, {}, identity_id, has_secret=bool(identity.secret_sealed))


@pages.post("/settings/senders/<int:identity_id>")
@requires(Permission.ADMINISTER)
def save(identity_id: int) -> Answer:
    has_secret = bool(get_identity(g.session, identity_id).secret_sealed)
    try:
        values = parse_identity(request.form)
        actions.edit_identity(g.session, identity_id=identity_id, values=values)
    except InvalidInput as error:
        return _form(request.form, error.fields, identity_id, has_secret=has_secret), 422
    flash("Saved", "success")
    _warn_of(values)
    return _back(identity_id)


def _warn_of(values: IdentityValues) -> None:
    if warning := explain_unreachable(values):
        flash(warning, "warning")


@pages.post("/settings/senders/<int:identity_id>/active")
@requires(Permission.ADMINISTER)
def switch(identity_id: int) -> Answer:
    is_active = request.form.get("is_active") == "yes"
    actions.set_identity_active(g.session, identity_id=identity_id, is_active=is_active)
    flash("It is used again" if is_active else "Its sender goes through this installation's relay now", "success")
    return _back(identity_id)


@pages.post("/settings/senders/<int:identity_id>/verify")
@requires(Permission.ADMINISTER)
def verify(identity_id: int) -> Answer:
    actions.verify_identity(g.session, identity_id=identity_id)
    flash("You vouch for this sender; it is kept in the audit log", "success")
    return _back(identity_id)


@pages.post("/settings/senders/<int:identity_id>/check")
@requires(Permission.ADMINISTER)
def check(identity_id: int) -> Answer:
    subject = actions.examine_identity(g.session, identity_id=identity_id)
    after_commit(g.session, lambda: _examine(identity_id, subject))
    return _back(identity_id)


def _examine(identity_id: int, subject: Subject) -> None:
    """Runs when the request's transaction has ended: no lock is held while name servers take their time."""
    found = actions.examine(subject, Asker())
    with transaction() as session:
        actions.store_findings(session, identity_id=identity_id, found=found)
    wrong = sum(one.level != "ok" for one in found)
    flash(f"{wrong} of {len(found)} things to look at" if wrong else "All records are as they should be",
          "warning" if wrong else "success")


@pages.post("/settings/senders/<int:identity_id>/try-now")
@requires(Permission.ADMINISTER)
def try_now(identity_id: int) -> Answer:
    woken = actions.try_now(g.session, identity_id=identity_id)
    flash(f"Tried again now; {woken:,} messages are due", "success")
    return _back(identity_id) if identity_id else redirect(url_for("sending.index"))


@pages.post("/settings/senders/<int:identity_id>/keys")
@requires(Permission.ADMINISTER)
def make_key(identity_id: int) -> Answer:
    actions.make_key(g.session, identity_id=identity_id, algorithm=request.form.get("algorithm", "rsa"))
    flash("Publish the record below, then start signing with it", "success")
    return _back(identity_id, "keys")


@pages.post("/settings/senders/keys/<int:key_id>/activate")
@requires(Permission.ADMINISTER)
def activate_key(key_id: int) -> Answer:
    key = actions.activate_key(g.session, key_id=key_id)
    flash(f"Messages are signed with {key.selector} from now on", "success")
    return _back(key.identity_id, "keys")


@pages.post("/settings/senders/keys/<int:key_id>/retire")
@requires(Permission.ADMINISTER)
def retire_key(key_id: int) -> Answer:
    key = actions.retire_key(g.session, key_id=key_id)
    flash(f"{key.selector} signs no more; leave its record published for a week", "success")
    return _back(key.identity_id, "keys")


def _back(identity_id: int, anchor: str | None = None) -> Response:
    return redirect(url_for("sending.show", identity_id=identity_id, _anchor=anchor))


def _form(typed: Mapping[str, Any], errors: Mapping[str, str], identity_id: int | None = None, *,
          has_secret: bool = False) -> str:
    return render_template("sending/form.html", typed=typed, errors=errors, identity_id=identity_id, kinds=KINDS,
                           tls=TLS, has_secret=has_secret)
