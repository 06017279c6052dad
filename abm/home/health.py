"""`/health` for load balancers, `/metrics` for Prometheus."""

import hmac

from flask import Blueprint, Response, abort, g, jsonify, request
from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from abm.web.access import public, public_without_session
from campaigns.backlog import count_by_state, oldest_due_seconds
from core import clock, db
from core.errors import CannotRun
from core.jobs.queue import bell
from core.settings import is_loopback, settings

pages = Blueprint("health", __name__)


@pages.get("/health")
@public_without_session
def health() -> tuple[Response, int]:
    database, oldest = _database()
    redis, workers = _queue()
    body = {"database": database, "redis": redis, "oldest_due_seconds": oldest, "workers": workers}
    return jsonify(body), 200 if database == "ok" and redis == "ok" else 503


def _database() -> tuple[str, float | None]:
    try:
        with db.reading() as session:
            session.execute(text("SELECT 1"))
            return "ok", oldest_due_seconds(session, at=clock.now())
    except SQLAlchemyError as error:
        return type(error).__name__, None


def _queue() -> tuple[str, int]:
    try:
        return "ok", Worker.count(connection=bell())
    except (RedisError, CannotRun) as error:
        return type(error).__name__, 0


@pages.get("/metrics")
@public
def metrics() -> Response:
    """In Prometheus' text format; from this machine, or with the token of ABM_METRICS_TOKEN."""
    _refuse_strangers()
    _redis, workers = _queue()
    lines = ["# TYPE abm_deliveries gauge"]
    lines += [
        f'abm_deliveries{{state="{state}"}} {count}' for state, count in sorted(count_by_state(g.session).items())
    ]
    lines += ["# TYPE abm_oldest_due_seconds gauge"]
    lines += [f"abm_oldest_due_seconds {oldest_due_seconds(g.session, at=clock.now()):.1f}"]
    lines += ["# TYPE abm_workers gauge", f"abm_workers {workers}", ""]
    return Response("\n".join(lines), content_type="text/plain; version=0.0.4; charset=utf-8")


def _refuse_strangers() -> None:
    token = settings().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return
    if token or not is_loopback(request.remote_addr or ""):
        abort(404)
