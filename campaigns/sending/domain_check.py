"""One examination of a sender's domain: all rules, within a few seconds, or the word that nobody could be asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from campaigns.sending import dns_rules
from campaigns.sending.dns_asking import NoAnswer
from campaigns.sending.dns_rules import Lookup, Verdict

FREE_MAIL = frozenset([
    "gmail.com", "googlemail.com", "yahoo.com", "yahoo.fr", "yahoo.de", "yahoo.co.uk", "ymail.com", "outlook.com",
    "outlook.de", "outlook.fr", "hotmail.com", "hotmail.de", "hotmail.fr", "hotmail.co.uk", "live.com", "live.de",
    "live.fr", "msn.com", "aol.com", "icloud.com", "me.com", "mac.com", "gmx.de", "gmx.net", "gmx.com", "gmx.at",
    "gmx.ch", "web.de", "t-online.de", "freenet.de", "mail.com", "proton.me", "protonmail.com", "pm.me", "zoho.com",
    "yandex.ru", "yandex.com", "mail.ru", "qq.com", "163.com", "126.com", "sina.com", "orange.fr", "wanadoo.fr",
    "free.fr", "laposte.net", "sfr.fr", "libero.it", "tiscali.it", "comcast.net", "verizon.net", "btinternet.com",
    "bluewin.ch", "seznam.cz", "wp.pl", "o2.pl", "naver.com", "hanmail.net", "rediffmail.com", "uol.com.br",
])



@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined: the sender's domain, our keys there as (selector, public key), where bounces go, the relay."""

    domain: str
    keys: Sequence[tuple[str, str]] = ()
    envelope_domain: str = ""
    relay_host: str = ""


def is_free_mail(domain: str) -> bool:
    """Whether mail from this domain can only be sent by its mail service (their DMARC policies say so)."""
    return domain.lower() in FREE_MAIL


def examine(subject: Subject, lookup: Lookup) -> list[Verdict]:
    """Every rule; those that nobody answered for are told as one warning."""
    found: list[Verdict] = [dns_rules.check_alignment(
        subject.domain, signing=[subject.domain] if subject.keys else [],
        envelope_domain=subject.envelope_domain or subject.domain)]
    try:
        for check in _checks(subject, lookup):
            found.extend(check())
    except NoAnswer as error:
        found.append(Verdict("dns", dns_rules.WARNING, f"{error}, so the records of {subject.domain} were not checked",
                             "try again from a machine with a network, or set ABM_DNS_SERVER"))
    return found


def _checks(subject: Subject, lookup: Lookup) -> Iterator[Callable[[], list[Verdict]]]:
    yield lambda: [dns_rules.check_spf(lookup, subject.envelope_domain or subject.domain)]
    yield lambda: list(dns_rules.check_dkim(lookup, subject.domain, subject.keys))
    yield lambda: [dns_rules.check_dmarc(lookup, subject.domain)]
    yield lambda: [dns_rules.check_mx(lookup, subject.domain)]
    if subject.relay_host:
        yield lambda: [dns_rules.check_pointer(lookup, subject.relay_host)]
