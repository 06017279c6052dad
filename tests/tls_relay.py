"""A relay that speaks TLS with certificates of a CA of the test's own: good, expired or for another host."""

import asyncio
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*(?:\r\n[ \t]+)?(\S+)", re.IGNORECASE | re.MULTILINE)

@dataclass
class Seen:
    """What a relay heard: verbs with whether they came protected, and accepted messages."""

    heard: list[tuple[str, bool]] = field(default_factory=list)
    accepted: int = 0
    message_ids: list[str] = field(default_factory=list)


class Certificates:
    """A CA and certificates for 127.0.0.1, good, expired or for another host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")])
        own = self._build(self._name, self._key.public_key(), days=10).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True).add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False).sign(
            self._key, hashes.SHA256())
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def _build(self, name: x509.Name, public: Any, *, days: int) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(public)
                .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=30))
                .not_valid_after(now + timedelta(days=days)))

    def context(self, *, address: str = "127.0.0.1", days: int = 5) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay")])
        made = self._build(name, key.public_key(), days=days).add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False).sign(
            self._key, hashes.SHA256())
        path = self.folder / f"relay-{address}-{days}.pem"
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


@contextmanager
def relay(seen: Seen, *, context: ssl.SSLContext | None, implicit: bool = False, offers: bool = True,
          logins: int = 1_000) -> Iterator[int]:
    """An SMTP server that wants a login; `offers`: EHLO names STARTTLS; `logins`: how many succeed."""
    loop = asyncio.new_event_loop()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal logins
        is_safe = implicit
        writer.write(b"220 relay\r\n")
        while line := await reader.readline():
            verb = line[:8].decode("latin-1").strip().split(" ")[0].lower()
            seen.heard.append((verb, is_safe))
            answer = b"250 ok\r\n"
            if verb == "ehlo":
                names = ["relay", *(["STARTTLS"] if offers and not is_safe else []), "AUTH PLAIN", "PIPELINING"]
                answer = b"".join(b"250%s%s\r\n" % (b" " if one is names[-1] else b"-", one.encode()) for one in names)
            elif verb == "starttls":
                writer.write(b"220 go\r\n")
                await writer.start_tls(context)
                is_safe = True
                continue
            elif verb == "auth":
                logins -= 1
                answer = b"235 ok\r\n" if logins >= 0 else b"535 5.7.8 no\r\n"
            elif verb == "data":
                writer.write(b"354 go\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                seen.accepted += 1
                seen.message_ids += [one.decode() for one in _MESSAGE_ID.findall(content)]
            elif verb == "quit":
                answer = b"221 bye\r\n"
            writer.write(answer)
            await writer.drain()
        writer.close()

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    server = loop.run_until_complete(asyncio.start_server(guarded, "127.0.0.1", 0, ssl=context if implicit else None))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.call_later, 0.05, loop.stop)
        thread.join(5)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
