"""Campaigns → Snippets: pieces of content that campaigns share, by language."""

from flask import abort, flash, g, redirect, render_template, request, url_for

from abm.outreach.actions import change_snippet
from abm.outreach.blueprint import Answer, pages
from abm.outreach.forms import Typed
from abm.outreach.models import Snippet
from abm.outreach.snippets import campaigns_with, list_snippets, remove_snippet
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import InvalidInput


@pages.get("/campaigns/snippets")
@requires(Permission.SEE)
def snippets() -> Answer:
    return _page(Typed(), {})


def _page(typed: Typed, errors: dict[str, str]) -> str:
    found = list_snippets(g.session)
    uses = {name: campaigns_with(g.session, name) for name in {one.name for one in found}}
    return render_template("outreach/snippets.html", snippets=found, uses=uses, typed=typed, errors=errors)


@pages.get("/campaigns/snippets/<int:snippet_id>")
@requires(Permission.EDIT_CAMPAIGNS)
def edit_snippet(snippet_id: int) -> Answer:
    one = _get(snippet_id)
    return _page(Typed({"name": one.name, "language": one.language, "content": one.content}), {})


@pages.post("/campaigns/snippets")
@requires(Permission.EDIT_CAMPAIGNS)
def save_snippet() -> Answer:
    form = request.form
    try:
        drafts = change_snippet(g.session, name=form.get("name", ""), language=form.get("language", ""),
                                content=form.get("content", ""))
    except InvalidInput as error:
        shown = error.fields if {"name", "language", "content"} & set(error.fields) else {"content": str(error)}
        return _page(form, shown), 422
    flash("Saved" + (f"; {', '.join(drafts)} follow" if drafts else ""), "success")
    return redirect(url_for("outreach.snippets"))


@pages.post("/campaigns/snippets/<int:snippet_id>/remove")
@requires(Permission.EDIT_CAMPAIGNS)
def drop_snippet(snippet_id: int) -> Answer:
    remove_snippet(g.session, _get(snippet_id))
    flash("Removed; campaigns that have it keep their copy", "success")
    return redirect(url_for("outreach.snippets"))


def _get(snippet_id: int) -> Snippet:
    found: Snippet | None = g.session.get(Snippet, snippet_id)
    return found or abort(404)
