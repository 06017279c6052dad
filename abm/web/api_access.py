"""Views for programs: opened by an API token with the scope that the view names, and by nothing else."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from flask import Response, g, jsonify, request

from abm.web.permissions import Permission, may
from abm.web.rate_limits import api_calls, wrong_tokens

View = TypeVar("View", bound=Callable[..., Any])
PREFIX = "/api/"
LARGEST_BODY = 1_000_000
_IN_ADDRESS = frozenset({"token", "access_token", "api_token", "api_key", "apikey", "key"})


class Scope(StrEnum):
    """What a token may be allowed. `basis:write` is needed besides `contacts:write` to set the lawful basis of
    people."""

    READ_ACCOUNTS = "accounts:read"
    READ_CONTACTS = "contacts:read"
    READ_LISTS = "lists:read"
    READ_CAMPAIGNS = "campaigns:read"
    WRITE_ACCOUNTS = "accounts:write"
    WRITE_CONTACTS = "contacts:write"
    WRITE_BASIS = "basis:write"
    WRITE_ORDERS = "orders:write"
    WRITE_EVENTS = "events:write"


# What the user whose token it is must still be permitted, whatever the token says.
NEEDED: dict[Scope, Permission] = {
    Scope.READ_ACCOUNTS: Permission.EXPORT,
    Scope.READ_CONTACTS: Permission.EXPORT,
    Scope.READ_LISTS: Permission.EXPORT,
    Scope.READ_CAMPAIGNS: Permission.EXPORT,
    Scope.WRITE_ACCOUNTS: Permission.IMPORT,
    Scope.WRITE_CONTACTS: Permission.IMPORT,
    Scope.WRITE_BASIS: Permission.IMPORT,
    Scope.WRITE_ORDERS: Permission.IMPORT,
    Scope.WRITE_EVENTS: Permission.EDIT_ACCOUNTS,
}


def requires_scope(scope: Scope) -> Callable[[View], View]:
    """Only a live token with the scope, of a user who has the permission, reaches the view."""

    def mark(view: View) -> View:
        view.access = scope  # type: ignore[attr-defined]
        return view

    return mark


def has_scope(scope: Scope) -> bool:
    """Whether this request's token has a further scope, and its user the permission."""
    return scope in g.scopes and may(g.user.role, NEEDED[scope])


def check_scope(scope: Scope) -> Response | None:
    """None when the request may go on, else the answer: 400 for a token in the address, 401, 403 or 429."""
    if _IN_ADDRESS & {name.lower() for name in request.args}:
        return refusal(400, "A token never stands in an address; send it as Authorization: Bearer, and make a new one")
    if g.user is None:
        return _unknown_caller()
    if wait := api_calls.seconds_to_wait(str(g.token_id)):
        return _too_many(wait)
    api_calls.count(str(g.token_id))
    return None if has_scope(scope) else refusal(403, f"This token does not have the scope {scope}")


def _unknown_caller() -> Response:
    caller = request.remote_addr or ""
    if wait := wrong_tokens.seconds_to_wait(caller):
        return _too_many(wait)
    wrong_tokens.count(caller)
    answer = refusal(401, "Send a live API token: Authorization: Bearer abm_…")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _too_many(wait: int) -> Response:
    answer = refusal(429, f"Too many requests. Wait {wait} seconds.")
    answer.headers["Retry-After"] = str(wait)
    return answer


def refusal(code: int, sentence: str, **more: Any) -> Response:
    """An answer that says what is wrong, in JSON."""
    answer = jsonify(error=sentence, **more)
    answer.status_code = code
    return answer


def bearer_token() -> str:
    """The token of this request's header; empty when there is none."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def is_for_programs() -> bool:
    return request.path.startswith(PREFIX)
