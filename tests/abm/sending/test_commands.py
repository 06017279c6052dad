"""`abm senders`, `abm secrets rotate` and what the doctor says, by command."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from abm.cli import main
from abm.installation.doctor import Finding, as_answer, as_text
from abm.sending.doctor import look_at_senders
from campaigns.models import Mailbox, SendingIdentity
from campaigns.sending import breaker
from campaigns.sending.circuit import Opening
from core import clock
from core.db import reading, transaction
from core.secrets import decrypt, encrypt
from core.settings import settings
from tests.campaigns.sending.test_dns_rules import ZONE, name_server
from tests.outbox_factory import running_campaign
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
    assert {one["what"] for one in found if one["level"] != "ok"} == {"signing"}


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


def seen_of(name: str) -> list[tuple[str, str, str]]:
    return [(level, text, fix) for seen, level, text, fix in look_at_senders() if seen == name]


def test_the_doctor_tells_of_mailboxes_that_are_not_read(database: Path, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mail"
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True)
    now = clock.now()
    with transaction() as session:
        common: dict[str, Any] = {"kind": "maildir", "folder": str(folder), "created_at": now, "checked_at": now}
        session.add_all([
            Mailbox(name="good", messages=3, **common),
            Mailbox(name="gone", **{**common, "folder": str(tmp_path / "nowhere")}),
            Mailbox(name="late", **{**common, "checked_at": now - timedelta(hours=1)}),
            Mailbox(name="never", **{**common, "checked_at": None}),
            Mailbox(name="off", is_active=False, problem="old", **common),
            Mailbox(name="refused", kind="imap", folder="INBOX", host="mail.example.com", checked_at=now,
                    created_at=now, problem="The server refused: bad password")])
    assert seen_of("mailbox good")[0][:2] == ("ok", f"3 messages read, the last look at {now:%H:%M} UTC")
    assert [seen_of(f"mailbox {name}")[0][0] for name in ("gone", "late", "never", "refused")] == [
        "error", "warning", "warning", "error"]
    assert "bad password" in seen_of("mailbox refused")[0][1]
    assert seen_of("mailbox off") == []


def test_the_doctor_says_that_nobody_reads_the_bounces(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABM_BOUNCE_ADDRESS", "bounces@b.example.com")
    settings.cache_clear()
    assert "bounces@b.example.com" in seen_of("mailboxes")[0][1]


def test_the_doctor_looks_at_the_domains_that_campaigns_send_from(database: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    running_campaign(1)
    with name_server({("example.com.", "TXT"): ['"v=spf1 +all"']}) as server:
        monkeypatch.setenv("ABM_DNS_SERVER", server)
        monkeypatch.setenv("ABM_MAIL_URL", "smtp://127.0.0.1:2525?tls=none")
        settings.cache_clear()
        seen = {name: (level, text) for name, level, text, _fix in look_at_senders()}
    assert seen["spf of example.com"][0] == "error"
    assert "no DMARC record" in seen["dmarc of example.com"][1]


def test_what_the_doctor_names_stands_apart_from_what_it_says() -> None:
    sender = "sender somebody.with.a.long.name@a-long-company.example"
    said = as_text(as_answer([Finding("python", "ok", "Python 3"), Finding(sender, "warning", "not verified", "vouch")])
                   ["checks"]).splitlines()
    assert said[1] == f"warning {sender}  not verified → vouch"
    assert said[0].index("Python") == said[1].index("not verified")


def test_a_key_is_made_listed_used_and_retired_by_command(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with transaction() as session:
        make_identity(session)
    assert main(["senders", "keys", "make", "sales@example.com", "--algorithm", "ed25519", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["state"], made["record_name"]) == ("waiting", f"{made['selector']}._domainkey.example.com")
    assert main(["senders", "keys", "use", "sales@example.com", made["selector"]]) == 0
    assert states_of_keys(capsys) == {made["selector"]: "active"}
    assert main(["senders", "keys", "retire", "sales@example.com", made["selector"]]) == 0
    assert states_of_keys(capsys) == {made["selector"]: "retired"}
    assert main(["senders", "keys", "use", "sales@example.com", "nothing"]) == 2


def states_of_keys(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    capsys.readouterr()
    assert main(["senders", "keys", "list", "sales@example.com", "--json"]) == 0
    return {one["selector"]: one["state"] for one in json.loads(capsys.readouterr().out)["keys"]}
