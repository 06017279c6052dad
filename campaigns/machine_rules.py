"""Was it a person who opened or clicked? Raw signs are kept with each event, so that this can be asked again."""

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

SECONDS_NOBODY_IS_FASTER_THAN = 5.0
# Nobody follows this many different links of a message within so short a time.
MANY_LINKS, MANY_LINKS_WITHIN = 3, timedelta(seconds=2)
# A program that followed the hidden link also made the other visits around that moment.
AROUND_THE_TRAP = timedelta(seconds=30)
_BOT_AGENT = re.compile(
    r"bot\b|crawl|spider|scan|preview|proofpoint|barracuda|mimecast|safelinks|urldefense|forcepoint|symantec|sophos|"
    r"fireeye|trendmicro|zscaler|curl|wget|python-|python/|libwww|httpclient|okhttp|go-http|java/|headless|phantom|"
    r"slackbot|skypeuripreview|facebookexternalhit|whatsapp|bitlybot|googleimageproxy|yahoomailproxy|^ruby|axios|node-fetch",
    re.IGNORECASE,
)
# Apple's mail privacy proxy fetches every picture when a message arrives, with nothing but this.
_APPLE_PROXY = re.compile(r"^Mozilla/5\.0$")
_APPLE_NETWORK = ipaddress.ip_network("17.0.0.0/8")
# Pictures that Gmail and Yahoo fetch through their proxies are shown to a person at that moment.
_READERS_PROXY = re.compile(r"googleimageproxy|yahoomailproxy", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Visit:
    """An open or click as it was kept. `seconds`: since the hand-over; `is_raw`: its signs are still there, else only
    the earlier judgement `was_machine` is."""

    id: int
    kind: str
    at: datetime
    seconds: float | None
    agent: str = ""
    ip: str = ""
    link_id: int | None = None
    is_trap: bool = False
    is_raw: bool = True
    was_machine: bool = False


@dataclass(frozen=True)
class MachineRules:
    """What the operator sets: nobody reads within so many seconds of the hand-over, and nobody sits in these networks
    (CIDR), which belong to data centres or mail scanners."""

    seconds: float = SECONDS_NOBODY_IS_FASTER_THAN
    networks: tuple[str, ...] = ()

    def is_machine_open(self, *, agent: str, seconds_since_sent: float | None, ip: str = "") -> bool:
        """Whether a picture was fetched by a program: no or known agent, Apple's proxy, a program's network, or sooner
        than anybody reads."""
        if _READERS_PROXY.search(agent):
            return False
        return bool(_APPLE_PROXY.match(agent)) or _is_apples(ip) or self._is_program(agent, seconds_since_sent, ip)

    def is_machine_click(self, *, agent: str, seconds_since_sent: float | None, ip: str = "",
                         method: str = "GET") -> bool:
        """Whether a link was followed by a program: HEAD, no or known agent, a program's network, or sooner than
        anybody reads."""
        return method == "HEAD" or self._is_program(agent, seconds_since_sent, ip)

    def _is_program(self, agent: str, seconds_since_sent: float | None, ip: str) -> bool:
        is_too_fast = seconds_since_sent is not None and seconds_since_sent <= self.seconds
        return _is_bot(agent) or is_too_fast or _is_among(ip, self.networks)


def find_machines(visits: Sequence[Visit], rules: MachineRules) -> set[int]:
    """The ids of one message's visits that programs made, each judged by its own signs and by those around it."""
    alone = {visit.id for visit in visits if (_is_machine(visit, rules) if visit.is_raw else visit.was_machine)}
    return alone | _in_bursts(visits) | _around_traps(visits)


def _is_machine(visit: Visit, rules: MachineRules) -> bool:
    if visit.kind == "open":
        return rules.is_machine_open(agent=visit.agent, seconds_since_sent=visit.seconds, ip=visit.ip)
    return visit.is_trap or rules.is_machine_click(agent=visit.agent, seconds_since_sent=visit.seconds,
                                                     ip=visit.ip)


def _in_bursts(visits: Sequence[Visit]) -> set[int]:
    clicks = sorted((visit for visit in visits if visit.kind == "click"), key=lambda visit: visit.at)
    found: set[int] = set()
    first = 0
    for last, visit in enumerate(clicks):
        while visit.at - clicks[first].at > MANY_LINKS_WITHIN:
            first += 1
        if len(_links(clicks[first:last + 1])) >= MANY_LINKS:
            found.update(one.id for one in clicks[first:last + 1])
    return found


def _links(clicks: Iterable[Visit]) -> set[int]:
    return {click.link_id for click in clicks if click.link_id is not None}


def _around_traps(visits: Sequence[Visit]) -> set[int]:
    moments = [visit.at for visit in visits if visit.is_trap]
    return {visit.id for visit in visits if any(abs(visit.at - moment) <= AROUND_THE_TRAP for moment in moments)}



# Visits come in crowds: the same program from the same place fetches everything of a message, many times.
@lru_cache(maxsize=4_096)
def _is_bot(agent: str) -> bool:
    return not agent.strip() or bool(_BOT_AGENT.search(agent))


@lru_cache(maxsize=4_096)
def _is_apples(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip) in _APPLE_NETWORK
    except ValueError:
        return False


@lru_cache(maxsize=4_096)
def _is_among(ip: str, networks: tuple[str, ...]) -> bool:
    if not networks or not ip:
        return False
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    starts, ends = _ranges(networks, address.version)
    place = bisect_right(starts, int(address)) - 1
    return place >= 0 and int(address) <= ends[place]


@lru_cache(maxsize=8)
def _ranges(networks: tuple[str, ...], version: int) -> tuple[list[int], list[int]]:
    """First and last addresses of the networks of one kind, merged and in order."""
    known = (ipaddress.ip_network(network, strict=False) for network in networks)
    merged: list[Any] = sorted(ipaddress.collapse_addresses([one for one in known if one.version == version]))  # type: ignore[type-var]
    return [int(one.network_address) for one in merged], [int(one.broadcast_address) for one in merged]
