"""Relays with certificates of a CA of the test's own: what is not verified is not spoken to, and nothing falls back."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from campaigns.channels import smtp_line
from campaigns.dispatch import drain
from core.db import transaction
from core.settings import settings
from tests.outbox_factory import deliveries, running_campaign, states
from tests.sending_factory import make_identity


@dataclass
class Seen:
    """What a relay heard: verbs with whether they came protected, and accepted messages."""

    heard: list[tuple[str, bool]] = field(default_factory=list)
    accepted: int = 0


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


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Certificates]:
    made = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))
    smtp_line.verified_context.cache_clear()
    yield made
    smtp_line.verified_context.cache_clear()


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
                await reader.readuntil(b"\r\n.\r\n")
                seen.accepted += 1
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


def send_by(monkeypatch: pytest.MonkeyPatch, port: int, *, tls: str = "starttls", people: int = 3) -> None:
    running_campaign(people)
    monkeypatch.setenv("ABM_MAIL_URL", f"smtp://user:hunter2@127.0.0.1:{port}?tls={tls}&connections=1")
    settings.cache_clear()
    drain()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_verified_relay_gets_the_login_protected(engine_side: Path, certificates: Certificates, tls: str,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    with relay(seen, context=certificates.context(), implicit=tls == "implicit") as port:
        send_by(monkeypatch, port, tls=tls)
    assert states() == {"sent": 3}
    assert [is_safe for verb, is_safe in seen.heard if verb in ("auth", "mail", "data")] == [True] * 7


@pytest.mark.parametrize(("made", "words"), [({"days": -1}, "expired"), ({"address": "127.0.0.9"}, "mismatch")])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_wrong_certificate_is_not_spoken_to(engine_side: Path, certificates: Certificates, tls: str,
                                              made: dict[str, Any], words: str,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    with relay(seen, context=certificates.context(**made), implicit=tls == "implicit") as port:
        send_by(monkeypatch, port, tls=tls)
    assert states() == {"deferred": 3}
    assert words in (deliveries()[0].detail or "")
    assert not [verb for verb, _safe in seen.heard if verb in ("auth", "mail")]


def test_a_certificate_of_an_unknown_ca_is_not_spoken_to(engine_side: Path, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    smtp_line.verified_context.cache_clear()
    seen = Seen()
    with relay(seen, context=Certificates(tmp_path).context()) as port:
        send_by(monkeypatch, port)
    assert states() == {"deferred": 3}
    assert not [verb for verb, _safe in seen.heard if verb in ("auth", "mail")]


def test_a_relay_that_hides_starttls_gets_neither_login_nor_mail(engine_side: Path, certificates: Certificates,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    with relay(seen, context=certificates.context(), offers=False) as port:
        send_by(monkeypatch, port)
    assert states() == {"deferred": 3}
    assert {verb for verb, _safe in seen.heard} <= {"ehlo", "quit"}


def test_a_login_that_is_refused_during_a_run_pauses_and_repeats_nothing(engine_side: Path, certificates: Certificates,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    with relay(seen, context=certificates.context(), logins=1) as port:
        send_by(monkeypatch, port, people=4)
        assert states() == {"sent": 4}
        with transaction() as session:
            from tests.outbox_factory import Running, add_people

            first = deliveries()[0]
            add_people(session, Running(1, first.version_id, first.run_id), 4, first=100)
        drain()
    assert states() == {"sent": 4, "deferred": 4}
    assert seen.accepted == 4
    assert "535" in (deliveries()[-1].detail or "")


def test_an_identitys_own_relay_goes_first_and_is_guarded(engine_side: Path, certificates: Certificates,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    from core.secrets import encrypt

    seen = Seen()
    with relay(seen, context=certificates.context()) as port:
        with transaction() as session:
            make_identity(session, kind="smtp", host="127.0.0.1", port=port, user_name="user",
                          secret_sealed=encrypt("hunter2"))
        running_campaign(2)
        drain()
        assert states() == {"deferred": 2}
        assert "own network" in (deliveries()[0].detail or "")
        assert seen.heard == []
        with transaction() as session:
            from sqlalchemy import update

            from campaigns.models import Delivery
            from core import clock

            session.execute(update(Delivery).values(due_at=clock.now()))
        monkeypatch.setenv("ABM_ALLOWED_HOSTS", "127.0.0.1")
        settings.cache_clear()
        drain()
    assert states() == {"sent": 2}
    assert seen.accepted == 2
