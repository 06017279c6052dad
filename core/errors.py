"""What can go wrong, as types. A message says what, where and what to do, in one sentence."""

from collections.abc import Mapping


class AbmError(Exception):
    """Base of every error this product raises on purpose. `str(error)` is fit to be shown to a person."""


class NotFound(AbmError):
    """The thing asked for is not there (or not there for this user)."""


class Refused(AbmError):
    """The request is understood and turned down; nothing was changed. Commands exit with 2."""


class InvalidInput(Refused):
    """Values that cannot be accepted: `fields` maps a field name to one sentence about it."""

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class TookTooLong(Refused):
    """A question that people may ask freely was cut short: it would have cost everybody else too much."""


class CannotRun(AbmError):
    """Something outside the request is missing (database, queue, binary). Commands exit with 3."""


class PermanentFailure(AbmError):
    """Trying again will not help."""


class TemporaryFailure(AbmError):
    """Trying again later may help."""
