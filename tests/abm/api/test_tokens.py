"""Tokens: shown once, kept as a digest, good for no more than they say, gone at once."""

import json
import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select, text

from abm.api.commands import tokens as tokens_command
from abm.api.models import ApiToken
from abm.api.tokens import create_token, revoke_token
from abm.users.actions import disable_user, set_role
from abm.users.models import User
from abm.web import rate_limits
from abm.web.access import access_of
from abm.web.api_access import Scope
from abm.web.permissions import Role
from core import clock, db
from core.errors import InvalidInput
from tests.abm.api.programs import ALL, Program
from tests.architecture.test_routes import address, rules
from tests.factories import make_account, make_user


def test_a_token_opens_what_its_scope_says(app):
    assert Program(app, "accounts:read").get("/accounts").status_code == 200


def test_what_is_kept_of_a_token_does_not_open_anything(app):
    program = Program(app, *ALL)
    with db.reading() as session:
        kept = session.execute(select(ApiToken.digest, ApiToken.prefix)).one()
        everything = "".join(str(row) for table in ("api_token", "audit_entry", "audit_detail")
                             for row in session.execute(text(f"SELECT * FROM {table}")))
    assert program.plain not in everything
    assert program.plain.startswith(kept.prefix)
    for stolen in (kept.digest, kept.prefix, f"{kept.prefix}_{kept.digest}", program.plain[:-1]):
        program.plain = stolen
        assert program.get("/accounts").status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer abm_x", "bearer \u00e9",
                                    "Bearer " + "a" * 5000])
def test_without_a_live_token_nothing_opens(app, header):
    answer = app.test_client().get("/api/v1/accounts", headers={"Authorization": header})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize("role", list(Role))
def test_a_signed_in_browser_opens_nothing_of_the_api(app, client_as, role):
    client = client_as(role)
    wrong = {}
    for rule in rules(app):
        if not isinstance(access_of(app, rule.endpoint), Scope):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(address(rule), method=method, json={} if method == "POST" else None)
            if answer.status_code not in (401, 415):
                wrong[f"{method} {rule.rule}"] = answer.status_code
        rate_limits.wrong_tokens.forget()
    assert wrong == {}


@pytest.mark.parametrize("scope", list(Scope))
def test_each_scope_opens_its_own_routes_and_no_other(app, scope):
    program = Program(app, scope)
    wrong = {}
    for rule in rules(app):
        mark = access_of(app, rule.endpoint)
        if not isinstance(mark, Scope):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            call = program.get if method == "GET" else program.post
            more = {"json": {}} if method == "POST" else {}
            code = call(address(rule).removeprefix("/api/v1"), **more).status_code
            if (code == 403) == (mark == scope) or code in (401, 500):
                wrong[f"{method} {rule.rule}"] = code
    assert wrong == {}


def test_a_token_opens_no_page(app):
    program = Program(app, *ALL)
    for page in ("/", "/settings", "/accounts", "/settings/users"):
        answer = program.client.get(page, headers={"Authorization": f"Bearer {program.plain}"})
        assert "/sign-in" in answer.headers["Location"]


def test_a_revoked_token_opens_nothing_from_that_moment(app):
    program = Program(app, *ALL)
    program.get("/accounts")
    with db.transaction() as session:
        revoke_token(session, token_id=program.token.id)
    assert program.get("/accounts").status_code == 401


def test_a_token_ends_on_its_day(app, at):
    program = Program(app, *ALL, days=2)
    at(clock.now() + timedelta(days=2, seconds=1))
    assert program.get("/accounts").status_code == 401


def test_a_token_is_worth_no_more_than_its_user(app, client_as):
    client_as("admin")
    program = Program(app, *ALL)
    with db.transaction() as session:
        set_role(session, user=session.get(User, program.user.id), role="viewer")
    assert program.get("/accounts").status_code == 403
    with db.transaction() as session:
        disable_user(session, user=session.get(User, program.user.id))
    assert program.get("/accounts").status_code == 401


@pytest.mark.parametrize("role", ["viewer", "partner"])
def test_a_role_without_the_right_gets_no_token(database, role):
    with db.transaction() as session:
        user = make_user(session, role=role)
        with pytest.raises(InvalidInput):
            create_token(session, user=user, name="x", scopes=["accounts:read"], days=1)


@pytest.mark.parametrize(("name", "scopes", "days"), [("", ["accounts:read"], 1), ("x", [], 1), ("x", ["all"], 1),
                                                      ("x", ["accounts:read"], 0), ("x", ["accounts:read"], 367)])
def test_a_token_without_name_scope_or_end_is_not_made(database, name, scopes, days):
    with db.transaction() as session, pytest.raises(InvalidInput):
        create_token(session, user=make_user(session, role="admin"), name=name, scopes=scopes, days=days)


@pytest.mark.parametrize("name", ["token", "access_token", "API_KEY", "key"])
def test_a_token_in_the_address_is_refused_even_when_it_is_right(app, name):
    program = Program(app, *ALL)
    assert program.client.get(f"/api/v1/accounts?{name}={program.plain}").status_code == 400
    assert program.get(f"/accounts?{name}=x").status_code == 400


def test_the_last_use_is_noted_but_not_at_each_call(app, at):
    program = Program(app, *ALL)
    at(moment := clock.now())
    program.get("/accounts")
    at(moment + timedelta(seconds=30))
    program.get("/accounts")
    with db.reading() as session:
        assert session.get(ApiToken, program.token.id).last_used_at == moment


def test_six_hundred_calls_a_minute_and_no_more_and_others_go_on(app, at):
    at(clock.now())
    first, second = Program(app, "lists:read"), Program(app, "lists:read")
    codes = [first.get("/lists").status_code for _ in range(601)]
    assert (codes.count(200), codes[-1]) == (600, 429)
    assert int(first.get("/lists").headers["Retry-After"]) >= 1
    assert second.get("/lists").status_code == 200


def test_wrong_tokens_are_slowed_down_by_address_and_the_right_one_is_not(app, at):
    at(clock.now())
    program, client = Program(app, *ALL), app.test_client()
    codes = [client.get("/api/v1/accounts", headers={"Authorization": "Bearer abm_no"}).status_code for _ in range(21)]
    assert (codes.count(401), codes[-1]) == (20, 429)
    assert program.get("/accounts").status_code == 200


def test_the_page_shows_a_new_token_once_and_revokes_it(app, client_as):
    client = client_as("admin")
    page = client.post("/settings/api-tokens", data={"name": "Warehouse", "scopes": ["accounts:read"], "days": "30"})
    (plain,) = set(re.findall(r"abm_[0-9a-f]{8}_[\w-]{43}", page.get_data(as_text=True)))
    later = client.get("/settings/api-tokens").get_data(as_text=True)
    assert plain not in later
    assert plain[:12] in later
    header = {"Authorization": f"Bearer {plain}"}
    assert app.test_client().get("/api/v1/accounts", headers=header).status_code == 200
    (number,) = re.findall(r"/settings/api-tokens/(\d+)/revoke", later)
    client.post(f"/settings/api-tokens/{number}/revoke")
    assert app.test_client().get("/api/v1/accounts", headers=header).status_code == 401


def test_the_form_keeps_what_was_typed_and_says_what_is_wrong(client_as):
    page = client_as("admin").post("/settings/api-tokens", data={"name": "Typed", "days": "ten"})
    assert page.status_code == 422
    assert "Typed" in page.get_data(as_text=True)


def test_tokens_by_command(app, client_as):
    with db.transaction() as session:
        make_user(session, email="boss@example.com", role="admin")
        make_account(session, external_id="A1")
    runner = CliRunner()
    made = json.loads(runner.invoke(tokens_command, [
        "create", "boss@example.com", "--name", "Script", "--scope", "accounts:read", "--json"]).output)
    header = {"Authorization": f"Bearer {made['token']}"}
    assert app.test_client().get("/api/v1/accounts", headers=header).json["accounts"][0]["account_id"] == "A1"
    listed = runner.invoke(tokens_command, ["list", "--json"]).output
    assert made["token"] not in listed
    assert json.loads(listed)["tokens"][0]["state"] == "live"
    runner.invoke(tokens_command, ["revoke", str(made["id"])])
    assert app.test_client().get("/api/v1/accounts", headers=header).status_code == 401
