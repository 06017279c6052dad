"""A non-blocking connection, in clear or TLS, that knows how many bytes the system has taken from it."""

import socket
import ssl
from collections.abc import Generator
from functools import lru_cache

_CHUNK = 8_192
_MUST_WAIT = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Lost(Exception):
    """The connection ended, or was given up."""


def _what_broke(error: OSError, what: str = "the connection broke") -> str:
    """In words for whoever has to mend it; a certificate is their most frequent case."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or "it cannot be verified"
        return (f"the server's certificate is not trusted ({why}): it needs one of a known authority "
                "for the name that is given here, or its authority named in SSL_CERT_FILE")
    return f"{what} ({error.strerror or type(error).__name__})"


@lru_cache(maxsize=1)
def verified_context() -> ssl.SSLContext:
    """Certificates are checked against the system's authorities (or SSL_CERT_FILE), names as well."""
    return ssl.create_default_context()


class Line:
    """`sent` counts bytes the system took, `queued` bytes that were written here; `deadline` is monotonic seconds."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        connected.setblocking(False)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.deadline: float | None = None
        self.sent = self.queued = 0
        self.wants_write = False
        self._waiting = bytearray()

    def own_name(self) -> str:
        """What EHLO calls this host: its name when it has a full one, else its address (RFC 5321, 4.1.3)."""
        name = socket.gethostname()
        if "." in name and name.isascii():
            return name
        address = self.socket.getsockname()[0]
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    def write(self, some: bytes) -> None:
        """Queue bytes; they leave at the next `flush`."""
        self._waiting += some
        self.queued += len(some)

    def flush(self) -> None:
        """Hand over what the system takes now. Raises Lost."""
        self.wants_write = False
        while self._waiting:
            try:
                taken = self.socket.send(self._waiting)
            except _MUST_WAIT:
                self.wants_write = True
                return
            except OSError as error:
                raise Lost(_what_broke(error)) from error
            self.sent += taken
            del self._waiting[:taken]

    def receive(self) -> bytes:
        """What has arrived, possibly nothing. Raises Lost when the other side ended the connection."""
        try:
            arrived = self.socket.recv(_CHUNK)
        except _MUST_WAIT:
            return b""
        except OSError as error:
            raise Lost(_what_broke(error)) from error
        if not arrived:
            raise Lost("the server closed the connection")
        return arrived

    @property
    def has_pending(self) -> bool:
        """Bytes that TLS has read already, which no selector sees."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def start_tls(self, host: str) -> Generator[None, None, None]:
        """Protect the connection; the certificate must be valid for `host`. Raises Lost."""
        try:
            wrapped = verified_context().wrap_socket(self.socket, server_hostname=host, do_handshake_on_connect=False)
        except OSError as error:
            raise Lost(_what_broke(error, "TLS failed")) from error
        self.socket = wrapped
        while True:
            try:
                wrapped.do_handshake()
                return
            except ssl.SSLWantWriteError:
                self.wants_write = True
            except ssl.SSLWantReadError:
                self.wants_write = False
            except OSError as error:
                raise Lost(_what_broke(error, "TLS failed")) from error
            yield

    def close(self) -> None:
        self.socket.close()
