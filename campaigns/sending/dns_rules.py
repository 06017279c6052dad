"""What a sender's domain must say in DNS (SPF, DKIM, DMARC, MX, PTR). Pure: records come from a `Lookup`."""

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from campaigns.public_suffixes import public_suffixes

OK, WARNING, ERROR = "ok", "warning", "error"
MOST_SPF_LOOKUPS = 10
LEAST_BITS, WANTED_BITS = 1024, 2048


class Lookup(Protocol):
    """Answers of the domain name system; nothing for a name that does not exist."""

    def txt(self, name: str) -> list[str]: ...

    def mx(self, name: str) -> list[str]: ...

    def addresses(self, name: str) -> list[str]: ...

    def pointers(self, address: str) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing looked at: spf, dkim, dmarc, mx, ptr or alignment; what was seen, and what to do about it."""

    what: str
    level: str
    text: str
    fix: str = ""


def check_spf(lookup: Lookup, domain: str) -> Verdict:
    """Exactly one record, at most ten lookups, ended by ~all or -all (RFC 7208)."""
    records = _spf_records(lookup, domain)
    if not records:
        return Verdict("spf", ERROR, f"{domain} has no SPF record",
                       f'publish TXT "v=spf1 … ~all" at {domain} with what your relay tells you to include')
    if len(records) > 1:
        return Verdict("spf", ERROR, f"{domain} has {len(records)} SPF records, so receivers ignore them all",
                       "merge them into one")
    try:
        lookups = _count_lookups(lookup, domain, frozenset())
    except _TooDeep:
        lookups = MOST_SPF_LOOKUPS + 1
    if lookups > MOST_SPF_LOOKUPS:
        return Verdict("spf", ERROR, f"the SPF record of {domain} needs more than {MOST_SPF_LOOKUPS} lookups",
                       "remove includes that send no mail for you")
    ends = _end_of(lookup, records[0])
    if ends not in ("~all", "-all"):
        return Verdict("spf", ERROR if ends == "+all" else WARNING,
                       f"the SPF record of {domain} ends with {ends or 'nothing'}", "end it with ~all or -all")
    return Verdict("spf", OK, f"{domain} has one SPF record, {lookups} lookups, ends with {ends}")


class _TooDeep(Exception):
    pass


def _spf_records(lookup: Lookup, domain: str) -> list[str]:
    return [one for one in lookup.txt(domain) if one.lower().split(" ")[0] == "v=spf1"]


def _count_lookups(lookup: Lookup, domain: str, seen: frozenset[str]) -> int:
    """Mechanisms that ask the name system, those of included records too."""
    if domain in seen or len(seen) > MOST_SPF_LOOKUPS:
        raise _TooDeep
    total = 0
    for term in " ".join(_spf_records(lookup, domain)[:1]).lower().split()[1:]:
        word = term.lstrip("+-~?")
        name, _, value = word.partition(":") if ":" in word else word.partition("=")
        kind = name.partition("/")[0]
        if kind in ("a", "mx", "ptr", "exists", "include", "redirect"):
            total += 1
        if kind in ("include", "redirect") and value and "%" not in value:
            total += _count_lookups(lookup, value, seen | {domain})
        if total > MOST_SPF_LOOKUPS:
            raise _TooDeep
    return total


def _end_of(lookup: Lookup, record: str, depth: int = 0) -> str:
    terms = record.lower().split()[1:]
    ends = [term if term[0] in "+-~?" else f"+{term}" for term in terms if term.lstrip("+-~?") == "all"]
    redirects = [term.partition("=")[2] for term in terms if term.startswith("redirect=")]
    if ends or not redirects or depth > MOST_SPF_LOOKUPS:
        return ends[-1] if ends else ""
    followed = _spf_records(lookup, redirects[0])
    return _end_of(lookup, followed[0], depth + 1) if followed else ""


def check_dkim(lookup: Lookup, domain: str, selectors: Sequence[tuple[str, str]]) -> Iterator[Verdict]:
    """One verdict per (selector, our public key): its record is there, is ours, and the key is long enough."""
    for selector, public in selectors:
        name = f"{selector}._domainkey.{domain}"
        found = [read_tags(one) for one in lookup.txt(name) if "p=" in one]
        if not found:
            yield Verdict("dkim", ERROR, f"{name} has no record", "publish the record that the identity's page shows")
        elif "".join(found[0].get("p", "").split()) != public:
            yield Verdict("dkim", ERROR, f"{name} names another key than ours", "publish the record again, whole")
        else:
            yield _judge_key(name, found[0])


def check_signing(domain: str, *, has_key: bool, is_signing: bool, signed_by: str) -> Verdict:
    """Whether messages bear a signature at all, as far as it is made here: bulk senders are asked for one."""
    if signed_by:
        return Verdict("signing", OK, f"{signed_by} signs by itself for the domains that are verified there")
    if is_signing:
        return Verdict("signing", OK, f"messages are signed with our key for {domain}")
    if has_key:
        return Verdict("signing", WARNING, f"messages of {domain} leave unsigned: its key is made but not in use",
                       "publish its record, then start signing with it")
    return Verdict("signing", WARNING,
                   f"messages of {domain} leave unsigned, and the large mailbox providers ask for a DKIM signature",
                   "make a signing key on the identity's page; not needed where the relay signs for this domain (a "
                   "test message then shows dkim=pass)")


def _judge_key(name: str, tags: dict[str, str]) -> Verdict:
    bits = key_bits(tags.get("p", ""), tags.get("k", "rsa"))
    if bits is None or bits < LEAST_BITS:
        return Verdict("dkim", ERROR, f"the key at {name} is too short ({bits or 'unreadable'})", "make a new key")
    level = OK if bits >= WANTED_BITS else WARNING
    return Verdict("dkim", level, f"{name} holds our key ({bits} bits)", "" if level == OK else "rotate to 2048 bits")


def key_bits(public: str, kind: str) -> int | None:
    """The strength of a published key, an Ed25519 one counted as the 3072 bits of RSA that it is worth."""
    try:
        raw = b64decode("".join(public.split()), validate=True)
        if kind == "ed25519":
            return 3072 if len(raw) == 32 else None
        key = load_der_public_key(raw)
    except ValueError:
        return None
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else None


def check_dmarc(lookup: Lookup, domain: str) -> Verdict:
    """A policy for the domain or its organisation, with an address for reports (RFC 7489)."""
    organisation = organisational_domain(domain)
    for place in dict.fromkeys((domain, organisation)):
        records = [one for one in lookup.txt(f"_dmarc.{place}") if one.lower().startswith("v=dmarc1")]
        if len(records) > 1:
            return Verdict("dmarc", ERROR, f"_dmarc.{place} has {len(records)} records, so none counts", "keep one")
        if records:
            return _judge_policy(place, read_tags(records[0]))
    return Verdict("dmarc", ERROR, f"{domain} has no DMARC record",
                   f'publish TXT "v=DMARC1; p=none; rua=mailto:dmarc@{domain}" at _dmarc.{organisation}')


def _judge_policy(place: str, tags: dict[str, str]) -> Verdict:
    policy = tags.get("p", "").lower()
    if policy not in ("none", "quarantine", "reject"):
        return Verdict("dmarc", ERROR, f"_dmarc.{place} has no policy (p=)", "add p=none, quarantine or reject")
    if not tags.get("rua", "").lower().startswith("mailto:"):
        return Verdict("dmarc", WARNING, f"_dmarc.{place}: p={policy}, but no address for reports",
                       "add rua=mailto:… so that you learn who sends in your name")
    return Verdict("dmarc", OK, f"_dmarc.{place}: p={policy}, with reports")


def check_mx(lookup: Lookup, domain: str) -> Verdict:
    hosts = lookup.mx(domain)
    if not hosts:
        return Verdict("mx", WARNING, f"{domain} has no MX record: replies and bounces cannot come back",
                       "publish one, or use a sender whose domain receives mail")
    return Verdict("mx", OK, f"mail for {domain} goes to {hosts[0]}")


def check_pointer(lookup: Lookup, host: str) -> Verdict:
    """Forward-confirmed reverse name of a relay, which receivers look at when it delivers directly."""
    addresses = lookup.addresses(host)
    if not addresses:
        return Verdict("ptr", WARNING, f"{host} has no address", "check the relay's name")
    for address in addresses:
        names = lookup.pointers(address)
        if not any(address in lookup.addresses(name) for name in names):
            return Verdict("ptr", WARNING, f"{address} of {host} has no reverse name that leads back to it",
                           "ask whoever gives you the address to set its PTR record; needed when it delivers directly")
    return Verdict("ptr", OK, f"{host} has a reverse name that leads back to it")


def check_alignment(sender_domain: str, *, signing: Sequence[str], envelope_domain: str) -> Verdict:
    """From must share its organisational domain with a signature or with the envelope sender."""
    wanted = organisational_domain(sender_domain)
    if any(organisational_domain(one) == wanted for one in signing):
        return Verdict("alignment", OK, f"signatures are made for {wanted}")
    if organisational_domain(envelope_domain) == wanted:
        return Verdict("alignment", OK, f"bounces go to {envelope_domain}, which belongs to {wanted}")
    return Verdict("alignment", ERROR, f"nothing is aligned with {wanted}: bounces go to {envelope_domain} and no "
                                       "signature is made for it", "sign with DKIM, or use a bounce address there")


def read_tags(record: str) -> dict[str, str]:
    """`v=DKIM1; k=rsa; p=…` as a mapping."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): re.sub(r"\s+", " ", value).strip() for name, equals, value in pairs if equals}


def organisational_domain(domain: str) -> str:
    """The domain under a public suffix (`mail.shop.example.co.uk` → `example.co.uk`), without asking anybody."""
    found = public_suffixes()(domain.lower().rstrip("."))
    return f"{found.domain}.{found.suffix}" if found.domain and found.suffix else domain.lower()
