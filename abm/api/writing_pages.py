"""`POST /api/v1/…`: rows and events from programs."""

from typing import Any

from flask import Blueprint, Response, g, request

from abm.api import bodies, writing
from abm.api.models import ApiToken
from abm.api.pages import told
from abm.imports.registry import find_importer
from abm.web.access import only_reads
from abm.web.api_access import Scope, has_scope, refusal, requires_scope
from core.errors import InvalidInput

pages = Blueprint("api_writing", __name__, url_prefix="/api/v1")


def _body() -> Any:
    """The JSON of this request. Raises NotPlainJson, and RequestEntityTooLarge above the limit of the API."""
    return bodies.read_json(request.get_data(cache=False))


@pages.errorhandler(bodies.NotPlainJson)
def _not_plain(error: bodies.NotPlainJson) -> Response:
    return refusal(400, str(error))


@pages.before_request
def _only_json() -> Response | None:
    is_json = request.mimetype == "application/json" and request.mimetype_params.get("charset", "utf-8").lower() in (
        "utf-8", "utf8")
    return None if is_json else refusal(415, "Send Content-Type: application/json")


def _take(kind: str) -> Response:
    """Bring the rows of this request in. The import opens transactions of its own, so the request's ends before."""
    is_dry_run = _is_dry_run()
    header, cells = bodies.read_rows(bodies.read_list(_body(), "rows"), find_importer(kind).layout)
    if writing.BASIS_FIELDS & set(header) and not has_scope(Scope.WRITE_BASIS):
        return refusal(403, f"To set the lawful basis of people this token needs the scope {Scope.WRITE_BASIS}")
    token_name = g.session.get_one(ApiToken, g.token_id).name
    g.session.rollback()
    return told(writing.take_rows(kind, header, cells, token_name=token_name, is_dry_run=is_dry_run))


def _is_dry_run() -> bool:
    errors = {name: "is not a parameter here" for name in request.args if name != "dry_run"}
    value = request.args.get("dry_run", "0")
    if value not in ("0", "1"):
        errors["dry_run"] = "must be 0 or 1"
    if errors:
        raise InvalidInput("The address cannot be read", errors)
    return value == "1"


@pages.post("/accounts")
@requires_scope(Scope.WRITE_ACCOUNTS)
@only_reads
def accounts() -> Response:
    return _take("accounts")


@pages.post("/contacts")
@requires_scope(Scope.WRITE_CONTACTS)
@only_reads
def contacts() -> Response:
    return _take("contacts")


@pages.post("/products")
@requires_scope(Scope.WRITE_ORDERS)
@only_reads
def products() -> Response:
    return _take("products")


@pages.post("/orders")
@requires_scope(Scope.WRITE_ORDERS)
@only_reads
def orders() -> Response:
    return _take("orders")


@pages.post("/order-lines")
@requires_scope(Scope.WRITE_ORDERS)
@only_reads
def order_lines() -> Response:
    return _take("order-lines")


@pages.post("/events")
@requires_scope(Scope.WRITE_EVENTS)
def events() -> Response:
    if request.args:
        raise InvalidInput("The address cannot be read", {name: "is not a parameter here" for name in request.args})
    return told(writing.take_events(g.session, bodies.read_list(_body(), "events"), token_id=g.token_id))
