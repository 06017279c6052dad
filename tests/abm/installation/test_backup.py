"""A backup comes back whole, opens only with its passphrase, and what was restored does not send until released."""

import io
import shutil
import tarfile
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from abm.cli import main
from abm.company.actions import set_company_value
from abm.company.queries import get_company
from abm.installation import backup, schema
from abm.installation.sealed_files import seal, unseal
from abm.outreach.releasing import Due, count_doubtful, release
from campaigns import restoring
from campaigns.dispatch import drain
from campaigns.keys import address_key
from campaigns.models import Batch, Campaign, Delivery, Enrolment, Suppression
from campaigns.outbox import claim_batch
from campaigns.progress import advance
from core import clock
from core.db import Base, reading, transaction
from core.errors import Refused
from core.settings import settings
from tests.campaigns.campaign_factory import HELLO, make_people, make_run
from tests.campaigns.conftest import engine_side
from tests.outbox_factory import CALL_STEP, deliveries, running_campaign, states

__all__ = ["engine_side"]

PASSPHRASE = "correct horse battery"


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024])
def test_a_sealed_file_opens_to_what_was_sealed(tmp_path: Path, size: int) -> None:
    content, opened = bytes(range(256)) * (size // 256) + b"x" * (size % 256), io.BytesIO()
    seal(io.BytesIO(content), tmp_path / "b", PASSPHRASE)
    unseal(tmp_path / "b", opened, PASSPHRASE)
    assert opened.getvalue() == content
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("spoil", ["wrong", "flip", "cut", "swap", "alien"])
def test_a_wrong_passphrase_or_a_changed_file_is_refused(tmp_path: Path, spoil: str) -> None:
    file, passphrase = tmp_path / "b", PASSPHRASE
    seal(io.BytesIO(b"secret" * 500_000), file, PASSPHRASE)
    raw = bytearray(file.read_bytes())
    piece, head = 1024 * 1024 + 16, len(b"ABM-BACKUP-1\n") + 16
    if spoil == "flip":
        raw[-20] ^= 1
    elif spoil == "cut":
        raw = raw[: head + piece]
    elif spoil == "swap":
        raw = raw[:head] + raw[head + piece:head + 2 * piece] + raw[head:head + piece] + raw[head + 2 * piece:]
    elif spoil == "alien":
        raw[0] = 0
    else:
        passphrase = "another horse battery"
    file.write_bytes(raw)
    with pytest.raises(Refused):
        unseal(file, io.BytesIO(), passphrase)
    assert b"secretsecret" not in file.read_bytes()


@pytest.fixture
def installed(engine_side: Path) -> Path:
    """A data folder as a running installation has it: migrated, with the key in a file."""
    if not settings().is_sqlite and shutil.which("pg_restore") is None:
        pytest.skip("a copy of a PostgreSQL database is pg_dump's work, which is not installed here")
    with transaction() as session:
        session.connection().exec_driver_sql("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32))")
        session.connection().exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{schema.newest_revision()}')")
    return engine_side


def test_an_installation_comes_back_with_its_uploads_and_is_held_back(installed: Path, tmp_path: Path) -> None:
    running_campaign(5)
    settings().uploads_dir.mkdir(exist_ok=True)
    (settings().uploads_dir / "a.csv").write_text("id")
    backup.make_backup(tmp_path / "b", passphrase=PASSPHRASE)
    drain()
    shutil.rmtree(settings().uploads_dir)
    done = backup.restore_backup(tmp_path / "b", passphrase=PASSPHRASE)
    assert done.due == 5
    assert states() == {"queued": 5}
    assert (settings().uploads_dir / "a.csv").read_text() == "id"
    drain()
    assert states() == {"queued": 5}
    assert bool(list(installed.glob("abm.db.before-restore-*"))) == settings().is_sqlite


def test_newer_stops_are_merged_before_anything_can_be_sent(installed: Path, tmp_path: Path) -> None:
    running_campaign(3)
    backup.make_backup(tmp_path / "b", passphrase=PASSPHRASE)
    with transaction() as session:
        session.add(Suppression(scope="address", key=address_key("jane2@example.com"), reason="unsubscribed",
                                created_at=clock.now()))
    assert backup.restore_backup(tmp_path / "b", passphrase=PASSPHRASE).merged == 1
    with transaction() as session:
        release(session)
    drain()
    assert states() == {"sent": 2, "suppressed": 1}


def test_by_command_and_released_by_command(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    running_campaign(2)
    file = str(tmp_path / "b")
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSPHRASE + "\n"))
    assert main(["backup", file, "--passphrase-stdin"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong passphrase\n"))
    assert main(["restore", file, "--passphrase-stdin"]) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSPHRASE + "\n"))
    assert main(["restore", file, "--passphrase-stdin"]) == 0
    assert "campaigns release" in capsys.readouterr().out
    drain()
    assert states() == {"queued": 2}
    assert main(["campaigns", "release"]) == 0
    drain()
    assert states() == {"sent": 2}


def test_a_copy_from_another_key_is_refused_and_the_key_is_kept_for_the_operator(
        installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup.make_backup(tmp_path / "b", passphrase=PASSPHRASE)
    old = settings().secret_key
    monkeypatch.setenv("ABM_SECRET_KEY", "another-key-of-at-least-thirty-two-characters")
    settings.cache_clear()
    with pytest.raises(Refused, match="another ABM_SECRET_KEY"):
        backup.restore_backup(tmp_path / "b", passphrase=PASSPHRASE)
    kept = installed / "restored-secret.key"
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == (old, 0o600)


def test_what_was_in_flight_is_settled_in_the_copy(engine_side: Path) -> None:
    running_campaign(6)
    with transaction() as session:
        claim_batch(session, worker="w", journal="gone", limit=4)
    with transaction() as session:
        ids = session.scalars(select(Delivery.id).where(Delivery.state == "claimed").limit(3)).all()
        session.execute(update(Delivery).where(Delivery.id.in_(ids)).values(state="handing"))
        assert restoring.hold(session) == 3
    assert states() == {"unknown": 3, "queued": 3}
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Batch).where(Batch.is_open)) == 0


def restored(session: Session, *, ago: timedelta) -> None:
    """As after the restore, now, of a backup of that age."""
    set_company_value(session, name="restored_at", value=clock.now().isoformat())
    set_company_value(session, name="restored_from", value=(clock.now() - ago).isoformat())


def make_due(session: Session, *hours_ago: float) -> None:
    ids = session.scalars(select(Delivery.id).order_by(Delivery.id)).all()
    for delivery_id, hours in zip(ids, hours_ago, strict=True):
        session.execute(update(Delivery).where(Delivery.id == delivery_id)
                        .values(due_at=clock.now() - timedelta(hours=hours)))


@pytest.mark.parametrize(("age_hours", "due", "held"), [
    (0.1, Due.BY_AGE, 1), (0.1, Due.HOLD, 3), (0.1, Due.SEND, 0),
    (8, Due.BY_AGE, 3), (8, Due.HOLD, 3), (8, Due.SEND, 0)])
def test_what_the_original_had_time_to_send_is_in_doubt_and_not_sent(engine_side: Path, age_hours: float, due: Due,
                                                                     held: int) -> None:
    running_campaign(4)
    with transaction() as session:
        make_due(session, 2, 0.5, 0.1, -1)
        restored(session, ago=timedelta(hours=age_hours))
        assert count_doubtful(session, due) == held
        found = release(session, due=due)
        assert found is not None
        assert found.messages == held
        assert get_company(session).restored_at == ""
        assert release(session, due=due) is None
    drain()
    assert states() == {name: count for name, count in (("unknown", held), ("sent", 3 - held), ("queued", 1)) if count}
    assert len(deliveries()) == 4


def test_a_call_is_not_held_because_a_person_looks_before_acting(engine_side: Path) -> None:
    running_campaign(2, step=CALL_STEP)
    with transaction() as session:
        restored(session, ago=timedelta(days=1))
        assert release(session) == restoring.Held(0)
    drain()
    assert states() == {"sent": 2}


def test_a_copy_of_unknown_age_holds_all_that_was_due(engine_side: Path) -> None:
    running_campaign(2)
    with transaction() as session:
        restored(session, ago=timedelta(0))
        set_company_value(session, name="restored_from", value="")
        assert release(session) == restoring.Held(2)


def test_a_step_that_came_due_since_the_backup_is_held_although_it_was_not_written(session: Session,
                                                                                   engine_side: Path) -> None:
    make_people(session, 3)
    run = make_run(session, steps=[HELLO, {**HELLO, "id": "second", "after": "1 day"},
                                   {**HELLO, "id": "third", "after": "1 day"}])
    session.execute(update(Delivery).values(state="sent", sent_at=clock.now(), ended_at=clock.now()))
    advance(session)
    session.execute(update(Enrolment).values(next_due_at=clock.now() - timedelta(hours=3)))
    restored(session, ago=timedelta(days=2))
    assert count_doubtful(session) == 3
    assert release(session) == restoring.Held(3, ("hello",))
    assert session.get_one(Campaign, run.campaign_id).state == "paused"
    found = session.execute(select(Delivery.step, Delivery.state, func.count()).group_by(Delivery.step, Delivery.state))
    assert sorted(map(tuple, found)) == [("hello", "sent", 3), ("second", "unknown", 3)]


def test_the_command_asks_on_a_terminal_and_says_what_it_did(engine_side: Path, monkeypatch: pytest.MonkeyPatch,
                                                             capsys: pytest.CaptureFixture[str]) -> None:
    running_campaign(2)
    with transaction() as session:
        restored(session, ago=timedelta(days=1))
    assert main(["campaigns", "release", "--hold-due", "--send-due"]) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert main(["campaigns", "release", "--json"]) == 0
    assert capsys.readouterr().out.strip() == '{"released": true, "held": 0, "paused": []}'
    drain()
    assert states() == {"sent": 2}


@pytest.mark.parametrize(("name", "kind"), [("../outside", tarfile.REGTYPE), ("/outside", tarfile.REGTYPE),
                                            ("uploads/link", tarfile.SYMTYPE), ("uploads/pipe", tarfile.FIFOTYPE)])
def test_an_archive_can_only_hold_plain_files_below_its_folder(tmp_path: Path, name: str, kind: bytes) -> None:
    packed = tmp_path / "all.tar"
    with tarfile.open(packed, "w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    folder = tmp_path / "folder"
    folder.mkdir()
    with tarfile.open(packed) as archive, pytest.raises(Refused, match="no plain file"):
        backup._extract(archive, folder)
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "outside").exists()


def test_a_backup_of_an_older_version_comes_back_though_newer_tables_refer_to_its_own(
        installed: Path, tmp_path: Path) -> None:
    newer, was_there = Base.metadata.tables["partner_account"], "SELECT count(*) FROM account"
    running_campaign(2)
    with transaction() as session:
        newer.drop(session.connection())
        accounts = session.scalar(text(was_there))
    backup.make_backup(tmp_path / "b", passphrase=PASSPHRASE)
    with transaction() as session:
        newer.create(session.connection())
    backup.restore_backup(tmp_path / "b", passphrase=PASSPHRASE)
    with transaction() as session:
        newer.create(session.connection(), checkfirst=True)
        assert session.scalar(text(was_there)) == accounts
    assert states() == {"queued": 2}
