"""Today, search, and what is running now."""

from flask import Blueprint, g, render_template, request

from abm.home.queries import checklist, running_work, search_everything, today_figures
from abm.web.access import requires
from abm.web.permissions import Permission
from core.jobs import queue_trouble

pages = Blueprint("home", __name__)


@pages.get("/")
@requires(Permission.SEE)
def today() -> str:
    figures = today_figures(g.session, user_id=g.user.id)
    return render_template(
        "home/today.html", steps=checklist(g.session, has_sent=figures.messages.sent > 0), today=figures
    )


@pages.get("/search")
@requires(Permission.SEE)
def search() -> str:
    wanted = request.args.get("q", "").strip()
    found = search_everything(g.session, text=wanted) if len(wanted) >= 2 else []
    name = "home/_search.html" if request.headers.get("HX-Request") else "home/search.html"
    return render_template(name, wanted=wanted, found=found)


@pages.get("/running")
@requires(Permission.SEE)
def running() -> str:
    """Asked for every few seconds by every page: also whether background work has to wait."""
    return render_template("home/_running.html", running=running_work(g.session), is_waiting=bool(queue_trouble()))
