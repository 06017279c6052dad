"""A real HTTP server on loopback that answers as it is told."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Say = Callable[[str, dict[str, str]], Answer]


def as_json(content: Any, status: int = 200, **headers: str) -> Answer:
    return status, headers, json.dumps(content).encode()


@contextmanager
def serving(say: Say) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """(base URL, the requests so far as path and headers)"""
    asked: list[tuple[str, dict[str, str]]] = []

    class Desk(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.append((self.path, headers))
            status, more, body = say(self.path, headers)
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            with suppress(BrokenPipeError, ConnectionResetError):
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
