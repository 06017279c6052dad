from datetime import timedelta

import pytest
from argon2.exceptions import VerificationError

from abm.users import actions, passwords
from abm.users.throttle import wait_seconds
from core import clock, db
from tests.factories import make_user

PASSWORD = "seven purple elephants dance"


@pytest.fixture
def jane(database):
    with db.transaction() as session:
        return actions.create_user(session, email="Jane@Example.com", name="Jane", role="marketer", password=PASSWORD)


def sign_in(client, password=PASSWORD, email="jane@example.com", **more):
    return client.post("/sign-in", data={"email": email, "password": password, **more})


def test_the_right_password_opens_the_product(jane, client_as):
    client = client_as(None)
    assert sign_in(client).headers["Location"] == "/"
    assert client.get("/settings").status_code == 200


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(jane, client_as):
    wrong = sign_in(client_as(None), password="not the password at all")
    unknown = sign_in(client_as(None), email="nobody@example.com")
    assert (wrong.status_code, unknown.status_code) == (422, 422)
    strip = lambda answer, typed: answer.get_data(as_text=True).replace(typed, "")  # noqa: E731
    assert _without_nonce(strip(wrong, "jane@example.com")) == _without_nonce(strip(unknown, "nobody@example.com"))


def _without_nonce(page):
    import re

    return re.sub(r'nonce="[^"]+"|name="csrf_token" value="[^"]+"', "", page)


def test_after_five_failures_the_next_try_waits_even_with_the_right_password(jane, client_as):
    client = client_as(None)
    for _ in range(6):
        sign_in(client, password="wrong wrong wrong")
    assert sign_in(client).status_code == 429


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0), (4, 0), (5, 60), (6, 120), (9, 900), (40, 900)])
def test_the_wait_grows_and_has_an_end(failures, seconds):
    assert wait_seconds(failures) == seconds


def test_the_session_token_changes_at_sign_in(jane, client_as):
    client = client_as(None)
    sign_in(client)
    with client.session_transaction() as cookie:
        first = cookie["token"]
    sign_in(client)
    with client.session_transaction() as cookie:
        assert cookie["token"] != first


def test_signing_out_ends_the_session_on_the_server_too(jane, client_as):
    client = client_as(None)
    sign_in(client)
    with client.session_transaction() as cookie:
        token = cookie["token"]
    client.post("/sign-out")
    with client.session_transaction() as cookie:
        cookie["token"] = token
    assert client.get("/settings").status_code == 302


def test_disabling_a_user_ends_their_sessions_at_once(client_as):
    client = client_as("sales")
    with db.transaction() as session:
        from abm.users.queries import get_user

        actions.disable_user(session, user=get_user(session, client.user_id))
    assert client.get("/settings").status_code == 302


def test_an_idle_session_ends(client_as, at):
    client = client_as("sales")
    at(clock.now() + timedelta(hours=13))
    assert client.get("/settings").status_code == 302


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(jane, client_as, target):
    assert sign_in(client_as(None), next=target).headers["Location"] == "/"


def test_a_password_link_works_once(jane, client_as):
    with db.transaction() as session:
        token = actions.issue_link_token(session, user=jane)
    client, new = client_as(None), "eleven quiet rivers flow north"
    assert client.post(f"/set-password/{token}", data={"password": new}).status_code == 302
    assert client.post(f"/set-password/{token}", data={"password": new}).status_code == 404
    assert sign_in(client, password=new).status_code == 302


def test_a_guessable_password_is_refused_with_a_sentence(jane, client_as):
    with db.transaction() as session:
        token = actions.issue_link_token(session, user=jane)
    answer = client_as(None).post(f"/set-password/{token}", data={"password": "password12345"})
    assert answer.status_code == 422
    assert "easy to guess" in answer.get_data(as_text=True)


def test_the_last_administrator_cannot_be_disabled(client_as):
    client = client_as("admin")
    assert client.post(f"/settings/users/{client.user_id}/active").status_code == 409


def test_a_form_without_its_token_is_refused(app, jane):
    app.config["WTF_CSRF_ENABLED"] = True
    assert (
        app.test_client().post("/sign-in", data={"email": "jane@example.com", "password": PASSWORD}).status_code == 400
    )


def test_pages_carry_the_security_headers(client_as):
    headers = client_as(None).get("/sign-in").headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


def test_a_foreign_host_header_is_refused(client_as):
    assert client_as(None).get("/sign-in", headers={"Host": "evil.example"}).status_code == 400


def test_a_new_user_gets_a_link_and_no_password(client_as):
    page = client_as("admin").post("/settings/users", data={"email": "new@example.com", "name": "New", "role": "sales"})
    assert "/set-password/" in page.get_data(as_text=True)


def test_a_user_form_keeps_what_was_typed(client_as):
    page = client_as("admin").post("/settings/users", data={"email": "broken", "name": "Typed Name", "role": "sales"})
    assert page.status_code == 422
    assert "Typed Name" in page.get_data(as_text=True)


def test_two_users_cannot_share_an_address(database):
    from core.errors import InvalidInput

    with db.transaction() as session:
        make_user(session, email="same@example.com")
        with pytest.raises(InvalidInput) as refusal:
            actions.create_user(session, email="SAME@example.com", name="X", role="sales")
    assert "email" in refusal.value.fields


def test_the_set_up_link_makes_the_first_administrator_once(client_as):
    with db.transaction() as session:
        token = actions.issue_first_set_up_token(session)
    client, form = client_as(None), {"email": "boss@example.com", "name": "Boss", "password": PASSWORD}
    assert client.post(f"/set-up/{token}", data=form).status_code == 302
    assert client.post(f"/set-up/{token}", data={**form, "email": "x@example.com"}).status_code == 404
    assert sign_in(client, email="boss@example.com").status_code == 302


@pytest.mark.parametrize("change", [
    lambda session, user: actions.set_password(session, user=user, password="eleven quiet rivers flow north"),
    lambda session, user: actions.set_role(session, user=user, role="viewer"),
    lambda session, user: actions.disable_user(session, user=user)])
def test_a_new_password_a_new_role_and_a_stop_end_every_session_at_once(jane, client_as, change):
    first, second = client_as(None), client_as(None)
    for client in (first, second):
        sign_in(client)
        assert client.get("/settings").status_code == 200
    with db.transaction() as session:
        change(session, session.merge(jane))
    assert [client.get("/settings").status_code for client in (first, second)] == [302, 302]


def test_a_password_link_ends_after_an_hour_and_with_any_new_password(jane, client_as, at):
    new = "eleven quiet rivers flow north"
    with db.transaction() as session:
        late, void = (actions.issue_link_token(session, user=session.merge(jane)) for _ in range(2))
        actions.set_password(session, user=session.merge(jane), password=new)
        fresh = actions.issue_link_token(session, user=session.merge(jane))
    assert client_as(None).post(f"/set-password/{void}", data={"password": new}).status_code == 404
    at(clock.now() + timedelta(minutes=61))
    for token in (late, fresh):
        assert client_as(None).post(f"/set-password/{token}", data={"password": new}).status_code == 404


def test_a_session_ends_after_a_week_however_busy(jane, client_as, at):
    client, begun = client_as(None), clock.now()
    sign_in(client)
    for hours in range(6, 7 * 24, 6):
        at(begun + timedelta(hours=hours))
        assert client.get("/settings").status_code == 200
    at(begun + timedelta(days=7, minutes=1))
    assert client.get("/settings").status_code == 302


def test_as_many_passwords_are_computed_for_whoever_is_asked_for(jane, client_as, monkeypatch):
    with db.transaction() as session:
        stopped = actions.create_user(session, email="joe@example.com", name="Joe", role="sales", password=PASSWORD)
        actions.disable_user(session, user=stopped)
    computed = []

    class Counting:
        def verify(self, stored, password):
            computed.append(stored)
            raise VerificationError

    monkeypatch.setattr(passwords, "_HASHER", Counting())
    for email in ("jane@example.com", "joe@example.com", "nobody@example.com"):
        sign_in(client_as(None), password="not the password at all", email=email)
    assert len(computed) == 3


def test_what_breaks_is_told_by_a_number_and_never_by_a_trace(app, client_as, monkeypatch):
    client = client_as("admin")
    monkeypatch.setitem(app.view_functions, "settings.index", _broken)
    answer = client.get("/settings")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    assert "Something broke on our side" in page
    assert not any(word in page for word in ("Traceback", "ZeroDivisionError", "secret-of-the-trace"))


def _broken():
    raise ZeroDivisionError("secret-of-the-trace")


_broken.access = "see"
