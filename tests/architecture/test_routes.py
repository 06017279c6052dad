"""Every route is guarded, and each role reaches exactly what the table of permissions says. Which token opens which
route of the API: tests/abm/api/test_tokens.py."""

import pytest

from abm.web.access import PUBLIC, SIGNED_IN, access_of
from abm.web.api_access import Scope
from abm.web.permissions import Permission, Role, may

ALLOWED_PUBLIC = {
    "static",
    "users.sign_in",
    "users.try_sign_in",
    "second_factor.ask_code",
    "second_factor.try_code",
    "users.set_password",
    "users.save_password",
    "users.first_set_up",
    "users.save_first_user",
    "health.health",
    "health.metrics",
    "public.ask_unsubscribe",
    "public.unsubscribe",
    "public.follow",
    "public.pixel",
    "public.trap",
    "hooks.receive",
    "meetings.calendar",
    "preferences.show",
    "preferences.save",
    "preferences.ask_confirm",
    "preferences.confirm",
}


def rules(app):
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]


def is_for_programs(app, rule):
    return isinstance(access_of(app, rule.endpoint), Scope)


def test_the_routes_of_the_api_are_those_that_a_token_opens(app):
    wrong = [rule.rule for rule in rules(app) if is_for_programs(app, rule) != rule.rule.startswith("/api/")]
    assert wrong == []


def address(rule):
    return rule.build({name: _value(rule, name) for name in rule.arguments})[1]


def _value(rule, name):
    from werkzeug.routing import AnyConverter, IntegerConverter

    converter = rule._converters[name]
    if isinstance(converter, AnyConverter):
        return next(iter(converter.items))
    return 999_999 if isinstance(converter, IntegerConverter) else "nothing"


def test_every_route_says_who_may_call_it(app):
    assert [rule.endpoint for rule in rules(app) if access_of(app, rule.endpoint) is None] == []


def test_only_the_listed_routes_are_open_to_everybody(app):
    opened = {rule.endpoint for rule in rules(app) if access_of(app, rule.endpoint) == PUBLIC}
    assert opened <= ALLOWED_PUBLIC


def test_a_visitor_is_sent_to_the_sign_in_page_by_every_guarded_route(app, client_as):
    client = client_as(None)
    wrong = {}
    for rule in rules(app):
        if access_of(app, rule.endpoint) == PUBLIC or is_for_programs(app, rule):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(address(rule), method=method)
            if answer.status_code != 302 or "/sign-in" not in answer.headers["Location"]:
                wrong[f"{method} {rule.rule}"] = answer.status_code
    assert wrong == {}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_what_the_table_says_and_nothing_else(app, client_as, role):
    client = client_as(role)
    wrong = {}
    for rule in rules(app):
        mark = access_of(app, rule.endpoint)
        if mark in (PUBLIC, SIGNED_IN) or is_for_programs(app, rule):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            code = client.open(address(rule), method=method).status_code
            is_refused = code == 403
            if is_refused == may(role, Permission(mark)) or code == 500:
                wrong[f"{method} {rule.rule}"] = code
    assert wrong == {}


def test_nothing_is_changed_by_reading(app):
    """Routes answer either reading or changing methods, so that a link can never change anything."""
    mixed = [
        rule.rule for rule in rules(app) if "GET" in rule.methods and rule.methods & {"POST", "PUT", "DELETE", "PATCH"}
    ]
    assert mixed == []
