"""Was it a person who opened or clicked? Raw signs are kept with each event, so that this can be asked again."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

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


def find_machines(visits: Sequence[Visit]) -> set[int]:
    """The ids of one message's visits that programs made, each judged by its own signs and by those around it."""
    alone = {visit.id for visit in visits if (_is_machine(visit) if visit.is_raw else visit.was_machine)}
    return alone | _in_bursts(visits) | _around_traps(visits)


def _is_machine(visit: Visit) -> bool:
    if visit.kind == "open":
        return is_machine_open(agent=visit.agent, seconds_since_sent=visit.seconds, ip=visit.ip)
    return visit.is_trap or is_machine_click(agent=visit.agent, seconds_since_sent=visit.seconds)


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


def is_machine_open(*, agent: str, seconds_since_sent: float | None, ip: str = "") -> bool:
    """Whether a picture was fetched by a program: no or known agent, Apple's proxy, or sooner than anybody reads."""
    if _READERS_PROXY.search(agent):
        return False
    return bool(_APPLE_PROXY.match(agent)) or _is_apples(ip) or _is_program(agent, seconds_since_sent)


def is_machine_click(*, agent: str, seconds_since_sent: float | None, method: str = "GET") -> bool:
    """Whether a link was followed by a program: HEAD, no or known agent, or sooner than anybody reads."""
    return method == "HEAD" or _is_program(agent, seconds_since_sent)


def _is_apples(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip) in _APPLE_NETWORK
    except ValueError:
        return False


def _is_program(agent: str, seconds_since_sent: float | None) -> bool:
    is_too_fast = seconds_since_sent is not None and seconds_since_sent <= SECONDS_NOBODY_IS_FASTER_THAN
    return not agent.strip() or bool(_BOT_AGENT.search(agent)) or is_too_fast
