"""One examination of a sender's domain: all rules, within a few seconds, or the word that nobody could be asked."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from campaigns.sending import dns_rules
from campaigns.sending.dns_asking import NoAnswer
from campaigns.sending.dns_rules import Lookup, Verdict


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined: the sender's domain, our keys there as (selector, public key), whether one of them signs
    already, a provider that signs by itself (its name), where bounces go, the relay."""

    domain: str
    keys: Sequence[tuple[str, str]] = ()
    is_signing: bool = False
    signed_by: str = ""
    envelope_domain: str = ""
    relay_host: str = ""


def examine(subject: Subject, lookup: Lookup) -> list[Verdict]:
    """Every rule; those that nobody answered for are told as one warning."""
    found: list[Verdict] = [dns_rules.check_alignment(
        subject.domain, signing=[subject.domain] if subject.is_signing or subject.signed_by else [],
        envelope_domain=subject.envelope_domain or subject.domain)]
    found.append(dns_rules.check_signing(subject.domain, has_key=bool(subject.keys), is_signing=subject.is_signing,
                                         signed_by=subject.signed_by))
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
