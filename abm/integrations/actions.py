"""Keeping sources, and pulling from them."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.imports.actions import JOB
from abm.imports.mapping import mapping_from
from abm.imports.models import ImportRun
from abm.imports.registry import IMPORTERS, find_importer
from abm.imports.stored_files import drop_file
from abm.integrations.definition import Definition
from abm.integrations.models import Source
from abm.integrations.pulling import pull_into
from abm.integrations.queries import get_source
from core import clock, db
from core.errors import InvalidInput, Refused
from core.jobs import ring_after_commit
from core.secrets import decrypt, encrypt
from core.settings import settings

PULL = "sources.pull"


def apply_source(
    session: Session, *, definition: Definition, secret: str | None = None, source_id: int | None = None
) -> tuple[Source, bool]:
    """Make or change the source of that name; whether it was made. `secret` None keeps the one that is stored.

    A stored secret never goes to another host than the one it was given for. Raises InvalidInput.
    """
    _check(definition)
    if source_id is not None:
        source: Source | None = get_source(session, source_id)
    else:
        source = session.scalar(select(Source).where(Source.name == definition.name))
    is_new, now = source is None, clock.now()
    if source is None:
        source = Source(name=definition.name, created_at=now, secret_sealed="")
        session.add(source)
    elif secret is None and source.secret_sealed and _place(source.definition) != _place(definition.content):
        raise InvalidInput("Another host: give the secret again", {"secret": "give it again; it was for another host"})
    before = None if is_new else _told(source)
    source.name, source.title, source.kind = definition.name, definition.title, definition.kind
    source.definition, source.every_minutes, source.updated_at = definition.content, definition.every_minutes, now
    source.next_at = now if definition.every_minutes else None
    if secret is not None:
        source.secret_sealed = encrypt(secret) if secret else ""
    session.flush()
    record(session, action="source.set", subject="source", subject_id=source.id, before=before,
           after={**_told(source), "secret": "changed" if secret is not None else "kept"})
    return source, is_new


def _check(definition: Definition) -> None:
    if definition.kind not in IMPORTERS:
        raise InvalidInput(f"kind: one of {', '.join(IMPORTERS)}", {"kind": f"one of {', '.join(IMPORTERS)}"})
    try:
        mapping_from(definition.content["mapping"], find_importer(definition.kind).layout)
    except InvalidInput as error:
        raise InvalidInput(str(error), {"mapping": str(error)}) from error


def _place(content: dict[str, Any]) -> str:
    url: str = (content.get("sql") or content.get("json") or {}).get("url", "")
    return "/".join(url.split("/")[:3])


def _told(source: Source) -> dict[str, Any]:
    return {"name": source.name, "kind": source.kind, "every_minutes": source.every_minutes,
            "place": _place(source.definition)}


def delete_source(session: Session, *, source_id: int) -> None:
    source = get_source(session, source_id)
    record(session, action="source.delete", subject="source", subject_id=source.id, before=_told(source))
    session.delete(source)


def ask_for_pull(session: Session, *, source_id: int, is_dry_run: bool = False) -> Source:
    """Have a worker pull from the source soon."""
    source = get_source(session, source_id)
    ring_after_commit(session, PULL, source_id=source.id, dry_run=int(is_dry_run), asked_by=actor().name)
    record(session, action="source.pull", subject="source", subject_id=source.id, after={"dry_run": is_dry_run})
    return source


@dataclass(frozen=True)
class Pulled:
    """Rows in a file of our own, with what the import needs to know."""

    source_id: int
    name: str
    kind: str
    path: Path
    rows: int
    mapping: dict[str, Any]


def pull(source_id: int) -> Pulled:
    """Fetch a source's rows, with no transaction open meanwhile. Raises Refused, and notes why on the source."""
    with db.reading() as session:
        source = get_source(session, source_id)
        name, kind, content = source.name, source.kind, source.definition
        secret = decrypt(source.secret_sealed) if source.secret_sealed else ""
    folder = settings().uploads_dir
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{secrets.token_hex(16)}.upload"
    try:
        rows = pull_into(path, content, secret)
        if rows == 0 and path.stat().st_size <= len("\r\n"):
            path.unlink()
            raise Refused("The source answered without any row, so there was nothing to import")
    except Refused as error:
        note_outcome(source_id, error=str(error))
        raise
    except Exception:  # whatever it was, the person who waits must see that it ended; the log has the cause
        note_outcome(source_id, error="The pull stopped on an error of ours; the log has the details")
        raise
    note_outcome(source_id)
    return Pulled(source_id, name, kind, path, rows, content["mapping"])


def note_outcome(source_id: int, *, error: str = "") -> None:
    with db.transaction() as session:
        kept = session.get(Source, source_id)
        if kept:
            kept.error, kept.pulled_at = error, clock.now()


def queue_import(session: Session, *, pulled: Pulled, is_dry_run: bool, rings: bool = True) -> ImportRun:
    """The import of what was pulled, in the same history and with the same report and rejects as a file's."""
    run = ImportRun(
        kind=pulled.kind, file_name=pulled.name, stored_path=str(pulled.path), options={"mapping": pulled.mapping},
        is_dry_run=is_dry_run, state="waiting", started_by=actor().name, created_at=clock.now(),
    )
    session.add(run)
    session.flush()
    source = session.get(Source, pulled.source_id)
    if source:
        _drop_earlier(session, source)
        source.import_id = run.id
    if rings:
        ring_after_commit(session, JOB, import_id=run.id)
    return run


def _drop_earlier(session: Session, source: Source) -> None:
    """What was pulled before is of no more use once it was brought in; a source may be pulled every few minutes."""
    earlier = session.get(ImportRun, source.import_id) if source.import_id else None
    if earlier is not None and earlier.state in ("done", "cancelled"):
        drop_file(session, Path(earlier.stored_path))


def take_due(session: Session, *, source_id: int) -> bool:
    """Move a due source's clock on; True for the one caller who may pull it now."""
    source, now = get_source(session, source_id), clock.now()
    if source.next_at is None or source.next_at > now:
        return False
    source.next_at = now + timedelta(minutes=source.every_minutes) if source.every_minutes else None
    return True


def rotate_source_secrets(session: Session) -> int:
    """Seal every source's secret again with the first key; how many."""
    sealed = session.scalars(select(Source).where(Source.secret_sealed != "")).all()
    for source in sealed:
        source.secret_sealed = encrypt(decrypt(source.secret_sealed))
    return len(sealed)
