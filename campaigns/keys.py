"""Keyed digests by which addresses and domains are compared without being readable in the tables."""

from core.signing import keyed_digest


def address_key(address: str) -> str:
    """The digest of an e-mail address; case and outer blanks do not matter."""
    return keyed_digest("address", address.casefold().strip())


def domain_key(address_or_domain: str) -> str:
    """The digest of a domain, given alone or as the end of an address."""
    return keyed_digest("domain", address_or_domain.casefold().strip().rpartition("@")[2])
