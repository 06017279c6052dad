"""The second factor: typing its code at sign-in, and switching it on and off for oneself."""

from collections.abc import Callable

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from abm.users import throttle, totp
from abm.users.models import User
from abm.users.pages import let_in
from abm.users.passwords import is_right
from abm.users.queries import get_user
from abm.users.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    count_recovery_codes,
    find_open_secret,
    has_second_factor,
    renew_recovery_codes,
    switch_off,
    takes_code,
)
from abm.users.sign_in import forget, who_waits_for_code
from abm.web.access import public, signed_in
from core.errors import InvalidInput

pages = Blueprint("second_factor", __name__)
Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


def _key(user: User) -> str:
    """Wrong codes count for the account, from wherever they come: whoever types them knows the password."""
    return throttle.throttle_key(f"second factor of {user.id}", "")


@pages.get("/sign-in/code")
@public
def ask_code() -> Answer:
    if who_waits_for_code(g.session) is None:
        return redirect(url_for("users.sign_in"))
    return render_template("users/code.html", errors={})


@pages.post("/sign-in/code")
@public
def try_code() -> Answer:
    waiting = who_waits_for_code(g.session)
    if waiting is None:
        flash("That took too long. Sign in again.", "error")
        return redirect(url_for("users.sign_in"))
    user, wanted = waiting
    if wait := throttle.seconds_to_wait(g.session, _key(user)):
        sentence = {"code": f"Too many tries. Wait {wait} seconds and try again."}
        return render_template("users/code.html", errors=sentence), 429, {"Retry-After": str(wait)}
    if not takes_code(g.session, user=user, code=request.form.get("code", "")):
        throttle.note_failure(g.session, _key(user))
        sentence = {"code": "The code is not right, or was used already. Wait for the next one."}
        return render_template("users/code.html", errors=sentence), 422
    throttle.forget_failures(g.session, _key(user))
    return let_in(user, wanted=wanted)


@pages.get("/second-factor")
@signed_in
def show() -> str:
    return _page({})


def _page(errors: dict[str, str]) -> str:
    secret = find_open_secret(g.session, g.user.id)
    link = totp.enrolment_link(secret, issuer=g.company.name, account=g.user.email) if secret else ""
    return render_template(
        "users/second_factor.html", errors=errors, is_on=has_second_factor(g.session, g.user.id), link=link,
        secret=totp.in_groups(secret) if secret else "", picture=Markup(totp.picture(link)) if link else "",  # noqa: S704
        left=count_recovery_codes(g.session, g.user.id))


@pages.post("/second-factor/begin")
@signed_in
def begin() -> Answer:
    user = get_user(g.session, g.user.id)
    if not is_right(request.form.get("present", ""), user.password_hash):
        return _page({"present": "That is not your password."}), 422
    begin_second_factor(g.session, user=user)
    return redirect(url_for("second_factor.show"))


@pages.post("/second-factor/confirm")
@signed_in
def confirm() -> Answer:
    return _with_code(lambda user, code: _show_codes(confirm_second_factor(g.session, user=user, code=code), ends=True))


@pages.post("/second-factor/recovery-codes")
@signed_in
def renew() -> Answer:
    return _with_code(lambda user, code: _show_codes(renew_recovery_codes(g.session, user=user, code=code), ends=False))


@pages.post("/second-factor/off")
@signed_in
def turn_off() -> Answer:
    return _with_code(_turn_off)


def _turn_off(user: User, code: str) -> Answer:
    switch_off(g.session, user=user, code=code)
    forget()
    flash("The second factor is off, and you are signed out everywhere.", "success")
    return redirect(url_for("users.sign_in"))


def _show_codes(codes: list[str], *, ends: bool) -> str:
    """The one time that they are seen. `ends`: every session ended, this one too."""
    if ends:
        forget()
    return render_template("users/recovery_codes.html", codes=codes, ends=ends)


def _with_code(act: Callable[[User, str], Answer]) -> Answer:
    """Try what asks for a code; wrong ones are slowed down as they are at sign-in."""
    user = get_user(g.session, g.user.id)
    if wait := throttle.seconds_to_wait(g.session, _key(user)):
        return _page({"code": f"Too many tries. Wait {wait} seconds and try again."}), 429, {"Retry-After": str(wait)}
    try:
        return act(user, request.form.get("code", ""))
    except InvalidInput as error:
        throttle.note_failure(g.session, _key(user))
        return _page(error.fields), 422
