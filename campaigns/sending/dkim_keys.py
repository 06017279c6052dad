"""An identity's signing keys: made here, published in DNS by a person, active from then on, retired by rotation."""

from base64 import b64encode

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns.models import DkimKey, SendingIdentity
from campaigns.sending.dkim import Signer, read_signer
from core import clock
from core.errors import NotFound, Refused
from core.secrets import decrypt, encrypt

RSA_BITS = 2048
ALGORITHMS = {"rsa": "RSA 2048", "ed25519": "Ed25519"}


def make_key(session: Session, *, identity: SendingIdentity, algorithm: str = "rsa") -> DkimKey:
    """A new key that waits for its record to be published; its selector is new, so the old one stays valid."""
    if algorithm not in ALGORITHMS:
        raise Refused(f"{algorithm} is no kind of key; choose {' or '.join(ALGORITHMS)}")
    pem, public = _new_pair(algorithm)
    number = session.scalar(select(func.count()).where(DkimKey.identity_id == identity.id)) or 0
    key = DkimKey(identity_id=identity.id, domain=identity.domain,
                  selector=f"abm{clock.now():%Y%m}{chr(97 + number % 26)}{identity.id}", algorithm=algorithm,
                  private_sealed=encrypt(pem), public_key=public, state="waiting", created_at=clock.now())
    session.add(key)
    session.flush()
    return key


def _new_pair(algorithm: str) -> tuple[str, str]:
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if algorithm == "rsa":
        key = rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
        public = key.public_key().public_bytes(serialization.Encoding.DER,
                                               serialization.PublicFormat.SubjectPublicKeyInfo)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem.decode(), b64encode(public).decode()


def get_key(session: Session, key_id: int) -> DkimKey:
    found = session.get(DkimKey, key_id)
    if found is None:
        raise NotFound(f"There is no signing key {key_id}")
    return found


def list_keys(session: Session, identity_id: int) -> list[DkimKey]:
    return list(session.scalars(select(DkimKey).where(DkimKey.identity_id == identity_id).order_by(DkimKey.id.desc())))


def activate_key(session: Session, *, key: DkimKey) -> DkimKey:
    """Sign with this key from now on; the active one of the same kind retires. Its record must stay for some days."""
    if key.state == "retired":
        raise Refused(f"The key {key.selector} is retired; make a new one")
    now = clock.now()
    for other in list_keys(session, key.identity_id):
        if other.state == "active" and other.algorithm == key.algorithm and other.id != key.id:
            other.state, other.retired_at = "retired", now
    key.state, key.activated_at = "active", now
    session.flush()
    return key


def retire_key(session: Session, *, key: DkimKey) -> DkimKey:
    """Sign with it no longer."""
    key.state, key.retired_at = "retired", clock.now()
    session.flush()
    return key


def record_name(key: DkimKey) -> str:
    return f"{key.selector}._domainkey.{key.domain}"


def record_text(key: DkimKey) -> str:
    """The TXT record to publish; longer than 255 characters, so DNS panels cut it into strings by themselves."""
    return f"v=DKIM1; k={key.algorithm}; p={key.public_key}"


def list_signers(session: Session, identity_id: int) -> list[Signer]:
    """What this identity's messages are signed with now; none for identity 0."""
    if not identity_id:
        return []
    keys = session.execute(select(DkimKey.domain, DkimKey.selector, DkimKey.private_sealed).where(
        DkimKey.identity_id == identity_id, DkimKey.state == "active").order_by(DkimKey.id))
    return [_signer(domain, selector, sealed) for domain, selector, sealed in keys]


def _signer(domain: str, selector: str, sealed: str) -> Signer:
    if sealed not in _opened:
        _opened[sealed] = decrypt(sealed)
    return read_signer(domain, selector, _opened[sealed])


_opened: dict[str, str] = {}
