"""Company names and web domains in a form in which they can be compared. Pure."""

import re
import unicodedata

_DOMAIN = re.compile(r"(?=.{4,253}$)(?:[\w](?:[\w-]{0,61}[\w])?\.)+[^\W\d_](?:[\w-]{0,61}[\w])?")


def name_key(name: str) -> str:
    """The name folded for comparison: compatibility forms and case made equal, runs of blanks made one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())[:300]


def plain_domain(text: str) -> str | None:
    """`https://www.Example.com/about` -> `example.com`; None where there is no domain in it."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().casefold())
    host = re.split(r"[/?#\s]", host, maxsplit=1)[0].rpartition("@")[2].partition(":")[0]
    host = host.removeprefix("www.").rstrip(".")
    return host if _DOMAIN.fullmatch(host) else None
