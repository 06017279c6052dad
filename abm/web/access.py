"""Who may call which view. Every view says so with `@requires(...)`, `@requires_scope(...)` or `@public`; one that says
nothing is refused."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from flask import Flask, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from abm.web.api_access import Scope, check_scope
from abm.web.permissions import Permission, first_page, may

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
SIGNED_IN = "signed_in"


class CurrentUser(Protocol):
    """The signed-in user, as pages see it (`g.user`); None when nobody is signed in."""

    id: int
    name: str
    email: str
    role: str


def requires(permission: Permission) -> Callable[[View], View]:
    """Only users whose role has the permission reach the view."""

    def mark(view: View) -> View:
        view.access = permission  # type: ignore[attr-defined]
        return view

    return mark


def signed_in(view: View) -> View:
    """Any signed-in user reaches the view (the own password, signing out)."""
    view.access = SIGNED_IN  # type: ignore[attr-defined]
    return view


def public(view: View) -> View:
    """Anybody reaches the view without signing in."""
    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


def only_reads(view: View) -> View:
    """A POST that changes nothing (a form too long for an address): it takes no write lock."""
    view.only_reads = True  # type: ignore[attr-defined]
    return view


def changes_nothing(app: Flask, endpoint: str) -> bool:
    return getattr(app.view_functions[endpoint], "only_reads", False)


def public_without_session(view: View) -> View:
    """Anybody reaches the view, also while the database is away: there is no `g.session`, `g.user` or `g.company`."""
    view.has_no_session = True  # type: ignore[attr-defined]
    return public(view)


def needs_no_session(app: Flask, endpoint: str) -> bool:
    return getattr(app.view_functions.get(endpoint), "has_no_session", False)


def access_of(app: Flask, endpoint: str) -> str | None:
    """The access mark of an endpoint: a permission, a scope, PUBLIC, SIGNED_IN, or None when it has none."""
    return getattr(app.view_functions[endpoint], "access", None)


def is_opened_by_token(app: Flask, endpoint: str) -> bool:
    """Whether the view is for programs: a browser's session opens nothing there."""
    return isinstance(access_of(app, endpoint), Scope)


def refuse_unmarked_views(app: Flask) -> None:
    """Called once all routes are there: a view without a mark is a mistake that must not start."""
    unmarked = [rule.endpoint for rule in app.url_map.iter_rules() if access_of(app, rule.endpoint) is None]
    if unmarked:
        raise RuntimeError(f"views without @requires, @signed_in or @public: {', '.join(sorted(unmarked))}")


def check_access() -> Response | None:
    """None when the request may go on; a redirect to the sign-in page; or aborts with 403."""
    mark = access_of(current_app, request.endpoint or "")
    if mark == PUBLIC:
        return None
    if isinstance(mark, Scope):
        return check_scope(mark)
    if g.user is None:
        return _to_sign_in()
    if mark == SIGNED_IN or (mark is not None and may(g.user.role, Permission(mark))):
        return None
    return abort(403)


def _to_sign_in() -> Response:
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": url_for("users.sign_in")})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(url_for("users.sign_in", next=wanted))


def start_url() -> str:
    """For templates: where the signed-in user starts; for a visitor the front door. A page that says what failed is
    made after the session has closed, so the role is kept beside the user."""
    return url_for(first_page(g.role)) if g.get("role") else "/"


def user_may(permission: str) -> bool:
    """For templates: whether the signed-in user has the permission (its value as text)."""
    return g.get("user") is not None and may(g.user.role, Permission(permission))
