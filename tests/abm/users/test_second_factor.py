"""Signing in with a second factor, and the ways around it that must not exist."""

import re
from base64 import b32decode
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner
from sqlalchemy import select, text

from abm.audit.models import AuditEntry
from abm.users import actions, notices, passwords, second_factor
from abm.users.commands import users as users_command
from abm.users.models import RecoveryCode, SecondFactor
from abm.users.queries import get_user
from abm.users.totp import hotp, step_at
from core import clock, db
from core.secrets import decrypt
from core.settings import settings

PASSWORD = "seven purple elephants dance"


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch):
    """Passwords are not what is tried here."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def jane(database):
    with db.transaction() as session:
        return actions.create_user(session, email="jane@example.com", name="Jane", role="admin", password=PASSWORD)


@pytest.fixture
def codes(jane):
    """Switches the second factor on as the pages do; the recovery codes."""
    with db.transaction() as session:
        second_factor.begin_second_factor(session, user=get_user(session, jane.id))
    with db.transaction() as session:
        return second_factor.confirm_second_factor(session, user=get_user(session, jane.id), code=code_of(jane, -1))


def code_of(user, drift=0):
    """What the user's app shows now, or some steps before or after."""
    with db.reading() as session:
        secret = decrypt(session.get(SecondFactor, user.id).secret_sealed)
    return hotp(b32decode(secret), step_at(clock.now().timestamp()) + drift)


def type_password(client, **more):
    return client.post("/sign-in", data={"email": "jane@example.com", "password": PASSWORD, **more})


def type_code(client, code):
    return client.post("/sign-in/code", data={"code": code})


def is_in(client):
    return client.get("/settings").status_code == 200


def test_the_password_alone_opens_nothing_once_it_is_on(jane, codes, client_as):
    client = client_as(None)
    assert type_password(client).headers["Location"] == "/sign-in/code"
    assert not is_in(client)
    assert type_code(client, code_of(jane)).status_code == 302
    assert is_in(client)


def test_a_code_opens_the_product_once(jane, codes, client_as):
    first, second, code = client_as(None), client_as(None), code_of(jane)
    for client in (first, second):
        type_password(client)
        type_code(client, code)
    assert (is_in(first), is_in(second)) == (True, False)


def test_the_code_with_which_it_was_switched_on_opens_nothing(jane, codes, client_as):
    client = client_as(None)
    type_password(client)
    assert type_code(client, code_of(jane, -1)).status_code == 422


def test_a_recovery_code_opens_the_product_once_however_it_is_typed(jane, codes, client_as):
    for typed, expected in ((codes[0].lower().replace("-", " "), True), (codes[0], False), (codes[1], True)):
        client = client_as(None)
        type_password(client)
        type_code(client, typed)
        assert is_in(client) is expected


def test_codes_of_another_user_open_nothing(jane, codes, client_as):
    with db.transaction() as session:
        other = actions.create_user(session, email="joe@example.com", name="Joe", role="sales", password=PASSWORD)
        second_factor.begin_second_factor(session, user=other)
    with db.transaction() as session:
        theirs = second_factor.confirm_second_factor(session, user=get_user(session, other.id), code=code_of(other))
    client = client_as(None)
    type_password(client)
    assert type_code(client, theirs[0]).status_code == 422


def test_after_five_wrong_codes_even_the_right_one_waits_wherever_it_comes_from(jane, codes, client_as):
    for number in range(5):
        client = client_as(None)
        type_password(client)
        client.post("/sign-in/code", data={"code": "000000"}, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
    client = client_as(None)
    type_password(client)
    answer = type_code(client, code_of(jane))
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 50


def test_a_new_password_does_not_switch_it_off(jane, codes, client_as):
    new = "eleven quiet rivers flow north"
    with db.transaction() as session:
        token = actions.issue_link_token(session, user=get_user(session, jane.id))
    client = client_as(None)
    client.post(f"/set-password/{token}", data={"password": new})
    answer = client.post("/sign-in", data={"email": "jane@example.com", "password": new})
    assert answer.headers["Location"] == "/sign-in/code"
    assert not is_in(client)


def test_a_waiting_sign_in_ends_with_a_new_password_and_after_five_minutes(jane, codes, client_as, at):
    client, late = client_as(None), client_as(None)
    type_password(client)
    type_password(late)
    at(clock.now() + timedelta(minutes=6))
    assert type_code(late, code_of(jane)).headers["Location"] == "/sign-in"
    at(clock.now() - timedelta(minutes=6))
    with db.transaction() as session:
        actions.set_password(session, user=get_user(session, jane.id), password="eleven quiet rivers flow north")
    assert type_code(client, code_of(jane)).headers["Location"] == "/sign-in"
    assert not is_in(client)


def test_a_disabled_user_who_waits_is_not_let_in(jane, codes, client_as):
    client = client_as(None)
    type_password(client)
    client_as("admin")
    with db.transaction() as session:
        actions.disable_user(session, user=get_user(session, jane.id))
    type_code(client, code_of(jane))
    assert not is_in(client)


def test_it_leads_to_where_the_user_was_going_and_never_elsewhere(jane, codes, client_as):
    for wanted, expected in (("/settings/users", "/settings/users"), ("https://evil.example/", "/")):
        client = client_as(None)
        type_password(client, next=wanted)
        assert type_code(client, codes.pop()).headers["Location"] == expected


def test_switching_it_on_by_the_pages_shows_the_codes_once_and_ends_every_session(jane, client_as):
    client, other = client_as(None), client_as(None)
    type_password(client)
    type_password(other)
    assert client.post("/second-factor/begin", data={"present": "not it"}).status_code == 422
    client.post("/second-factor/begin", data={"present": PASSWORD})
    page = client.get("/second-factor").get_data(as_text=True)
    assert "otpauth://totp/" in page
    assert "<svg" in page
    shown = client.post("/second-factor/confirm", data={"code": code_of(jane)}).get_data(as_text=True)
    assert len(set(re.findall(r"\b(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}\b", shown))) == 10
    assert (is_in(client), is_in(other)) == (False, False)


def test_a_secret_that_counts_is_never_shown_again(jane, codes, client_as):
    client = client_as(None)
    type_password(client)
    type_code(client, code_of(jane))
    with db.reading() as session:
        secret = decrypt(session.get(SecondFactor, jane.id).secret_sealed)
    page = client.get("/second-factor").get_data(as_text=True)
    assert secret not in page.replace(" ", "")
    assert "10 of 10 recovery codes" in page


def test_switching_it_off_asks_for_a_code_and_ends_every_session(jane, codes, client_as):
    client = client_as(None)
    type_password(client)
    type_code(client, code_of(jane))
    assert client.post("/second-factor/off", data={"code": "000000"}).status_code == 422
    client.post("/second-factor/off", data={"code": codes[0]})
    assert not is_in(client)
    assert type_password(client).headers["Location"] == "/"


def test_new_recovery_codes_end_the_old_ones(jane, codes, client_as):
    client = client_as(None)
    type_password(client)
    type_code(client, code_of(jane))
    client.post("/second-factor/recovery-codes", data={"code": codes[0]})
    client.post("/sign-out")
    type_password(client)
    assert type_code(client, codes[1]).status_code == 422


def test_neither_the_secret_nor_the_codes_are_stored_in_clear(jane, codes):
    with db.reading() as session:
        sealed = session.get(SecondFactor, jane.id).secret_sealed
        stored = sealed + "".join(session.scalars(select(RecoveryCode.digest)))
        audited = "".join(str(row) for row in session.execute(text("SELECT * FROM audit_detail")))
    for plain in (decrypt(sealed), *(code.replace("-", "") for code in codes)):
        assert plain not in stored
        assert plain not in audited


def test_the_secrets_are_sealed_anew_with_the_others(jane, codes, monkeypatch):
    from abm.sending.actions import rotate_secrets

    monkeypatch.setenv("ABM_SECRET_KEY", f"another-key-of-at-least-thirty-two-signs,{settings().secret_key}")
    settings.cache_clear()
    with db.transaction() as session:
        assert rotate_secrets(session) == 1
    monkeypatch.setenv("ABM_SECRET_KEY", "another-key-of-at-least-thirty-two-signs")
    settings.cache_clear()
    assert code_of(jane).isdecimal()


def test_an_administrator_resets_it_for_others_only_and_the_user_is_told(jane, codes, client_as, data_dir):
    admin = client_as("admin")
    assert admin.post(f"/settings/users/{jane.id}/second-factor").status_code == 302
    notices.tell_of_second_factor(user_id=jane.id, action="user.second_factor_reset")
    (mail,) = [path.read_text() for path in settings().outbox_dir.glob("*.eml")]
    assert "To: jane@example.com" in mail
    assert "Auto-Submitted: auto-generated" in mail
    assert "An administrator reset the second factor" in mail
    with db.reading() as session:
        assert session.scalars(select(AuditEntry.action).order_by(AuditEntry.id.desc())).first() == \
            "user.second_factor_reset"
    client = client_as(None)
    assert type_password(client).headers["Location"] == "/"


def test_nobody_resets_their_own_without_a_code(jane, codes, client_as):
    client = client_as(None)
    type_password(client)
    type_code(client, code_of(jane))
    assert client.post(f"/settings/users/{jane.id}/second-factor").status_code == 409
    assert client_as("marketer").post(f"/settings/users/{jane.id}/second-factor").status_code == 403


def test_a_reset_by_command_says_who_and_is_refused_where_there_is_none(jane, codes):
    done = CliRunner().invoke(users_command, ["reset-second-factor", "jane@example.com"])
    again = CliRunner().invoke(users_command, ["reset-second-factor", "jane@example.com"])
    assert (done.exit_code, "password alone" in done.output) == (0, True)
    assert "has no second factor" in str(again.exception)


def test_a_restored_copy_tells_nobody(jane, codes):
    from abm.company.actions import set_company_value

    with db.transaction() as session:
        set_company_value(session, name="restored_at", value=clock.now().isoformat())
    notices.tell_of_second_factor(user_id=jane.id, action="user.second_factor_reset")
    assert list(settings().outbox_dir.glob("*.eml")) == []
