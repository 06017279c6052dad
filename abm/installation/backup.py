"""Backing up and restoring an installation: database, uploads and key in one encrypted file.

A restored copy does not send until somebody releases it (`abm campaigns release`).
"""

import json
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sqlalchemy import inspect, text

from abm.audit.actions import record
from abm.company.actions import set_company_value
from abm.installation.schema import newest_revision, present_revision, upgrade
from abm.installation.sealed_files import seal, unseal
from campaigns import restoring
from campaigns.restoring import Rows
from core import clock, db
from core.errors import CannotRun, Refused
from core.settings import Settings, settings

DATABASE, KEY, ABOUT, UPLOADS = "database", "secret.key", "about.json", "uploads"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: messages in doubt, stops merged in, messages that the original may have sent meanwhile."""

    made_at: str
    in_doubt: int
    merged: int
    due: int


def make_backup(target: Path, *, passphrase: str) -> int:
    """Write the encrypted backup; its size in bytes. May run while the product works."""
    if present_revision() is None:
        raise CannotRun("There is no database to back up; check ABM_DATABASE_URL")
    with tempfile.TemporaryDirectory(dir=settings().data_dir, prefix=".backup-") as name:
        folder = Path(name)
        _dump(settings(), folder / DATABASE)
        (folder / KEY).write_text(settings().secret_key)
        (folder / ABOUT).write_text(json.dumps({
            "made_at": clock.now().isoformat(), "revision": present_revision(),
            "database": "sqlite" if settings().is_sqlite else "postgresql"}))
        with (folder / "all.tar.gz").open("w+b") as packed:
            with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=3) as archive:
                for part in (ABOUT, KEY, DATABASE):
                    archive.add(folder / part, arcname=part)
                if settings().uploads_dir.is_dir():
                    archive.add(settings().uploads_dir, arcname=UPLOADS)
            packed.seek(0)
            seal(packed, target, passphrase)
    with db.transaction() as session:
        record(session, action="installation.backup", subject="installation")
    return target.stat().st_size


def _dump(own: Settings, target: Path) -> None:
    if own.is_sqlite:
        with db.engine().execution_options(isolation_level="AUTOCOMMIT", sqlite_begin="").connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            copy = sqlite3.connect(target)
            raw.backup(copy)
            copy.close()
        return
    _run("pg_dump", "--format=custom", "--no-owner", f"--file={target}", _plain_url(own))


def _plain_url(own: Settings) -> str:
    return own.database_url.replace("postgresql+psycopg://", "postgresql://")


def _run(program: str, *arguments: str) -> None:
    if shutil.which(program) is None:
        raise CannotRun(f"{program} is not installed; it comes with PostgreSQL's client programs")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["it gave no reason"]
        errors = [line for line in words if "error:" in line.lower()] or words[-1:]
        raise CannotRun(f"{program} failed: {errors[0]}")


def restore_backup(source: Path, *, passphrase: str) -> Restored:
    """Put a backup in the place of this installation's data, which is kept beside it on SQLite. Refused, CannotRun."""
    with tempfile.TemporaryDirectory(dir=settings().data_dir, prefix=".restore-") as name:
        folder = Path(name)
        about = _unpack(source, folder, passphrase)
        key = (folder / KEY).read_text().strip()
        newer = _read_stops_of_present(key)
        _put_key(key)
        _put_database(folder / DATABASE)
        if (folder / UPLOADS).is_dir():
            shutil.copytree(folder / UPLOADS, settings().uploads_dir, dirs_exist_ok=True)
    upgrade()
    with db.transaction() as session:
        in_doubt, merged = restoring.hold(session), restoring.merge_stops(session, newer) if newer else 0
        now = clock.now()
        set_company_value(session, name="restored_at", value=now.isoformat())
        set_company_value(session, name="restored_from", value=about["made_at"])
        record(session, action="installation.restore", subject="installation", after={
            "made_at": about["made_at"], "in_doubt": in_doubt, "stops_merged": merged})
        return Restored(about["made_at"], in_doubt, merged, restoring.count_due_before(session, now))


def _unpack(source: Path, folder: Path, passphrase: str) -> dict[str, str]:
    if not source.is_file():
        raise Refused(f"There is no file {source}")
    with (folder / "all.tar.gz").open("w+b") as packed:
        unseal(source, packed, passphrase)
        packed.seek(0)
        with tarfile.open(fileobj=packed, mode="r:gz") as archive:
            _extract(archive, folder)
    about: dict[str, str] = json.loads((folder / ABOUT).read_text())
    wanted = "sqlite" if settings().is_sqlite else "postgresql"
    if about["database"] != wanted:
        raise Refused(f"The backup is of a {about['database']} database, this installation uses {wanted}")
    return about


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Plain files and folders below `folder`, and nothing else. By hand: the first releases of Python 3.11, such as
    Debian 12 has, know no filter for it."""
    for member in archive:
        name = PurePosixPath(member.name)
        if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
            raise Refused(f"The backup holds {member.name}, which is no plain file of an installation")
        path = folder / name
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        content = archive.extractfile(member)
        assert content is not None
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)


def _read_stops_of_present(key: str) -> Mapping[str, Rows]:
    """Stops of what is about to be replaced; none of another installation, whose keyed digests mean nothing here."""
    if settings().secret_key.split(",")[-1].strip() != key.split(",")[-1].strip():
        return {}
    if present_revision() != newest_revision():
        return {}
    with db.reading() as session:
        return restoring.read_stops(session)


def _put_key(key: str) -> None:
    """The key that sealed the copy's secrets becomes ours; refused where the environment sets another."""
    own = settings()
    if own.secret_key == key:
        return
    path = own.data_dir / KEY
    if path.exists() and path.read_text().strip() == own.secret_key:
        path.write_text(key)
        settings.cache_clear()
        return
    aside = own.data_dir / "restored-secret.key"
    aside.touch(mode=0o600)
    aside.write_text(key)
    raise Refused(f"The backup was made with another ABM_SECRET_KEY; it is in {aside}: set it, then restore again")


def _drop_tables() -> None:
    """Ours, since pg_restore drops only those of the dump, and fails where newer ones refer to them."""
    with db.engine().begin() as connection:
        present = set(inspect(connection).get_table_names())
        names = ", ".join(f'"{table.name}"' for table in db.Base.metadata.sorted_tables if table.name in present)
        if names:
            connection.execute(text(f"DROP TABLE {names} CASCADE"))


def _put_database(dumped: Path) -> None:
    own = settings()
    db.engine().dispose()
    if not own.is_sqlite:
        _drop_tables()
        _run("pg_restore", "--clean", "--if-exists", "--no-owner", f"--dbname={_plain_url(own)}", str(dumped))
        return
    path = Path(own.database_url.removeprefix("sqlite:///"))
    if path.exists():
        with db.engine().connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        db.engine().dispose()
        path.replace(path.with_name(f"{path.name}.before-restore-{clock.now():%Y%m%d%H%M%S}"))
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    shutil.move(dumped, path)
