"""The Flask application class: one database session per request, access checked before every view."""

from collections.abc import Callable
from typing import Any

from flask import Flask, g, request
from sqlalchemy.orm import Session

from abm.web.access import CurrentUser, check_access, needs_no_session
from core import db

_READING = frozenset({"GET", "HEAD", "OPTIONS"})

UserLoader = Callable[[Session], CurrentUser | None]


class AbmFlask(Flask):
    """`g.session` is a reading session for GET, a transaction that commits with the answer for the rest."""

    load_user: UserLoader

    def dispatch_request(self) -> Any:
        if request.routing_exception is not None or request.endpoint == "static":
            return super().dispatch_request()
        if needs_no_session(self, request.endpoint or ""):
            return super().dispatch_request()
        opened = db.reading() if request.method in _READING else db.transaction()
        with opened as session:
            g.session = session
            g.user = self.load_user(session)
            return check_access() or super().dispatch_request()
