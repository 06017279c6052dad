"""The Flask application class: one database session per request, access checked before every view."""

from collections.abc import Callable
from typing import Any

from flask import Flask, abort, g, request
from sqlalchemy.orm import Session

from abm.web.access import CurrentUser, changes_nothing, check_access, is_opened_by_token, needs_no_session
from abm.web.api_access import LARGEST_BODY
from core import db

_READING = frozenset({"GET", "HEAD", "OPTIONS"})

UserLoader = Callable[[Session], CurrentUser | None]


class AbmFlask(Flask):
    """`g.session` is a reading session for GET, a transaction that commits with the answer for the rest."""

    load_user: UserLoader
    load_token_user: UserLoader
    note_export: Callable[[str, str, int], None]

    def dispatch_request(self) -> Any:
        if request.routing_exception is not None or request.endpoint == "static":
            return super().dispatch_request()
        if needs_no_session(self, request.endpoint or ""):
            return super().dispatch_request()
        is_by_token = is_opened_by_token(self, request.endpoint or "")
        if is_by_token:
            request.max_content_length = LARGEST_BODY
        _refuse_nul_characters()
        is_reading = request.method in _READING or changes_nothing(self, request.endpoint or "")
        opened = db.reading() if is_reading else db.transaction()
        with opened as session:
            g.session = session
            g.user = (self.load_token_user if is_by_token else self.load_user)(session)
            return check_access() or super().dispatch_request()


def _refuse_nul_characters() -> None:
    """No text of a person holds them, and PostgreSQL cannot store or compare them."""
    for values in (request.args, request.form):
        if any("\x00" in text for text in values.values()):
            abort(400)
