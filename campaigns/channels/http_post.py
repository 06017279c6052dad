"""One POST to an address that people typed: only to public hosts, over TLS, to the very address that was checked.

The guard resolves a name once and connects to what it checked. Redirects are not followed.
"""

import http.client
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from campaigns.channels.guard import ForbiddenHost, connect
from core.errors import PermanentFailure, TemporaryFailure
from core.settings import settings

SECONDS = 15.0
MOST_READ = 4_096


class NotAllowed(PermanentFailure):
    """The address may not be posted to."""


class Unreachable(TemporaryFailure):
    """Nobody answered; trying again later may help."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the beginning of what was said."""

    status: int
    text: str


def post(url: str, body: bytes, headers: dict[str, str], *, seconds: float = SECONDS) -> Answer:
    """Post and read the answer. Raises NotAllowed or Unreachable."""
    parts = urlsplit(url)
    host, is_tls = parts.hostname or "", parts.scheme == "https"
    if parts.scheme not in ("http", "https") or not host or (not is_tls and not is_named(host)):
        raise NotAllowed(f"{parts.scheme}://{host} is not posted to: use https")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Guarded(host, parts.port or (443 if is_tls else 80), is_tls=is_tls, seconds=seconds)
    try:
        connection.request("POST", path, body, {"User-Agent": "abm-orchestrator", **headers})
        answer = connection.getresponse()
        said = answer.read(MOST_READ).decode("utf-8", "replace")
        return Answer(answer.status, " ".join(said.split())[:300])
    except ForbiddenHost as error:
        raise NotAllowed(str(error)) from error
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        raise Unreachable(f"{host} did not answer ({type(error).__name__})") from error
    finally:
        connection.close()


def is_named(host: str) -> bool:
    """Whether the operator named this host as one of the own network; only such a host is spoken to without TLS."""
    return host.lower() in settings().allowed_hosts.lower().replace(",", " ").split()


class _Guarded(http.client.HTTPConnection):
    """Connects through the guard; TLS and the Host header speak of the name."""

    def __init__(self, host: str, port: int, *, is_tls: bool, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._is_tls, self._seconds = is_tls, seconds

    def connect(self) -> None:
        raw = connect(self.host, self.port, timeout=self._seconds, is_guarded=True)
        self.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=self.host) if self._is_tls else raw
