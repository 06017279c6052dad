"""The relay that mail is handed to, read from ABM_MAIL_URL: smtp://user:password@host:port?tls=…&connections=N."""

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from core.errors import CannotRun
from core.settings import is_loopback

DEFAULT_CONNECTIONS = 4
MAX_CONNECTIONS = 100
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}


class Tls(StrEnum):
    """How the connection is protected; there is no silent fallback to clear text."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Relay:
    """`is_guarded`: typed in by a person, so it is connected to only where `campaigns.channels.guard` lets it."""

    host: str
    port: int
    tls: Tls
    connections: int
    user: str = ""
    password: str = field(default="", repr=False)
    is_guarded: bool = False


def read_relay(url: str) -> Relay:
    """The relay in a mail URL. Without `tls=` a loopback relay is spoken to in clear and any other by STARTTLS.

    Raises CannotRun with one sentence that never shows the password.
    """
    try:
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
        host, port = parts.hostname or "", parts.port
        connections = int(query.pop("connections", DEFAULT_CONNECTIONS))
        tls = Tls(query.pop("tls", Tls.NONE if is_loopback(host) else Tls.STARTTLS))
    except ValueError as error:
        raise CannotRun(f"ABM_MAIL_URL cannot be read ({_without_login(error)}); {_FORM}") from None
    if not host or query or not 1 <= connections <= MAX_CONNECTIONS:
        raise CannotRun(f"ABM_MAIL_URL is not complete or names an unknown option; {_FORM}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Relay(host, port or _PORTS[tls], tls, connections, user, password)


_FORM = ("write smtp://user:password@host:port?tls=starttls|implicit|none&connections=N with 1 to "
         f"{MAX_CONNECTIONS} connections")


def _without_login(error: ValueError) -> str:
    return str(error).split("@")[-1][:80]
