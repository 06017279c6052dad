"""Old addresses of records that became part of another one lead to that one.

    forward("account_id", find_kept_account)

A page that answers "there is no such account" is asked again under the id that `find` gives for the one in its address.
"""

from collections.abc import Callable

from flask import g, request, url_for
from sqlalchemy.orm import Session

from core import db

Find = Callable[[Session, int], int | None]
_FINDERS: dict[str, Find] = {}


def forward(argument: str, find: Find) -> None:
    """For addresses with this whole number: `find` gives the id that stands for a gone one, None where none does."""
    _FINDERS[argument] = find


def find_new_address() -> str | None:
    """The same page of what the records in this request's address became; None where nothing else is to be shown."""
    if request.method != "GET" or not request.endpoint or g.get("user") is None:
        return None
    named = dict(request.view_args or {})
    with db.reading() as session:  # the request's own one is closed by now
        moved = {name: kept for name, find in _FINDERS.items()
                 if isinstance(named.get(name), int) and (kept := find(session, named[name])) is not None}
    if not moved:
        return None
    asked = f"?{request.query_string.decode('ascii', 'ignore')}" if request.query_string else ""
    return url_for(request.endpoint, **{**named, **moved}) + asked
