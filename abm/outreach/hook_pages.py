"""Where providers tell what became of messages. The address is a signed token; each call is signed over its bytes."""

from flask import Blueprint, abort, g, jsonify, request
from werkzeug.wrappers import Response

from abm.web.access import public
from campaigns import hooks
from core.errors import Refused

pages = Blueprint("hooks", __name__)


@pages.post("/hooks/<token>")
@public
def receive(token: str) -> tuple[Response, int]:
    """200 with what each event did, also for a repeat; 401 changes nothing; 404 for an address that is not ours."""
    hook = hooks.find_hook(g.session, token)
    if hook is None:
        abort(404)
    if request.mimetype != "application/json":
        return jsonify(error="Send application/json"), 415
    if (request.content_length or 0) > hooks.MAX_BYTES:
        return jsonify(error="At most 1 MB"), 413
    body = request.get_data(cache=False)
    try:
        done = hooks.receive_call(g.session, hook=hook, body=body, headers=dict(request.headers))
    except hooks.BadSignature as error:
        return jsonify(error=str(error)), 401
    except Refused as error:
        return jsonify(error=str(error)), 400
    return jsonify(events=[{"kind": one.kind, "outcome": one.outcome} for one in done]), 200
