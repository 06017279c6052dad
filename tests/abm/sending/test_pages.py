"""Sending identities in the browser."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select

from abm.audit.models import AuditDetail, AuditEntry
from campaigns.models import DkimKey, SendingIdentity
from campaigns.sending import breaker
from campaigns.sending.circuit import Opening
from core.db import reading, transaction
from core.secrets import decrypt
from core.settings import settings
from tests.campaigns.sending.test_dns_rules import ZONE, name_server
from tests.sending_factory import make_identity

FORM = {"name": "Sales desk", "email": "Sales@Example.com", "kind": "smtp", "host": "smtp.example.com",
        "tls": "starttls", "user_name": "sales", "secret": "hunter2-very-secret", "per_day": "500"}


@pytest.fixture(autouse=True)
def _https(data_dir: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABM_BASE_URL", "https://abm.example.com")
    settings.cache_clear()


def stored() -> SendingIdentity:
    with reading() as session:
        found = session.scalars(select(SendingIdentity)).one()
        session.expunge(found)
    return found


def test_an_identity_is_made_with_its_secret_encrypted(client_as: Any) -> None:
    answer = client_as("admin").post("/settings/senders", data=FORM, follow_redirects=True)
    one = stored()
    assert answer.status_code == 200
    assert (one.email, one.domain, one.port, one.per_day) == ("sales@example.com", "example.com", 587, 500)
    assert "hunter2" not in one.secret_sealed
    assert decrypt(one.secret_sealed) == "hunter2-very-secret"


def test_a_secret_is_never_shown_or_audited(client_as: Any) -> None:
    client = client_as("admin")
    client.post("/settings/senders", data=FORM)
    one = stored()
    pages = [client.get(address).text for address in (
        "/settings/senders", f"/settings/senders/{one.id}", f"/settings/senders/{one.id}/edit", "/settings/audit")]
    with reading() as session:
        details = " ".join(str(row.after) + str(row.before) for row in session.scalars(select(AuditDetail)))
    assert "hunter2" not in " ".join([*pages, details])
    assert one.secret_sealed not in " ".join(pages)


def test_an_empty_secret_keeps_the_stored_one_and_another_relay_does_not_get_it(client_as: Any) -> None:
    client = client_as("admin")
    client.post("/settings/senders", data=FORM)
    one = stored()
    client.post(f"/settings/senders/{one.id}", data={**FORM, "secret": "", "per_day": "700"})
    assert (stored().secret_sealed, stored().per_day) == (one.secret_sealed, 700)
    refused = client.post(f"/settings/senders/{one.id}", data={**FORM, "secret": "", "host": "evil.example.net"})
    assert refused.status_code == 422
    assert stored().host == "smtp.example.com"


@pytest.mark.parametrize(("changed", "field", "words"), [
    ({"email": "not an address"}, "email", "not an e-mail address"), ({"host": ""}, "host", "host name"),
    ({"host": "smtp://u:p@h"}, "host", "without a scheme"), ({"tls": "none"}, "tls", "never travels in clear"),
    ({"kind": "json", "base_url": "http://api.example.com"}, "base_url", "https://"),
    ({"per_day": "many"}, "per_day", "whole number"), ({"name": ""}, "name", "name")])
def test_what_cannot_be_accepted_is_said_beside_the_field(client_as: Any, changed: dict[str, str], field: str,
                                                          words: str) -> None:
    answer = client_as("admin").post("/settings/senders", data={**FORM, **changed})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert words in answer.text


def test_mail_does_not_leave_the_machine_with_plain_http_links(client_as: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABM_BASE_URL", "http://127.0.0.1:8000")
    settings.cache_clear()
    client = client_as("admin")
    assert "needs https" in client.post("/settings/senders", data=FORM).text
    assert client.post("/settings/senders", data={**FORM, "host": "127.0.0.1"}).status_code == 302


@pytest.mark.parametrize("changed", [
    {"host": "127.0.0.1"}, {"host": "localhost"}, {"host": "10.1.2.3"},
    {"kind": "json", "host": "", "base_url": "https://192.168.1.5/send"}])
def test_who_names_a_relay_in_the_own_network_is_told_what_it_needs(client_as: Any, monkeypatch: pytest.MonkeyPatch,
                                                                    changed: dict[str, str]) -> None:
    told = "is in the own network: nothing is sent there"
    made = client_as("admin").post("/settings/senders", data={**FORM, **changed}, follow_redirects=True)
    monkeypatch.setenv("ABM_ALLOWED_HOSTS", "127.0.0.1 localhost 10.1.2.3 192.168.1.5")
    settings.cache_clear()
    saved = client_as("admin").post(f"/settings/senders/{stored().id}", data={**FORM, **changed}, follow_redirects=True)
    assert (told in made.text, told in saved.text) == (True, False)


def test_one_address_has_one_identity(client_as: Any) -> None:
    client = client_as("admin")
    client.post("/settings/senders", data=FORM)
    assert client.post("/settings/senders", data=FORM).status_code == 422


def test_the_domains_records_are_checked_from_the_page(client_as: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_as("admin")
    client.post("/settings/senders", data={**FORM, "kind": "operator", "host": ""})
    page = checked(client, monkeypatch, ZONE)
    assert "example.com has one SPF record, 1 lookups, ends with ~all" in page
    assert "messages of example.com leave unsigned" in page
    assert "All records are as they should be" not in page


def test_all_is_in_order_once_messages_are_signed_with_a_published_key(client_as: Any,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_as("admin")
    client.post("/settings/senders", data={**FORM, "kind": "operator", "host": ""})
    client.post(f"/settings/senders/{stored().id}/keys", data={"algorithm": "ed25519"})
    with reading() as session:
        key = session.scalars(select(DkimKey)).one()
        record = {(f"{key.selector}._domainkey.example.com.", "TXT"): [f'"v=DKIM1; k=ed25519; p={key.public_key}"']}
        key_id = key.id
    assert "its key is made but not in use" in checked(client, monkeypatch, {**ZONE, **record})
    client.post(f"/settings/senders/keys/{key_id}/activate")
    assert "All records are as they should be" in checked(client, monkeypatch, {**ZONE, **record})


def checked(client: Any, monkeypatch: pytest.MonkeyPatch, zone: Mapping[tuple[str, str], list[str]]) -> str:
    """The identity's page after its records were looked at."""
    with name_server(zone) as server:
        monkeypatch.setenv("ABM_DNS_SERVER", server)
        settings.cache_clear()
        return str(client.post(f"/settings/senders/{stored().id}/check", follow_redirects=True).text)


def test_a_key_is_made_published_and_used(client_as: Any) -> None:
    client = client_as("admin")
    client.post("/settings/senders", data=FORM)
    number = stored().id
    page = client.post(f"/settings/senders/{number}/keys", data={"algorithm": "rsa"}, follow_redirects=True).text
    with reading() as session:
        key = session.scalars(select(DkimKey)).one()
        session.expunge(key)
    assert f"{key.selector}._domainkey.example.com" in page
    assert key.public_key in page
    client.post(f"/settings/senders/keys/{key.id}/activate")
    with reading() as session:
        assert session.get_one(DkimKey, key.id).state == "active"


def test_a_pause_is_shown_and_ended_from_the_page(client_as: Any) -> None:
    with transaction() as session:
        identity = make_identity(session, kind="smtp", host="smtp.example.com")
        breaker.note_openings(session, identity.id, [Opening(False, "auth", 535, "bad credentials")])
        number = identity.id
    client = client_as("admin")
    assert "535 bad credentials" in client.get(f"/settings/senders/{number}").text
    client.post(f"/settings/senders/{number}/try-now")
    assert "535 bad credentials" not in client.get(f"/settings/senders/{number}").text


def test_failures_are_shown_before_there_are_enough_of_them_for_a_pause(client_as: Any) -> None:
    with transaction() as session:
        number = make_identity(session, kind="smtp", host="smtp.example.com").id
        breaker.note_openings(session, number, [Opening(False, "ehlo", None, "the certificate is not trusted")] * 2)
    page = client_as("admin").get(f"/settings/senders/{number}").text
    assert "The last 2 connections could not be opened" in page
    assert "the certificate is not trusted" in page


def test_vouching_is_audited_with_what_the_records_lacked(client_as: Any) -> None:
    with transaction() as session:
        number = make_identity(session, findings=[
            {"what": "spf", "level": "error", "text": "no SPF record", "fix": "publish one"}]).id
    client_as("admin").post(f"/settings/senders/{number}/verify")
    with reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "sender.verify")).one()
        detail = session.scalars(select(AuditDetail).where(AuditDetail.entry_id == entry.id)).one()
        assert detail.after == {"in_spite_of": ["no SPF record"]}
    assert stored().verified_by


def test_an_empty_list_says_what_an_identity_is_for(client_as: Any) -> None:
    page = client_as("admin").get("/settings/senders").text
    assert "No sending identities yet" in page
    assert "outbox:" in page
