"""Signatures are judged by dkimpy, an implementation of its own."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path
from types import SimpleNamespace

import dkim
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from campaigns.dispatch import drain
from campaigns.models import DkimKey
from campaigns.sending import dkim_keys
from campaigns.sending.dkim import body_hash
from core.db import reading, transaction
from core.errors import Refused
from core.settings import settings
from tests.outbox_factory import running_campaign
from tests.sending_factory import make_identity


class _VerifyKey:
    """The one thing that dkimpy asks of PyNaCl, which is not installed: checking an Ed25519 signature."""

    def __init__(self, public: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))

    def verify(self, digest: bytes, signature: bytes) -> None:
        self._key.verify(signature, digest)


@pytest.fixture(autouse=True)
def _ed25519(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    nacl = SimpleNamespace(signing=SimpleNamespace(VerifyKey=_VerifyKey),
                           encoding=SimpleNamespace(Base64Encoder=None),
                           exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError))
    monkeypatch.setattr(dkim, "nacl", nacl, raising=False)
    return


def sent() -> list[bytes]:
    return [path.read_bytes() for path in sorted(settings().outbox_dir.glob("*.eml"))]


def published() -> dict[bytes, bytes]:
    with reading() as session:
        return {f"{dkim_keys.record_name(key)}.".encode(): dkim_keys.record_text(key).encode()
                for key in session.query(DkimKey)}


def is_genuine(wire: bytes) -> bool:
    records = published()
    return bool(dkim.verify(wire, dnsfunc=lambda name, timeout=5: records.get(name, b"")))


def signing_identity(*algorithms: str) -> None:
    with transaction() as session:
        identity = make_identity(session)
        for algorithm in algorithms:
            dkim_keys.activate_key(session, key=dkim_keys.make_key(session, identity=identity, algorithm=algorithm))


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_what_leaves_is_signed_and_verifies(engine_side: Path, algorithm: str) -> None:
    running_campaign(3)
    signing_identity(algorithm)
    drain()
    assert [is_genuine(wire) for wire in sent()] == [True, True, True]


@pytest.mark.parametrize(("old", "new"), [
    (b"Subject: Hello", b"Subject: Hullo"), (b"we wrote", b"we write"), (b"List-Unsubscribe-Post: ", b"X-Lost: "),
    (b"List-Unsubscribe: <http", b"List-Unsubscribe: <httq"), (b"From: Sales", b"From: Boss"),
    (b"To: Jane", b"To: Joan"), (b"From: Sales", b"From: x@evil.example\r\nFrom: Sales")])
def test_a_change_on_the_way_breaks_the_signature(engine_side: Path, old: bytes, new: bytes) -> None:
    running_campaign(1)
    signing_identity("rsa")
    drain()
    [wire] = sent()
    assert old in wire
    assert not is_genuine(wire.replace(old, new, 1))


def test_the_list_headers_are_covered_and_from_is_signed_once_more_than_it_occurs(engine_side: Path) -> None:
    running_campaign(1)
    signing_identity("rsa")
    drain()
    [wire] = sent()
    tags = "".join(str(message_from_bytes(wire)["DKIM-Signature"]).split())
    covered = tags.split("h=")[1].split(";")[0].split(":")
    assert {"to", "subject", "date", "message-id", "list-unsubscribe", "list-unsubscribe-post"} <= set(covered)
    assert covered.count("from") == 2
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998


def test_two_active_keys_of_different_kinds_both_sign(engine_side: Path) -> None:
    running_campaign(1)
    signing_identity("rsa", "ed25519")
    drain()
    [wire] = sent()
    found = message_from_bytes(wire).get_all("DKIM-Signature")
    assert found is not None
    assert len(found) == 2
    assert is_genuine(wire)


def test_no_key_no_signature(engine_side: Path) -> None:
    running_campaign(1)
    with transaction() as session:
        dkim_keys.make_key(session, identity=make_identity(session))
    drain()
    assert b"DKIM-Signature" not in sent()[0]


def test_a_new_key_retires_the_old_one_of_its_kind_and_keeps_its_selector_apart(engine_side: Path) -> None:
    with transaction() as session:
        identity = make_identity(session)
        old = dkim_keys.activate_key(session, key=dkim_keys.make_key(session, identity=identity))
        new = dkim_keys.make_key(session, identity=identity)
        assert [one.selector for one in dkim_keys.list_signers(session, identity.id)] == [old.selector]
        dkim_keys.activate_key(session, key=new)
        assert [one.selector for one in dkim_keys.list_signers(session, identity.id)] == [new.selector]
        with pytest.raises(Refused):
            dkim_keys.activate_key(session, key=old)


def test_the_private_half_is_never_stored_in_clear(engine_side: Path) -> None:
    signing_identity("rsa")
    with reading() as session:
        [key] = session.query(DkimKey)
        session.expunge(key)
    assert "PRIVATE" not in key.private_sealed
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize("body", [b"", b"\r\n", b"  \r\n\r\n", b"a  b \t\r\n \r\n\r\n", b"x", b"x\r\n",
                                  b" x\t y\r\n\r\nz", b"\r\nleading\r\n"])
def test_odd_bodies_hash_as_the_other_implementation_does(body: bytes) -> None:
    wire = b"From: a@example.com\r\nDate: x\r\n\r\n" + body
    theirs = dkim.sign(wire, b"s", b"example.com", _pem(), canonicalize=(b"relaxed", b"relaxed"),
                       include_headers=[b"from"])
    said = b"".join(theirs.split(b"bh=")[1].split(b";")[0].split()).decode()
    assert body_hash(body) == said


def _pem() -> bytes:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                             serialization.NoEncryption())


def test_a_record_is_what_dns_panels_take(engine_side: Path) -> None:
    with transaction() as session:
        key = dkim_keys.make_key(session, identity=make_identity(session))
        text = dkim_keys.record_text(key)
    assert text.startswith("v=DKIM1; k=rsa; p=")
    assert len(base64.b64decode(text.rpartition("p=")[2])) > 256
    assert datetime.now(UTC).strftime("%Y") in key.selector
