"""Keyed digests by which addresses and domains are compared without being readable in the tables."""

from functools import lru_cache

from core.settings import settings
from core.signing import keyed_digest


def address_key(address: str) -> str:
    """The digest of an e-mail address; case and outer blanks do not matter."""
    return keyed_digest("address", address.casefold().strip())


def domain_key(address_or_domain: str) -> str:
    """The digest of a domain, given alone or as the end of an address."""
    return _domain_key(settings().secret_key, address_or_domain.casefold().strip().rpartition("@")[2])


@lru_cache(maxsize=10_000)
def _domain_key(_secret: str, domain: str) -> str:
    """Many people share a domain; the secret is part of the key, so that a rotation is noticed."""
    return keyed_digest("domain", domain)
