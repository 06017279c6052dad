"""Mail services where anybody gets a mailbox: an address there is nobody's business address."""

from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def free_mail_domains() -> frozenset[str]:
    """Every known one, lower case."""
    lines = (Path(__file__).parent / "free_mail.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(domain for line in lines if not line.startswith("#") for domain in line.split())


def is_free_mail(domain: str) -> bool:
    return domain.strip().casefold() in free_mail_domains()
