"""What is kept of an import: its row in the history and its line in the audit log."""

from sqlalchemy.orm import Session

from abm.audit.actions import actor, record
from abm.imports.models import ImportRun
from abm.imports.report import Report
from core import clock


def write_report(session: Session, run: ImportRun, report: Report) -> None:
    """Note on the run what its file became; a real import is recorded in the audit log."""
    run.state, run.finished_at = "done", clock.now()
    run.rows_read, run.created, run.updated = report.read, report.created, report.updated
    run.unchanged, run.rejected = report.unchanged, report.rejected
    run.rejects_path, run.warnings = report.rejects_file or "", list(report.warnings)
    session.flush()
    if not run.is_dry_run:
        record(
            session,
            action="import.run",
            subject="import",
            subject_id=run.id,
            after={
                "kind": run.kind,
                "file": run.file_name,
                "created": run.created,
                "updated": run.updated,
                "rejected": run.rejected,
            },
        )


def add_finished_run(session: Session, report: Report, file_name: str) -> ImportRun:
    """A history row for an import that ran outside of the browser."""
    now = clock.now()
    run = ImportRun(
        kind=report.kind,
        file_name=file_name[:255],
        is_dry_run=report.is_dry_run,
        started_by=actor().name,
        created_at=now,
        started_at=now,
    )
    session.add(run)
    write_report(session, run, report)
    return run
