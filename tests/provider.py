"""A mail provider on loopback that keeps to Resend's public documentation: POST /emails with an Idempotency-Key.

The first request with a key makes a message and remembers the answer; the same key with the same body gives the same
answer and makes nothing; with another body it is 409 invalid_idempotent_request. `script` spoils single requests.
"""

import gzip
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "re_test_key"


@dataclass
class Provider:
    """`script`: what happens to the next requests, in order: a name of `_FAULTS`, or "" for a good answer."""

    script: list[str] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, bytes]] = field(default_factory=list)
    known: dict[str, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str, body: bytes) -> tuple[int, dict[str, str]]:
        with self.lock:
            if key in self.known:
                same, answer = self.known[key]
                if same != body:
                    return 409, {"statusCode": "409", "name": "invalid_idempotent_request",
                                 "message": "Same idempotency key used with a different request payload."}
                return 200, answer
            answer = {"id": f"49a3999c-0ce1-4ea6-ab68-{len(self.made):012d}"}
            self.made.append(json.loads(body))
            self.known[key] = (body, answer)
            return 200, answer


def each_once(provider: Provider) -> bool:
    """Every message was made once, and every key was asked for with one body only."""
    bodies: dict[str, set[bytes]] = {}
    for key, body in provider.asked:
        bodies.setdefault(key, set()).add(body)
    addresses = [one["to"][0] for one in provider.made]
    return len(addresses) == len(set(addresses)) and all(len(found) == 1 for found in bodies.values())


@lru_cache(maxsize=1)
def _bomb() -> bytes:
    return gzip.compress(b'{"id": "' + b"x" * 50_000_000 + b'"}')


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers.get("Idempotency-Key", "")
        with self.provider.lock:
            self.provider.asked.append((key, body))
            fault = self.provider.script.pop(0) if self.provider.script else ""
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            self._say(403, {"statusCode": 403, "name": "invalid_api_key", "message": "API key is invalid."})
        elif fault.endswith("after accept"):
            self.provider.take(key, body)
            self._break(fault.split(" ")[0])
        elif fault:
            self._spoil(fault)
        else:
            self._say(*self.provider.take(key, body))

    def _break(self, how: str) -> None:
        if how == "500":
            self._say(500, {"name": "internal_server_error", "message": "We have an internal error."})
            return
        if how == "time-out":
            time.sleep(0.6)
        self.close_connection = True

    def _spoil(self, fault: str) -> None:
        if fault.startswith("429"):
            self._say(429, {"name": "rate_limit_exceeded", "message": "Too many requests."},
                      {"retry-after": fault.split(" ")[1]})
        elif fault == "concurrent":
            self._say(409, {"name": "concurrent_idempotent_requests", "message": "The original is in progress."})
        elif fault == "html":
            self._raw(200, b"<html><body>Welcome to this hotel</body></html>", {"Content-Type": "text/html"})
        elif fault == "bomb":
            self._raw(200, _bomb(), {"Content-Encoding": "gzip"})
        elif fault == "422":
            self._say(422, {"name": "validation_error", "message": "Invalid `to` field."})
        elif fault == "redirect":
            self._raw(307, b"", {"Location": "http://169.254.169.254/latest/meta-data"})
        elif fault == "drip":
            self._drip()

    def _drip(self) -> None:
        self.close_connection = True
        for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 60:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.05)

    def _say(self, status: int, told: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(told).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _raw(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that cut the line is part of the tests."""


@contextmanager
def running_provider(script: Sequence[str] = ()) -> Iterator[tuple[Provider, str]]:
    """(provider, base URL)"""
    provider = Provider(list(script))
    handler = type("Answering", (_Answering,), {"provider": provider})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
