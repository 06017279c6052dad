"""Message-IDs: the same for every try of a delivery, and not to be guessed from its number."""

from core.signing import keyed_digest


def message_id(delivery_id: int, sender_address: str) -> str:
    """`<digest@domain of the sender>`; a resend by a person is another delivery and gets another one."""
    domain = sender_address.rpartition("@")[2] or "localhost"
    return f"<{keyed_digest('message-id', str(delivery_id))[:32]}@{domain}>"
