"""Settings → API tokens."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.api.tokens import LONGEST_DAYS, create_token, list_tokens, revoke_token, state_of
from abm.users.queries import get_user
from abm.web.access import requires
from abm.web.api_access import Scope
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import InvalidInput
from core.settings import settings

pages = Blueprint("api_tokens", __name__)
Answer = str | Response | tuple[str, int]
_COLUMNS = ("name", "prefix", "user", "scopes", "state", "created_at", "expires_at", "last_used_at")


def _page(typed: Any, errors: Any, *, made: str = "") -> str:
    return render_template("api/tokens.html", tokens=list_tokens(g.session), state_of=state_of, typed=typed, made=made,
                           errors=errors, scopes=[(scope.value, scope.value) for scope in Scope],
                           base=settings().base_url, most=LONGEST_DAYS)


@pages.get("/settings/api-tokens")
@requires(Permission.ADMINISTER)
def index() -> Answer:
    return _page({"days": "90"}, {})


@pages.post("/settings/api-tokens")
@requires(Permission.ADMINISTER)
def create() -> Answer:
    form = request.form
    days = form.get("days", "")
    try:
        _token, plain = create_token(
            g.session, user=get_user(g.session, g.user.id), name=form.get("name", ""), scopes=form.getlist("scopes"),
            days=int(days) if days.isascii() and days.isdecimal() and len(days) < 6 else 0)
    except InvalidInput as error:
        return _page(form, error.fields), 422
    return _page({"days": "90"}, {}, made=plain)


@pages.post("/settings/api-tokens/<int:token_id>/revoke")
@requires(Permission.ADMINISTER)
def revoke(token_id: int) -> Answer:
    flash(f"{revoke_token(g.session, token_id=token_id).name} opens nothing any more.", "success")
    return redirect(url_for("api_tokens.index"))


@exports(pages, "/settings/api-tokens/export", permission=Permission.ADMINISTER)
def export() -> Table:
    rows = ((token.name, token.prefix, user.email, " ".join(token.scopes), state_of(token), token.created_at,
             token.expires_at, token.last_used_at) for token, user in list_tokens(g.session))
    return Table("api-tokens", columns=_COLUMNS, rows=rows)
