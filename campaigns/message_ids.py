"""Message-IDs: the same for every try of a delivery, and not to be guessed from its number."""

from functools import lru_cache

import idna

from core.signing import keyed_digest


def message_id(delivery_id: int, sender_address: str) -> str:
    """`<digest@domain of the sender>`; a resend by a person is another delivery and gets another one."""
    domain = _ascii_domain(sender_address.rpartition("@")[2] or "localhost")
    return f"<{keyed_digest('message-id', str(delivery_id))[:32]}@{domain}>"


@lru_cache(maxsize=256)
def _ascii_domain(domain: str) -> str:
    """A Message-ID is ASCII, so a domain in another script is written in its A-label form (IDNA 2008)."""
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
