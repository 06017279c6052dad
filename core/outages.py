"""What a failure of the database means to the person who waits: an outage that passes, not a mistake of ours."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

_FULL = "The disk of the server is full, so nothing was saved. Free some space, then send it again."
_BUSY = "Somebody else is saving a lot just now, so nothing was saved. Try again in a moment."
_CUT = "This took so long that it was broken off, to let the others save. Ask for less at once, or later."
_AWAY = "The database does not answer just now; nothing was saved. Try again in a minute."

# PostgreSQL: the disk is full; connection exceptions, too many connections, and a server that shuts down or starts.
_FULL_CODES = ("53100",)
_AWAY_CODES = ("08", "53300", "57P")


def outage_of(error: DBAPIError) -> str | None:
    """One sentence for the person; None when the failure is no outage."""
    code, words = getattr(error.orig, "sqlstate", None) or "", str(error.orig)
    if code in _FULL_CODES or "disk is full" in words or "disk I/O error" in words:
        return _FULL
    if "database is locked" in words:
        return _BUSY
    if words == "interrupted":
        return _CUT
    is_cut = isinstance(error, OperationalError | InterfaceError) and not code and "sqlite" not in _module_of(error)
    if error.connection_invalidated or code.startswith(_AWAY_CODES) or is_cut:
        return _AWAY
    return None


def _module_of(error: DBAPIError) -> str:
    return type(error.orig).__module__
