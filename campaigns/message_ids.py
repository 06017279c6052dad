"""Message-IDs: the same for every try of a delivery, not to be guessed from its number, but telling it.

So an answer finds its delivery by number, and no index of Message-IDs has to be kept while messages are handed over.
"""

import re
from functools import lru_cache

import idna

from core.signing import keyed_digest


def message_id(delivery_id: int, sender_address: str) -> str:
    """`<digest@domain of the sender>`; a resend by a person is another delivery and gets another one."""
    domain = _ascii_domain(sender_address.rpartition("@")[2] or "localhost")
    return f"<{delivery_id:x}.{keyed_digest('message-id', str(delivery_id))[:32]}@{domain}>"


def told_number(identity: str) -> int | None:
    """The number of the delivery that a Message-ID of ours names; whether it is genuine, only that row's own tells."""
    found = _OURS.match(identity)
    return int(found[1], 16) if found else None


_OURS = re.compile(r"<?([0-9a-f]{1,15})\.[0-9a-f]{32}@")


@lru_cache(maxsize=256)
def _ascii_domain(domain: str) -> str:
    """A Message-ID is ASCII, so a domain in another script is written in its A-label form (IDNA 2008)."""
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
