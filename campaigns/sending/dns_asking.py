"""Asking the name system within a time that is fixed for the whole examination: no network, no waiting."""

import time
from typing import TYPE_CHECKING

from core.errors import TemporaryFailure
from core.settings import settings

if TYPE_CHECKING:  # dnspython takes longer to import than the page that may never ask it
    import dns.resolver

MOST_SECONDS = 3.0
PER_QUESTION = 1.0


class NoAnswer(TemporaryFailure):
    """The name system could not be asked, or the time was up."""


class Asker:
    """A `dns_rules.Lookup` over real name servers. After one question without any answer it asks no more."""

    def __init__(self, *, seconds: float = MOST_SECONDS, server: str | None = None) -> None:
        self._ends_at = time.monotonic() + seconds
        self._known: dict[tuple[str, str], list[str]] = {}
        self._is_deaf = False
        self._resolver = _resolver(settings().dns_server if server is None else server)

    def txt(self, name: str) -> list[str]:
        return self._ask(name, "TXT")

    def mx(self, name: str) -> list[str]:
        return [one.split(" ")[-1].rstrip(".") for one in sorted(self._ask(name, "MX")) if not one.endswith(" .")]

    def addresses(self, name: str) -> list[str]:
        """Those of a name; an address is its own."""
        import dns.inet

        if dns.inet.is_address(name):
            return [name]
        return self._ask(name, "A") + self._ask(name, "AAAA")

    def pointers(self, address: str) -> list[str]:
        import dns.reversename

        return [one.rstrip(".") for one in self._ask(str(dns.reversename.from_address(address)), "PTR")]

    def _ask(self, name: str, kind: str) -> list[str]:
        asked = (name.lower(), kind)
        if asked not in self._known:
            self._known[asked] = self._really_ask(name, kind)
        return self._known[asked]

    def _really_ask(self, name: str, kind: str) -> list[str]:
        import dns.exception
        import dns.name
        import dns.resolver

        left = self._ends_at - time.monotonic()
        if self._resolver is None or self._is_deaf or left <= 0:
            raise NoAnswer("the name system does not answer from here")
        try:
            found = self._resolver.resolve(name, kind, lifetime=min(left, PER_QUESTION), search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel):
            return []
        except (dns.exception.DNSException, OSError) as error:
            self._is_deaf = True
            raise NoAnswer("the name system does not answer from here") from error
        if kind == "TXT":
            return [b"".join(one.strings).decode("utf-8", "replace") for one in found]
        return [one.to_text() for one in found]


def _resolver(server: str) -> "dns.resolver.Resolver | None":
    """The system's name servers, or `server` as address or address:port; None where there are none."""
    import dns.resolver

    if not server:
        try:
            return dns.resolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            return None
    made = dns.resolver.Resolver(configure=False)
    address, _, port = server.partition(":")
    made.nameservers, made.port = [address], int(port or 53)
    return made
