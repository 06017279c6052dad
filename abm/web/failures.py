"""Error pages: a sentence for a person, an id for the administrator, never a trace."""

import uuid

from flask import Flask, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import HTTPException, SecurityError
from werkzeug.wrappers import Response

from abm.web.api_access import is_for_programs, refusal
from abm.web.forwarding import find_new_address
from core.errors import CannotRun, InvalidInput, NotFound, Refused
from core.logs import logger
from core.outages import outage_of

_log = logger(__name__)
Answer = Response | tuple[str, int]

_SENTENCES = {
    400: "That request could not be read. Go back, reload the page and try again.",
    403: "Your role does not allow this. Ask an administrator if you need it.",
    404: "There is nothing here. It may have been removed, or the address is mistyped.",
    405: "That cannot be done at this address.",
    413: "That is too large. Split the file and send the parts one after the other.",
    429: "Too many tries in a short time. Wait a little and try again.",
}


def set_up_failures(app: Flask) -> None:
    app.register_error_handler(HTTPException, lambda error: _page(error.code or 500, _SENTENCES.get(error.code or 500)))
    # A page cannot be built for a host that is not ours: its links would need an address.
    app.register_error_handler(SecurityError, lambda _error: ("This address does not belong here.", 400))
    app.register_error_handler(
        CSRFError, lambda _error: _page(400, "This form was open too long. Reload and send again.")
    )
    app.register_error_handler(NotFound, _not_there)
    app.register_error_handler(InvalidInput, _with_fields)
    app.register_error_handler(Refused, lambda error: _page(409, str(error)))
    app.register_error_handler(CannotRun, lambda error: _page(503, str(error)))
    app.register_error_handler(DBAPIError, _database_failed)
    app.register_error_handler(Exception, _unexpected)


def _not_there(error: NotFound) -> Answer:
    address = find_new_address()
    return redirect(address) if address else _page(404, str(error))


def _with_fields(error: InvalidInput) -> Answer:
    if is_for_programs():
        return refusal(422, str(error), fields=error.fields)
    return _page(422, "; ".join([str(error), *(f"{name}: {text}" for name, text in error.fields.items())]))


def _database_failed(error: DBAPIError) -> Answer:
    """An outage passes: the page says so, and neither asks for a report nor fills the log with traces."""
    sentence = outage_of(error)
    if sentence is None:
        return _unexpected(error)
    _log.warning("database outage", path=request.path, reason=type(error.orig).__name__)
    return _page(503, sentence)


def _unexpected(error: Exception) -> Answer:
    reference = uuid.uuid4().hex[:8]
    _log.error("request failed", reference=reference, path=request.path, exc_info=error)
    return _page(500, f"Something broke on our side. Tell your administrator this number: {reference}")


def _page(code: int, sentence: str | None) -> Answer:
    text = sentence or "That did not work."
    if is_for_programs():
        return refusal(code, text)
    if request.headers.get("HX-Request"):
        return render_template("_failure.html", sentence=text), code
    return render_template("failure.html", code=code, sentence=text), code
