"""`abm senders`, `abm secrets rotate` and what the doctor says, by command."""

import json
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from abm.cli import main
from abm.sending.doctor import look_at_senders
from campaigns.models import SendingIdentity
from campaigns.sending import breaker
from campaigns.sending.circuit import Opening
from core.db import reading, transaction
from core.secrets import decrypt, encrypt
from core.settings import settings
from tests.campaigns.sending.test_dns_rules import ZONE, name_server
from tests.sending_factory import make_identity


def test_senders_are_listed_for_scripts(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with transaction() as session:
        make_identity(session, per_day=50)
    assert main(["senders", "list", "--json"]) == 0
    [one] = json.loads(capsys.readouterr().out)["senders"]
    told = (one["email"], one["state"], one["limit_today"], one["verified"])
    assert told == ("sales@example.com", "active", 50, False)


def test_a_check_by_command_is_kept_for_the_page(database: Path, capsys: pytest.CaptureFixture[str],
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        make_identity(session)
    with name_server(ZONE) as server:
        monkeypatch.setenv("ABM_DNS_SERVER", server)
        settings.cache_clear()
        assert main(["senders", "check", "sales@example.com", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["findings"]
    with reading() as session:
        assert session.scalars(select(SendingIdentity.findings)).one() == found
    assert {one["level"] for one in found} == {"ok"}


def test_an_unknown_sender_is_refused(database: Path) -> None:
    assert main(["senders", "verify", "nobody@example.com"]) == 2


def test_secrets_are_sealed_again_with_a_new_key(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        make_identity(session, secret_sealed=encrypt("hunter2"))
    old, new = settings().secret_key, "another-key-of-at-least-thirty-two-characters"
    monkeypatch.setenv("ABM_SECRET_KEY", f"{new},{old}")
    settings.cache_clear()
    assert main(["secrets", "rotate"]) == 0
    monkeypatch.setenv("ABM_SECRET_KEY", new)
    settings.cache_clear()
    with reading() as session:
        assert decrypt(session.scalars(select(SendingIdentity.secret_sealed)).one()) == "hunter2"


def test_the_doctor_tells_of_pauses_and_records_and_never_hangs(
        database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        identity = make_identity(session, kind="smtp", host="smtp.example.com")
        breaker.note_openings(session, identity.id, [Opening(False, "auth", 535, "bad credentials")])
        breaker.note_openings(session, 0, [Opening(False, "connect", None, "refused")] * 10)
        for number in range(5):
            make_identity(session, f"a@d{number}.example")
    with name_server({}, is_mute=True) as server:
        monkeypatch.setenv("ABM_DNS_SERVER", server)
        settings.cache_clear()
        started = time.monotonic()
        seen = list(look_at_senders())
        seconds = time.monotonic() - started
    assert seconds < 3
    assert {"relay", "sender sales@example.com"} <= {name for name, level, _text, _fix in seen if level == "error"}
    assert sum("not checked" in text for _name, _level, text, _fix in seen) == 6
