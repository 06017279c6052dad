"""What a domain's records must say; records come from a table, or from a real name server on loopback."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.rrset
import pytest

from campaigns.free_mail import is_free_mail
from campaigns.sending import dns_rules, domain_check
from campaigns.sending.dns_asking import Asker, NoAnswer
from campaigns.sending.dns_rules import Verdict
from campaigns.sending.domain_check import Subject


class Table:
    """A lookup over written-down records: (kind, name) to answers."""

    def __init__(self, records: Mapping[tuple[str, str], list[str]]) -> None:
        self.records = records

    def txt(self, name: str) -> list[str]:
        return self.records.get(("TXT", name), [])

    def mx(self, name: str) -> list[str]:
        return self.records.get(("MX", name), [])

    def addresses(self, name: str) -> list[str]:
        return self.records.get(("A", name), [])

    def pointers(self, address: str) -> list[str]:
        return self.records.get(("PTR", address), [])


def spf(*texts: str, **others: str) -> Verdict:
    included = {("TXT", f"{name}.example"): [text] for name, text in others.items()}
    return dns_rules.check_spf(Table({("TXT", "example.com"): list(texts), **included}), "example.com")


@pytest.mark.parametrize(("texts", "level", "words"), [
    ((), "error", "no SPF record"),
    (("v=spf1 ip4:192.0.2.1 ~all",), "ok", "0 lookups, ends with ~all"),
    (("v=spf1 mx -all", "google-site-verification=x"), "ok", "1 lookups, ends with -all"),
    (("v=spf1 -all", "v=spf1 ~all"), "error", "2 SPF records"),
    (("v=spf1 mx",), "warning", "ends with nothing"),
    (("v=spf1 mx ?all",), "warning", "ends with ?all"),
    (("v=spf1 all",), "error", "ends with +all"),
    (("v=spf10 -all",), "error", "no SPF record"),
    (("v=spf1 " + "a:x.example " * 11 + "-all",), "error", "more than 10 lookups"),
    (("V=SPF1 a mx -ALL",), "ok", "2 lookups"),
])
def test_spf(texts: tuple[str, ...], level: str, words: str) -> None:
    found = spf(*texts)
    assert (found.level, words in found.text) == (level, True)


def test_lookups_of_included_records_count_and_circles_end() -> None:
    nested = spf("v=spf1 include:a.example -all", a="v=spf1 include:b.example mx ?all", b="v=spf1 a mx a:x ?all")
    assert "6 lookups" in nested.text or "5 lookups" in nested.text
    assert spf("v=spf1 include:a.example -all", a="v=spf1 include:a.example").level == "error"


def test_a_redirect_is_followed_to_its_end() -> None:
    assert spf("v=spf1 redirect=a.example", a="v=spf1 mx -all").level == "ok"


@pytest.mark.parametrize(("record", "level"), [
    ("v=DMARC1; p=none; rua=mailto:d@example.com", "ok"), ("v=DMARC1; p=reject", "warning"),
    ("v=DMARC1; rua=mailto:d@example.com", "error"), ("v=DMARC1; p=maybe", "error"), ("", "error")])
def test_dmarc(record: str, level: str) -> None:
    records = {("TXT", "_dmarc.example.com"): [record] if record else []}
    assert dns_rules.check_dmarc(Table(records), "example.com").level == level


def test_the_policy_of_the_organisation_holds_for_its_subdomains() -> None:
    records = {("TXT", "_dmarc.example.co.uk"): ["v=DMARC1; p=reject; rua=mailto:d@example.co.uk"]}
    assert dns_rules.check_dmarc(Table(records), "news.shop.example.co.uk").level == "ok"


@pytest.mark.parametrize(("domain", "organisation"), [
    ("mail.example.com", "example.com"), ("a.b.example.co.uk", "example.co.uk"), ("example.com", "example.com"),
    ("shop.example.com.au", "example.com.au"), ("localhost", "localhost")])
def test_the_organisational_domain_is_found_without_a_network(domain: str, organisation: str) -> None:
    assert dns_rules.organisational_domain(domain) == organisation


@pytest.mark.parametrize(("signing", "envelope", "level"), [
    (["mail.example.com"], "bounces.relay.example", "ok"), ([], "bounce.example.com", "ok"),
    ([], "relay.example", "error"), (["example.org"], "relay.example", "error")])
def test_alignment(signing: list[str], envelope: str, level: str) -> None:
    assert dns_rules.check_alignment("news.example.com", signing=signing, envelope_domain=envelope).level == level


def _public(bits: int) -> str:
    from base64 import b64encode

    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65_537, key_size=bits).public_key()
    return b64encode(key.public_bytes(serialization.Encoding.DER,
                                      serialization.PublicFormat.SubjectPublicKeyInfo)).decode()


@pytest.mark.parametrize(("bits", "level"), [(1024, "warning"), (2048, "ok")])
def test_a_short_key_is_warned_of(bits: int, level: str) -> None:
    public = _public(bits)
    records = {("TXT", "s._domainkey.example.com"): [f"v=DKIM1; k=rsa; p={public}"]}
    [found] = dns_rules.check_dkim(Table(records), "example.com", [("s", public)])
    assert found.level == level


@pytest.mark.parametrize("records", [[], ["v=DKIM1; p=AAAA"], ["v=DKIM1; p="]])
def test_a_key_that_is_missing_or_not_ours_is_an_error(records: list[str]) -> None:
    table = Table({("TXT", "s._domainkey.example.com"): records})
    [found] = dns_rules.check_dkim(table, "example.com", [("s", "BBBB")])
    assert found.level == "error"


def test_a_relay_needs_a_reverse_name_that_leads_back() -> None:
    good = Table({("A", "mx.example.com"): ["192.0.2.7"], ("PTR", "192.0.2.7"): ["mx.example.com"]})
    bad = Table({("A", "mx.example.com"): ["192.0.2.7"], ("PTR", "192.0.2.7"): ["dyn-7.isp.example"]})
    assert [dns_rules.check_pointer(one, "mx.example.com").level for one in (good, bad)] == ["ok", "warning"]


# a real name server

ZONE = {
    ("example.com.", "TXT"): ['"v=spf1 mx ~all"', '"unrelated"'],
    ("example.com.", "MX"): ["10 mx.example.com."],
    ("mx.example.com.", "A"): ["192.0.2.7"],
    ("7.2.0.192.in-addr.arpa.", "PTR"): ["mx.example.com."],
    ("_dmarc.example.com.", "TXT"): ['"v=DMARC1; p=none; " "rua=mailto:d@example.com"'],
}


@contextmanager
def name_server(zone: Mapping[tuple[str, str], list[str]], *, is_mute: bool = False) -> Iterator[str]:
    """A DNS server on loopback that knows `zone`; a mute one never answers."""
    own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    own.bind(("127.0.0.1", 0))
    own.settimeout(0.05)
    ends = threading.Event()

    def serve() -> None:
        while not ends.is_set():
            try:
                raw, whom = own.recvfrom(4096)
            except TimeoutError:
                continue
            if not is_mute:
                own.sendto(_answer(raw, zone), whom)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{own.getsockname()[1]}"
    finally:
        ends.set()
        thread.join()
        own.close()


def _answer(raw: bytes, zone: Mapping[tuple[str, str], list[str]]) -> bytes:
    question = dns.message.from_wire(raw)
    [asked] = question.question
    answer = dns.message.make_response(question)
    known = zone.get((asked.name.to_text().lower(), dns.rdatatype.to_text(asked.rdtype)))
    if known:
        answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", asked.rdtype, *known))
    elif not any(name == asked.name.to_text().lower() for name, _kind in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer.to_wire()


def test_a_well_kept_domain_is_all_in_order(data_dir: object) -> None:
    with name_server(ZONE) as server:
        found = domain_check.examine(Subject("example.com", is_signing=True, relay_host="mx.example.com"),
                                     Asker(server=server))
    assert {one.what: one.level for one in found} == dict.fromkeys(
        ("alignment", "signing", "spf", "dmarc", "mx", "ptr"), "ok")


@pytest.mark.parametrize(("subject", "level", "words"), [
    (Subject("example.com"), "warning", "make a signing key"),
    (Subject("example.com", [("s", "AAAA")]), "warning", "start signing with it"),
    (Subject("example.com", [("s", "AAAA")], is_signing=True), "ok", "signed with our key"),
    (Subject("example.com", signed_by="Resend"), "ok", "Resend signs by itself"),
])
def test_unsigned_messages_are_told_with_what_to_do(subject: Subject, level: str, words: str) -> None:
    [found] = [one for one in domain_check.examine(subject, Table({})) if one.what == "signing"]
    assert (found.level, words in f"{found.text} {found.fix}") == (level, True)


def test_a_key_that_is_not_used_yet_aligns_nothing() -> None:
    subject = Subject("example.com", [("s", "AAAA")], envelope_domain="bounces.example.net")
    assert domain_check.examine(subject, Table({}))[0].level == "error"


def test_a_domain_without_records_is_told_what_to_publish(data_dir: object) -> None:
    with name_server({}) as server:
        found = domain_check.examine(Subject("example.net", [("s", "AAAA")]), Asker(server=server))
    assert {one.what: one.level for one in found} == {
        "alignment": "ok", "signing": "warning", "spf": "error", "dkim": "error", "dmarc": "error", "mx": "warning"}
    assert all(one.fix for one in found if one.level != "ok")


def test_a_mute_name_server_costs_a_second_and_is_said(data_dir: object) -> None:
    with name_server({}, is_mute=True) as server:
        started = time.monotonic()
        lookup = Asker(server=server)
        found = [*domain_check.examine(Subject("example.com"), lookup),
                 *domain_check.examine(Subject("example.net"), lookup)]
        seconds = time.monotonic() - started
    assert seconds < 2
    assert [one.what for one in found] == ["alignment", "signing", "dns"] * 2


def test_the_time_for_all_questions_is_bounded(data_dir: object) -> None:
    with name_server(ZONE) as server, pytest.raises(NoAnswer):
        Asker(server=server, seconds=0).txt("example.com")


def test_free_mail_is_known() -> None:
    assert is_free_mail("Gmail.com")
    assert not is_free_mail("example.com")
