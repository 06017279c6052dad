"""Settings → Receiving: mailboxes that are looked into, webhooks that providers call."""

from collections.abc import Mapping

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.sending import receiving
from abm.sending.receiving import KINDS, TLS
from abm.web.access import requires
from abm.web.permissions import Permission
from campaigns.hook_forms import FORMS
from core.errors import InvalidInput
from core.jobs import ring_after_commit

pages = Blueprint("receiving", __name__)
# Both forms stand on one page, so the fields of the second have names of their own.
_HOOK_FIELDS = {"name": "hook_name", "secret": "hook_secret"}
Answer = str | Response | tuple[str, int]


@pages.get("/settings/receiving")
@requires(Permission.ADMINISTER)
def index() -> Answer:
    return _page()


@pages.post("/settings/receiving/mailboxes")
@requires(Permission.ADMINISTER)
def add_mailbox() -> Answer:
    try:
        mailbox = receiving.create_mailbox(g.session, form=request.form)
    except InvalidInput as error:
        return _page(mailbox=request.form, mailbox_errors=error.fields), 422
    ring_after_commit(g.session, "outreach.poll_mailboxes")
    flash(f"{mailbox.name} is looked into every minute from now on", "success")
    return redirect(url_for("receiving.index"))


@pages.post("/settings/receiving/mailboxes/remove")
@requires(Permission.ADMINISTER)
def remove_mailbox() -> Answer:
    receiving.remove_mailbox(g.session, name=request.form.get("name", ""))
    return redirect(url_for("receiving.index"))


@pages.post("/settings/receiving/hooks")
@requires(Permission.ADMINISTER)
def add_hook() -> Answer:
    try:
        made = receiving.create_hook(g.session, form={name.removeprefix("hook_"): value
                                                      for name, value in request.form.items()})
    except InvalidInput as error:
        return _page(hook=request.form, hook_errors={_HOOK_FIELDS.get(name, name): sentence
                                                     for name, sentence in error.fields.items()}), 422
    return _page(made=made)


@pages.post("/settings/receiving/hooks/remove")
@requires(Permission.ADMINISTER)
def remove_hook() -> Answer:
    receiving.remove_hook(g.session, name=request.form.get("name", ""))
    return redirect(url_for("receiving.index"))


def _page(*, mailbox: Mapping[str, str] | None = None, mailbox_errors: Mapping[str, str] | None = None,
          hook: Mapping[str, str] | None = None, hook_errors: Mapping[str, str] | None = None,
          made: receiving.NewHook | None = None) -> str:
    return render_template(
        "sending/receiving.html", mailboxes=receiving.list_mailboxes(g.session), hooks=receiving.list_hooks(g.session),
        hook_url=receiving.hook_url, kinds=KINDS, tls=TLS, forms=FORMS, made=made,
        typed=mailbox or {"kind": "imap", "tls": "implicit"}, errors=mailbox_errors or {},
        hook_typed=hook or {"form": "standard"}, hook_errors=hook_errors or {})
