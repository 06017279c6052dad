"""Was it a person who opened or clicked? Raw signs are kept with each event, so that this can be asked again."""

import re

SECONDS_NOBODY_IS_FASTER_THAN = 5.0
_BOT_AGENT = re.compile(
    r"bot\b|crawl|spider|scan|preview|proofpoint|barracuda|mimecast|safelinks|urldefense|forcepoint|symantec|sophos|"
    r"fireeye|trendmicro|zscaler|curl|wget|python-|python/|libwww|httpclient|okhttp|go-http|java/|headless|phantom|"
    r"slackbot|skypeuripreview|facebookexternalhit|whatsapp|bitlybot|googleimageproxy|yahoomailproxy|^ruby|axios|node-fetch",
    re.IGNORECASE,
)
# Apple's mail privacy proxy fetches every picture when a message arrives, with nothing but this.
_APPLE_PROXY = re.compile(r"^Mozilla/5\.0$")
# Pictures that Gmail and Yahoo fetch through their proxies are shown to a person at that moment.
_READERS_PROXY = re.compile(r"googleimageproxy|yahoomailproxy", re.IGNORECASE)


def is_machine_open(*, agent: str, seconds_since_sent: float | None) -> bool:
    """Whether a picture was fetched by a program: no or known agent, Apple's proxy, or sooner than anybody reads."""
    if _READERS_PROXY.search(agent):
        return False
    return bool(_APPLE_PROXY.match(agent)) or _is_program(agent, seconds_since_sent)


def is_machine_click(*, agent: str, seconds_since_sent: float | None, method: str = "GET") -> bool:
    """Whether a link was followed by a program: HEAD, no or known agent, or sooner than anybody reads."""
    return method == "HEAD" or _is_program(agent, seconds_since_sent)


def _is_program(agent: str, seconds_since_sent: float | None) -> bool:
    is_too_fast = seconds_since_sent is not None and seconds_since_sent <= SECONDS_NOBODY_IS_FASTER_THAN
    return not agent.strip() or bool(_BOT_AGENT.search(agent)) or is_too_fast
