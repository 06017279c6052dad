"""Mailboxes are looked into and each message is applied once, from a Maildir and over IMAP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from campaigns import mailboxes
from campaigns.jobs import poll_mailboxes
from campaigns.message_ids import message_id as own_message_id
from campaigns.models import Delivery, Event, Mailbox
from core import clock
from core.db import reading, transaction
from core.secrets import encrypt
from core.settings import settings
from tests.campaigns.campaign_factory import deliveries, make_people, make_run
from tests.campaigns.test_receipts import answer, bounce
from tests.imap import PASSWORD, USER, Post, imap_server

pytestmark = pytest.mark.usefixtures("engine_side")


@pytest.fixture
def sent(engine_side: Path) -> list[Delivery]:
    """Two messages that were sent to two people."""
    with transaction() as session:
        make_people(session, 2)
        rows = deliveries(session, make_run(session))
        for row in rows:
            row.state, row.sent_at = "sent", clock.now()
            row.message_id = own_message_id(row.id, "jane@example.com")
        session.flush()
        session.expunge_all()
        return rows


def events() -> list[str]:
    with reading() as session:
        return list(session.scalars(select(Event.kind).order_by(Event.id)))


def make_mailbox(**values: Any) -> int:
    with transaction() as session:
        given = {"name": "Bounces", "folder": "INBOX", "kind": "imap", "tls": "none", "created_at": clock.now()}
        mailbox = Mailbox(**{**given, **values})
        session.add(mailbox)
        session.flush()
        return mailbox.id


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    folder = tmp_path / "Maildir"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    make_mailbox(kind="maildir", folder=str(folder))
    return folder


def test_a_maildir_is_read_once_and_its_messages_stay_for_their_reader(sent: list[Delivery], maildir: Path) -> None:
    (maildir / "new" / "1.host").write_bytes(answer(sent[0]))
    (maildir / "new" / "2.host").write_bytes(bounce(sent[1]))
    first, second = mailboxes.poll_all(is_now=True), mailboxes.poll_all(is_now=True)

    assert ([one.messages for one in first], [one.messages for one in second]) == ([2], [0])
    assert events() == ["reply", "bounce_hard"]
    assert sorted(file.name for file in (maildir / "cur").iterdir()) == ["1.host:2,S", "2.host:2,S"]


def test_a_message_that_was_applied_before_a_crash_is_known_again(sent: list[Delivery], maildir: Path) -> None:
    for name in ("1.host", "again.host"):
        (maildir / "new" / name).write_bytes(answer(sent[0]))
    mailboxes.poll_all(is_now=True)

    assert events() == ["reply"]


def test_a_link_in_a_maildir_is_not_followed(sent: list[Delivery], maildir: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(answer(sent[0]))
    (maildir / "new" / "1.host").symlink_to(secret)
    mailboxes.poll_all(is_now=True)

    assert (events(), secret.exists()) == ([], True)


def test_a_folder_that_is_none_is_told(engine_side: Path, tmp_path: Path) -> None:
    make_mailbox(kind="maildir", folder=str(tmp_path / "nothing"))
    [found] = mailboxes.poll_all(is_now=True)

    assert "is no Maildir" in found.problem
    with reading() as session:
        assert session.scalars(select(Mailbox.problem)).one() == found.problem


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """An IMAP folder with a mailbox that looks into it."""
    monkeypatch.setattr(settings(), "allowed_hosts", "127.0.0.1")
    made = Post()
    with imap_server(made) as port:
        make_mailbox(host="127.0.0.1", port=port, user_name=USER, secret_sealed=encrypt(PASSWORD))
        yield made


def test_an_imap_mailbox_is_read_once_and_nothing_is_marked(sent: list[Delivery], post: Post) -> None:
    post.messages = {4: answer(sent[0]), 9: bounce(sent[1])}
    first, second = mailboxes.poll_all(is_now=True), mailboxes.poll_all(is_now=True)

    assert ([one.messages for one in first], [one.messages for one in second]) == ([2], [0])
    assert (events(), post.fetched, post.marked) == (["reply", "bounce_hard"], [4, 9], [])


def test_only_what_is_new_is_fetched(sent: list[Delivery], post: Post) -> None:
    post.messages = {4: answer(sent[0])}
    mailboxes.poll_all(is_now=True)
    post.messages[5] = bounce(sent[1])
    mailboxes.poll_all(is_now=True)

    assert (post.fetched, events()) == ([4, 5], ["reply", "bounce_hard"])


def test_when_the_server_numbers_anew_known_messages_change_nothing(sent: list[Delivery], post: Post) -> None:
    post.messages = {4: answer(sent[0])}
    mailboxes.poll_all(is_now=True)
    post.validity, post.messages = 8, {1: answer(sent[0]), 2: bounce(sent[1])}
    mailboxes.poll_all(is_now=True)

    assert events() == ["reply", "bounce_hard"]


def test_two_processes_never_apply_a_message_twice(sent: list[Delivery], post: Post) -> None:
    post.messages = {4: answer(sent[0])}
    mailboxes.poll_all(is_now=True)
    with reading() as session:
        mailbox_id = session.scalars(select(Mailbox.id)).one()

    assert mailboxes._take(mailbox_id, 4, bounce(sent[1])) is False
    assert events() == ["reply"]


def test_a_wrong_password_is_told_without_it(sent: list[Delivery], post: Post) -> None:
    with transaction() as session:
        session.scalars(select(Mailbox)).one().secret_sealed = encrypt("not it")
    [found] = mailboxes.poll_all(is_now=True)

    assert "wrong password" in found.problem
    assert "not it" not in found.problem


def test_a_host_in_the_own_network_is_not_asked(
    sent: list[Delivery], post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "allowed_hosts", "")
    post.messages = {4: answer(sent[0])}

    assert "own network" in mailboxes.poll_all(is_now=True)[0].problem
    assert post.fetched == []


def test_the_job_looks_at_most_once_a_minute(sent: list[Delivery], post: Post) -> None:
    post.messages = {4: answer(sent[0])}
    poll_mailboxes()
    post.messages[5] = bounce(sent[1])
    poll_mailboxes()

    assert post.fetched == [4]


def test_a_failed_mailbox_does_not_keep_the_others_waiting(sent: list[Delivery], post: Post, tmp_path: Path) -> None:
    make_mailbox(name="Another", kind="maildir", folder=str(tmp_path / "nothing"))
    post.messages = {4: answer(sent[0])}
    mailboxes.poll_all(is_now=True)

    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Mailbox).where(Mailbox.problem != "")) == 1
    assert events() == ["reply"]
