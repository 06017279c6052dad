"""Settings → Receiving, and the same by command: secrets go in and never come out."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from abm.audit.models import AuditEntry
from abm.cli import main
from abm.sending.actions import rotate_secrets
from campaigns.models import EventHook, Mailbox
from core.db import reading, transaction
from core.secrets import decrypt

IMAP = {"name": "Sales", "kind": "imap", "host": "mail.example.com", "user_name": "sales", "secret": "pa55-word",
        "tls": "implicit", "folder": "", "port": ""}


def test_a_mailbox_is_added_with_its_password_sealed(client_as: Callable[..., Any]) -> None:
    client = client_as("admin")
    page = client.post("/settings/receiving/mailboxes", data=IMAP, follow_redirects=True).text
    with reading() as session:
        mailbox = session.scalars(select(Mailbox)).one()
        told = [str(row) for row in session.execute(select(AuditEntry.__table__))]
        kept = (mailbox.folder, mailbox.port, decrypt(mailbox.secret_sealed))

    assert kept == ("INBOX", 993, "pa55-word")
    assert "pa55-word" not in page + "".join(told)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [({"host": ""}, "Name the mail server"), ({"name": ""}, "Give it a name"), ({"port": "99999"}, "invalid-feedback"),
     ({"kind": "maildir", "folder": "relative/path"}, "the whole path"), ({"kind": "pop"}, "invalid-feedback")],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field(client_as: Callable[..., Any], changed: dict[str, str],
                                               sentence: str) -> None:
    answer = client_as("admin").post("/settings/receiving/mailboxes", data={**IMAP, **changed})

    assert (answer.status_code, sentence in answer.text) == (422, True)


def test_a_made_secret_is_shown_once(client_as: Callable[..., Any]) -> None:
    client = client_as("admin")
    first = client.post("/settings/receiving/hooks", data={"hook_name": "Provider", "form": "standard"}).text
    with reading() as session:
        secret = decrypt(session.scalars(select(EventHook.secret_sealed)).one())

    assert secret in first
    assert secret not in client.get("/settings/receiving").text


def test_a_secret_that_signs_nothing_is_told_beside_its_field(client_as: Callable[..., Any]) -> None:
    answer = client_as("admin").post("/settings/receiving/hooks", data={
        "hook_name": "", "form": "resend", "hook_secret": "whsec_x"})

    assert answer.status_code == 422
    assert 'id="hook_name-error"' in answer.text
    assert 'id="hook_secret-error"' in answer.text


def test_only_administrators_see_them(client_as: Callable[..., Any]) -> None:
    assert client_as("marketer").get("/settings/receiving").status_code == 403


def test_hooks_and_mailboxes_by_command(database: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("new", "cur"):
        (tmp_path / "M" / name).mkdir(parents=True)
    monkeypatch.setattr("sys.stdin", io.StringIO("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n"))
    assert main(["hooks", "add", "resend", "--form", "resend", "--secret-stdin", "--json"]) == 0
    hook = json.loads(capsys.readouterr().out)
    assert main(["mailboxes", "add", "Local", "--maildir", str(tmp_path / "M"), "--json"]) == 0
    capsys.readouterr()
    assert main(["mailboxes", "poll", "--json"]) == 0
    polled = json.loads(capsys.readouterr().out)
    assert main(["mailboxes", "remove", "Local"]) == 0
    assert main(["mailboxes", "remove", "Local"]) == 2

    assert ("/hooks/" in hook["url"], hook["secret"]) == (True, "")
    assert polled == {"mailboxes": [{"name": "Local", "messages": 0, "problem": ""}]}


def test_a_new_key_seals_these_secrets_too(client_as: Callable[..., Any]) -> None:
    client_as("admin").post("/settings/receiving/mailboxes", data=IMAP)
    with transaction() as session:
        before = session.scalars(select(Mailbox.secret_sealed)).one()
        assert rotate_secrets(session) == 1
    with reading() as session:
        after = session.scalars(select(Mailbox.secret_sealed)).one()

    assert (before != after, decrypt(after)) == (True, "pa55-word")
