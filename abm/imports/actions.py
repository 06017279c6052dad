"""Taking in an uploaded file, and starting its import."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.imports.guesses import header_digest
from abm.imports.mapping import mapping_from, plan_columns
from abm.imports.models import ImportRun, SavedMapping
from abm.imports.queries import get_import
from abm.imports.registry import find_importer
from core import clock
from core.errors import InvalidInput, Refused
from core.jobs import ring_after_commit
from core.settings import settings

JOB = "imports.run"
_BLOCK = 1 << 20
LARGEST_UPLOAD = 500 * 1024 * 1024


def store_upload(
    session: Session, *, kind: str, file_name: str, content: IO[bytes], source: str = ""
) -> ImportRun:
    """Keep an uploaded file under a name of our own, as a draft. Raises InvalidInput for an empty or too large one."""
    find_importer(kind)
    folder = settings().uploads_dir
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{secrets.token_hex(16)}.upload"
    if not _copy(content, path):
        path.unlink()
        raise InvalidInput("The file was not taken", {"file": "Choose a file that is not empty"})
    shown = Path(file_name.replace("\\", "/")).name[:255] or "upload"
    run = ImportRun(
        kind=kind,
        file_name=shown,
        stored_path=str(path),
        options={"came_from": source} if source else {},
        state="draft",
        started_by=actor().name,
        created_at=clock.now(),
    )
    session.add(run)
    session.flush()
    return run


def _copy(content: IO[bytes], path: Path) -> int:
    size = 0
    with path.open("wb") as file:
        while block := content.read(_BLOCK):
            size += len(block)
            if size > LARGEST_UPLOAD:
                path.unlink()
                raise InvalidInput("The file was not taken", {"file": "It is larger than 500 MB; use the command line"})
            file.write(block)
    return size


def start_import(
    session: Session, *, run: ImportRun, options: dict[str, Any], header: Sequence[str], is_dry_run: bool
) -> ImportRun:
    """Have a worker bring the file in; a run that is over is repeated as a new one. Raises InvalidInput, Refused.

    `options`: `mapping` (as in a mapping file), encoding, delimiter, sheet, `came_from`. The mapping is remembered for
    the source and the header.
    """
    if run.state in ("waiting", "running"):
        raise Refused("This import is under way already")
    mapping = mapping_from(options.get("mapping", {}), find_importer(run.kind).layout)
    plan_columns(run.file_name, list(header), mapping)
    if not Path(run.stored_path).is_file():
        raise Refused("The uploaded file is no longer kept; upload it again")
    if run.state != "draft":
        run = ImportRun(kind=run.kind, file_name=run.file_name, stored_path=run.stored_path, created_at=clock.now())
        session.add(run)
    run.options, run.is_dry_run, run.state, run.started_by = options, is_dry_run, "waiting", actor().name
    session.flush()
    remember_mapping(session, kind=run.kind, header=header, mapping=options.get("mapping", {}),
                     source=options.get("came_from", ""))
    record(
        session,
        action="import.start",
        subject="import",
        subject_id=run.id,
        after={"kind": run.kind, "file": run.file_name, "dry_run": is_dry_run},
    )
    ring_after_commit(session, JOB, import_id=run.id)
    return run


def cancel_import(session: Session, *, import_id: int) -> ImportRun:
    """End an import: a waiting one at once, a running one at its next slice. Raises NotFound; Refused when over."""
    run = get_import(session, import_id)
    if run.state not in ("draft", "waiting", "running"):
        raise Refused(f"The import {import_id} is over; there is nothing to cancel")
    run.wants_cancel = True
    if run.state != "running":
        run.state, run.finished_at = "cancelled", clock.now()
    record(session, action="import.cancel", subject="import", subject_id=run.id, after={"state": run.state})
    return run


def remember_mapping(
    session: Session, *, kind: str, header: Sequence[str], mapping: dict[str, Any], source: str = ""
) -> None:
    """Propose it for files with this header from now on, and for whatever comes from the source that is named."""
    digest, own = header_digest(header), delete(SavedMapping).where(SavedMapping.kind == kind)
    session.execute(own.where(SavedMapping.source == "", SavedMapping.header_digest == digest))
    if source:
        session.execute(own.where(SavedMapping.source == source))
    for name in dict.fromkeys(("", source)):
        session.add(SavedMapping(kind=kind, source=name, header_digest=digest, mapping=mapping, saved_at=clock.now()))
    session.flush()
