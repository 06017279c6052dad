"""E-mail addresses as they come in files. Pure: asks no DNS."""

from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from abm.imports.values import BadValue

# Nobody reads these, or writing to them is a trap (RFC 2142 mailboxes and automatic senders).
_NOT_A_PERSON = frozenset({
    "abuse", "postmaster", "hostmaster", "webmaster", "noreply", "no-reply", "no_reply", "donotreply", "do-not-reply",
    "do_not_reply", "mailer-daemon", "mailerdaemon", "bounce", "bounces", "root", "nobody", "devnull", "spam",
    "spamtrap", "listserv", "majordomo", "unsubscribe",
})


@lru_cache(maxsize=1_000)
def checked_address(text: str) -> str:
    """The address in its normal form. Raises BadValue: not valid, or not one that a person reads."""
    try:
        bare = text.removeprefix("mailto:").strip()
        address = validate_email(bare, check_deliverability=False, strict=True).normalized
    except EmailNotValidError as error:
        raise BadValue(f"{text[:80]!r} is not an e-mail address: {error}") from error
    local = address.rpartition("@")[0].casefold().partition("+")[0]
    if local in _NOT_A_PERSON:
        raise BadValue(f"{local}@ is a role address that no person reads; it was left out (role_address)")
    return address


def address_for_comparison(address: str) -> str:
    """Two addresses that differ in case only are the same mailbox."""
    return address.strip().casefold()
