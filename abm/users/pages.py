"""Signing in and out, own password, links to set one, and the administration of users."""

from urllib.parse import urlsplit

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy import delete
from werkzeug.wrappers import Response

from abm.audit.actions import Actor, act_as
from abm.users import actions, throttle
from abm.users.models import User, UserSession
from abm.users.passwords import is_right
from abm.users.queries import digest, find_one_time_token, get_user, list_users
from abm.users.second_factor import has_second_factor, list_protected_users, reset_second_factor
from abm.users.sign_in import check_credentials, current_token, forget, remember, wait_for_code
from abm.web.access import public, requires, signed_in
from abm.web.exports import Table, exports
from abm.web.permissions import ROLE_PERMISSIONS, Permission, Role, first_page
from abm.web.rate_limits import failed_sign_ins
from core import clock
from core.errors import InvalidInput, Refused
from core.settings import settings

pages = Blueprint("users", __name__)
Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


@pages.get("/sign-in")
@public
def sign_in() -> Answer:
    return render_template("users/sign_in.html", typed=request.args, errors={})


@pages.post("/sign-in")
@public
def try_sign_in() -> Answer:
    email, password = request.form.get("email", ""), request.form.get("password", "")
    key = throttle.throttle_key(email, request.remote_addr or "")
    caller = request.remote_addr or ""
    wait = max(throttle.seconds_to_wait(g.session, key), failed_sign_ins.seconds_to_wait(caller))
    if wait:
        page, code = _sign_in_again(f"Too many tries. Wait {wait} seconds and try again.", 429)
        return page, code, {"Retry-After": str(wait)}
    user = check_credentials(g.session, email=email, password=password)
    if user is None:
        throttle.note_failure(g.session, key)
        failed_sign_ins.count(caller)
        return _sign_in_again("The address or the password is not right.", 422)
    throttle.forget_failures(g.session, key)
    if has_second_factor(g.session, user.id):
        wait_for_code(user, request.form.get("next", ""))
        return redirect(url_for("second_factor.ask_code"))
    return let_in(user, wanted=request.form.get("next", ""))


def let_in(user: User, *, wanted: str) -> Response:
    """A new session for whoever has proved to be this user, and on to where they were going."""
    act_as(Actor(user.name, user.id, request.remote_addr or ""))
    remember(actions.open_session(g.session, user=user, ip=request.remote_addr or "", agent=request.user_agent.string))
    return redirect(_inside(wanted, role=user.role))


def _sign_in_again(sentence: str, code: int) -> tuple[str, int]:
    return render_template("users/sign_in.html", typed=request.form, errors={"password": sentence}), code


def _inside(wanted: str, *, role: str) -> str:
    """Only a path of this product; anything else, and the start itself, leads to where the role starts."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return wanted if is_ours and wanted != "/" else url_for(first_page(role))


@pages.post("/sign-out")
@signed_in
def sign_out() -> Answer:
    g.session.execute(delete(UserSession).where(UserSession.token_digest == digest(current_token())))
    forget()
    return redirect(url_for("users.sign_in"))


@pages.get("/password")
@signed_in
def own_password() -> Answer:
    return render_template("users/own_password.html", typed={}, errors={})


@pages.post("/password")
@signed_in
def change_own_password() -> Answer:
    user = get_user(g.session, g.user.id)
    if not is_right(request.form.get("present", ""), user.password_hash):
        return render_template(
            "users/own_password.html", typed={}, errors={"present": "That is not your password."}
        ), 422
    try:
        actions.set_password(g.session, user=user, password=request.form.get("password", ""))
    except InvalidInput as error:
        return render_template("users/own_password.html", typed={}, errors=error.fields), 422
    forget()
    flash("Password changed. Sign in with the new one.", "success")
    return redirect(url_for("users.sign_in"))


@pages.get("/signature")
@signed_in
def own_signature() -> Answer:
    return render_template("users/own_signature.html", typed={"signature": g.user.signature}, errors={})


@pages.post("/signature")
@signed_in
def save_own_signature() -> Answer:
    try:
        actions.set_signature(g.session, user=get_user(g.session, g.user.id), text=request.form.get("signature", ""))
    except InvalidInput as error:
        return render_template("users/own_signature.html", typed=request.form, errors=error.fields), 422
    flash("Saved", "success")
    return redirect(url_for("users.own_signature"))


@pages.get("/set-password/<token>")
@public
def set_password(token: str) -> Answer:
    found = find_one_time_token(g.session, token)
    return render_template("users/set_password.html", is_valid=found is not None, errors={}), 200 if found else 404


@pages.post("/set-password/<token>")
@public
def save_password(token: str) -> Answer:
    found = find_one_time_token(g.session, token)
    if found is None or found.user_id is None:
        return render_template("users/set_password.html", is_valid=False, errors={}), 404
    try:
        actions.set_password(
            g.session, user=get_user(g.session, found.user_id), password=request.form.get("password", "")
        )
    except InvalidInput as error:
        return render_template("users/set_password.html", is_valid=True, errors=error.fields), 422
    found.used_at = clock.now()
    flash("Password set. Sign in with it.", "success")
    return redirect(url_for("users.sign_in"))


@pages.get("/set-up/<token>")
@public
def first_set_up(token: str) -> Answer:
    found = find_one_time_token(g.session, token)
    is_valid = found is not None and found.user_id is None
    return render_template("users/first_set_up.html", is_valid=is_valid, typed={}, errors={}), 200 if is_valid else 404


@pages.post("/set-up/<token>")
@public
def save_first_user(token: str) -> Answer:
    found, form = find_one_time_token(g.session, token), request.form
    if found is None or found.user_id is not None:
        return render_template("users/first_set_up.html", is_valid=False, typed={}, errors={}), 404
    try:
        actions.create_first_admin(
            g.session,
            token=found,
            email=form.get("email", ""),
            name=form.get("name", ""),
            password=form.get("password", ""),
        )
    except InvalidInput as error:
        return render_template("users/first_set_up.html", is_valid=True, typed=form, errors=error.fields), 422
    flash("You are the administrator. Sign in with your new password.", "success")
    return redirect(url_for("users.sign_in"))


@pages.get("/settings/users")
@requires(Permission.ADMINISTER)
def index() -> Answer:
    return _users_page({}, {})


@exports(pages, "/settings/users/export", permission=Permission.ADMINISTER)
def export() -> Table:
    protected = list_protected_users(g.session)
    rows = ((user.name, user.email, user.role, user.is_active, user.created_at, user.id in protected)
            for user in list_users(g.session))
    return Table("users", columns=("name", "email", "role", "is_active", "created_at", "has_second_factor"), rows=rows)


def _users_page(typed: object, errors: dict[str, str], link: str = "") -> str:
    return render_template(
        "users/index.html",
        users=list_users(g.session),
        protected=list_protected_users(g.session),
        roles=list(Role),
        typed=typed,
        errors=errors,
        link=link,
        permissions=list(Permission),
        table=ROLE_PERMISSIONS,
    )


@pages.post("/settings/users")
@requires(Permission.ADMINISTER)
def create() -> Answer:
    form = request.form
    try:
        user = actions.create_user(
            g.session, email=form.get("email", ""), name=form.get("name", ""), role=form.get("role", "")
        )
    except InvalidInput as error:
        return _users_page(form, error.fields), 422
    token = actions.issue_link_token(g.session, user=user, minutes=24 * 60)
    return _users_page({}, {}, settings().base_url + url_for("users.set_password", token=token))


@pages.post("/settings/users/<int:user_id>/role")
@requires(Permission.ADMINISTER)
def change_role(user_id: int) -> Answer:
    actions.set_role(g.session, user=get_user(g.session, user_id), role=request.form.get("role", ""))
    flash("Role changed; the user signs in again.", "success")
    return redirect(url_for("users.index"))


@pages.post("/settings/users/<int:user_id>/active")
@requires(Permission.ADMINISTER)
def change_active(user_id: int) -> Answer:
    user = get_user(g.session, user_id)
    (actions.disable_user if user.is_active else actions.enable_user)(g.session, user=user)
    flash(f"{user.name} can {'sign in again' if user.is_active else 'no longer sign in'}.", "success")
    return redirect(url_for("users.index"))


@pages.post("/settings/users/<int:user_id>/link")
@requires(Permission.ADMINISTER)
def reset_link(user_id: int) -> Answer:
    token = actions.issue_link_token(g.session, user=get_user(g.session, user_id))
    return _users_page({}, {}, settings().base_url + url_for("users.set_password", token=token))


@pages.post("/settings/users/<int:user_id>/second-factor")
@requires(Permission.ADMINISTER)
def reset_factor(user_id: int) -> Answer:
    if user_id == g.user.id:
        raise Refused("Switch your own second factor off on its own page, with a code")
    user = get_user(g.session, user_id)
    reset_second_factor(g.session, user=user)
    flash(f"The second factor of {user.name} is reset; the user was told by e-mail.", "success")
    return redirect(url_for("users.index"))
