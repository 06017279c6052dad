"""A small IMAP server on loopback for tests: one user, one folder, the commands of RFC 3501 that a reader needs."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

USER, PASSWORD = "sales", 'pass"word'


@dataclass
class Post:
    """The folder: messages by number. `marked` would hold what a reader marked as seen."""

    messages: dict[int, bytes] = field(default_factory=dict)
    validity: int = 7
    marked: list[str] = field(default_factory=list)
    fetched: list[int] = field(default_factory=list)


def _serve(post: Post) -> type[socketserver.StreamRequestHandler]:
    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say(b"* OK ready")
            while line := self.rfile.readline():
                tag, _, command = line.strip().partition(b" ")
                if not self._answer(tag, command.decode()):
                    return

        def _say(self, *lines: bytes) -> None:
            self.wfile.write(b"".join(line + b"\r\n" for line in lines))

        def _answer(self, tag: bytes, command: str) -> bool:
            verb = " ".join(command.split(" ")[: 2 if command.upper().startswith("UID") else 1]).upper()
            if verb == "LOGIN" and f'{USER} "{PASSWORD.replace(chr(34), chr(92) + chr(34))}"' not in command:
                self._say(tag + b" NO wrong password")
                return True
            if verb in ("SELECT", "EXAMINE") and '"INBOX"' not in command:
                self._say(tag + b" NO no such folder")
                return True
            if verb in ("SELECT", "STORE"):
                post.marked.append(command)
            self._say(*self._lines(verb, command), tag + b" OK done")
            return verb != "LOGOUT"

        def _lines(self, verb: str, command: str) -> list[bytes]:
            if verb == "CAPABILITY":
                return [b"* CAPABILITY IMAP4rev1"]
            if verb in ("SELECT", "EXAMINE"):
                return [b"* %d EXISTS" % len(post.messages), b"* OK [UIDVALIDITY %d] valid" % post.validity]
            if verb == "UID SEARCH":
                first = int(re.search(r"UID (\d+):", command)[1])  # type: ignore[index]
                newest = max(post.messages, default=0)
                found = [uid for uid in post.messages if uid >= first or uid == newest]
                return [b"* SEARCH " + " ".join(map(str, found)).encode()]
            if verb == "UID FETCH":
                return self._fetch(int(command.split(" ")[2]), command)
            return []

        def _fetch(self, uid: int, command: str) -> list[bytes]:
            raw = post.messages[uid]
            if "SIZE" in command:
                return [b"* 1 FETCH (UID %d RFC822.SIZE %d)" % (uid, len(raw))]
            post.fetched.append(uid)
            if "PEEK" not in command:
                post.marked.append(command)
            return [b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)" % (uid, len(raw), raw)]

    return Conversation


@contextmanager
def imap_server(post: Post) -> Iterator[int]:
    """The port of a server that answers from `post`."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _serve(post)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
