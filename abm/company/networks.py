"""Networks of data centres and mail scanners, as people give them."""

from ipaddress import ip_network

from core.errors import InvalidInput


def read_networks(text: str) -> list[str]:
    """Networks (CIDR) out of text, one a line; what stands behind # is a remark. Raises InvalidInput."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    networks = [line for line in lines if line]
    for line in networks:
        try:
            ip_network(line, strict=False)
        except ValueError:
            sentence = f'"{line[:60]}" is not a network such as 192.0.2.0/24'
            raise InvalidInput(sentence, {"machine_networks": sentence}) from None
    return networks
