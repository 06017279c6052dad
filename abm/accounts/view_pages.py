"""Saving and taking away views of the tables of accounts and people."""

from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, flash, g, redirect, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.views import PAGES, remove_view, save_view
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import InvalidInput

_NOT_KEPT = ("after", "before", "csrf_token", "page", "name")


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/views", view_func=add_view, methods=["POST"])
    pages.add_url_rule("/views/<int:view_id>/remove", view_func=drop_view, methods=["POST"])


@requires(Permission.SEE)
def add_view() -> Response:
    page = request.form.get("page", "")
    given = parse_qsl(request.form.get("arguments", "").replace("\x00", ""))[:50]
    arguments: dict[str, Any] = {name: value[:1000] for name, value in given if _is_filter(name)}
    try:
        save_view(g.session, user_id=g.user.id, page=page, name=request.form.get("name", "").replace("\x00", ""),
                  arguments=arguments, is_shared=bool(request.form.get("is_shared")))
    except InvalidInput as error:
        flash(error.fields.get("name", str(error)), "error")
    return redirect(url_for(PAGES.get(page, "accounts.index"), **arguments))


def _is_filter(name: str) -> bool:
    """An argument of the page; never one that leads out of the product, such as `_external`."""
    return name.isidentifier() and not name.startswith("_") and name not in _NOT_KEPT


@requires(Permission.SEE)
def drop_view(view_id: int) -> Response:
    return redirect(url_for(PAGES[remove_view(g.session, view_id=view_id, user_id=g.user.id)]))
