"""Connecting to hosts that people typed in: public addresses only, and to the very address that was checked.

The operator may allow hosts of the own network by name or address in ABM_ALLOWED_HOSTS.
"""

import ipaddress
import socket

from core.settings import settings

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SHARED = ipaddress.ip_network("100.64.0.0/10")


class ForbiddenHost(OSError):
    """The host leads into the own network."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} leads into the own network, which ABM_ALLOWED_HOSTS does not allow")
        self.strerror = str(self)


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, whatever form it is written in."""
    found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        elif found.ipv4_mapped or found.sixtofour:
            found = found.ipv4_mapped or found.sixtofour or found
    if isinstance(found, ipaddress.IPv4Address) and found in _SHARED:
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def is_allowed(host: str, address: str) -> bool:
    allowed = settings().allowed_hosts.lower().replace(",", " ").split()
    return host.lower() in allowed or address in allowed or is_public(address)


def is_private(host: str) -> bool:
    """Whether nothing may go to a host as far as its name tells. What a name leads to is asked when something goes."""
    try:
        return not is_allowed(host, "127.0.0.1" if host.lower() == "localhost" else host)
    except ValueError:  # a name, no address
        return False


def connect(host: str, port: int, *, timeout: float, is_guarded: bool) -> socket.socket:
    """A connection to `host`, looked up once. Raises OSError; ForbiddenHost when guarded and not public."""
    if not is_guarded:
        return socket.create_connection((host, port), timeout=timeout)
    addresses = [found[4][0] for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not addresses or not all(is_allowed(host, str(address)) for address in addresses):
        raise ForbiddenHost(host)
    failure: OSError = OSError(f"{host} has no address")
    for address in addresses:
        try:
            return socket.create_connection((str(address), port), timeout=timeout)
        except OSError as error:
            failure = error
    raise failure
