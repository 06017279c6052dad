"""Flask's signed session cookie, its signer made once."""

from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface


class KeptSigner(SecureCookieSessionInterface):
    """Flask makes the signer for every request, of a key that never changes while the process runs; that costs a
    recipient's visit more than reading its token."""

    _made: Any = None

    def get_signing_serializer(self, app: Flask) -> Any:
        if self._made is None:
            self._made = super().get_signing_serializer(app)
        return self._made
