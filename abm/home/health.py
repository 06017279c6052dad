"""`/health` for load balancers and people: database, queue, oldest due message, workers."""

from flask import Blueprint, jsonify
from redis.exceptions import RedisError
from rq import Worker
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from abm.web.access import public
from campaigns.outbox import oldest_due_seconds
from core import clock, db
from core.errors import CannotRun
from core.jobs.queue import connection

pages = Blueprint("health", __name__)


@pages.get("/health")
@public
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
        return "ok", Worker.count(connection=connection())
    except (RedisError, CannotRun) as error:
        return type(error).__name__, 0
