"""`abm sources`."""

import sys
from pathlib import Path
from typing import Any

import click

from abm.imports.jobs import run_import
from abm.imports.models import ImportRun
from abm.imports.report import Report
from abm.integrations.actions import apply_source, pull, queue_import
from abm.integrations.definition import read_definition
from abm.integrations.queries import get_source_by_name, list_sources
from abm.web.terminal import DONE, PARTLY, answer
from core import db
from core.errors import Refused


@click.group()
def sources() -> None:
    """Other systems that rows are pulled from."""


@sources.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--secret-stdin", is_flag=True, help="Read the password or token from standard input.")
@click.option("--json", "as_json", is_flag=True)
def apply(file: Path, secret_stdin: bool, as_json: bool) -> None:
    """Make or change the source that FILE describes; without a secret the stored one stays."""
    try:
        definition = read_definition(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The file {file} cannot be read as UTF-8 text") from error
    secret = sys.stdin.readline().rstrip("\r\n") if secret_stdin else None
    with db.transaction() as session:
        source, is_new = apply_source(session, definition=definition, secret=secret)
        result = {"source": source.name, "created": is_new, "every_minutes": source.every_minutes}
    answer(result, as_json=as_json, text=f"The source {definition.name} was {'made' if is_new else 'changed'}")


@sources.command(name="list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Every source, when it was pulled last, and what went wrong."""
    with db.reading() as session:
        rows: list[dict[str, Any]] = [
            {"source": one.name, "kind": one.kind, "every_minutes": one.every_minutes, "pulled_at": one.pulled_at,
             "next_at": one.next_at, "error": one.error, "import": run.state if run else None}
            for one, run in list_sources(session)
        ]
    text = "\n".join(f"{row['source']:30}{row['kind']:14}{row['error'] or row['import'] or 'not pulled yet'}"
                     for row in rows)
    answer({"sources": rows}, as_json=as_json, text=text or "No sources yet: abm sources apply FILE.yaml makes one")


@sources.command(name="pull")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--json", "as_json", is_flag=True)
def pull_(name: str, dry_run: bool, as_json: bool) -> int:
    """Pull from a source now and import what it holds."""
    with db.reading() as session:
        source_id = get_source_by_name(session, name).id
    pulled = pull(source_id)
    with db.transaction() as session:
        run_id = queue_import(session, pulled=pulled, is_dry_run=dry_run, rings=False).id
    run_import(run_id)
    with db.reading() as session:
        run = session.get_one(ImportRun, run_id)
        if run.state != "done":
            raise Refused(run.error or "The import did not end")
        report = Report(run.kind, run.rows_read, run.created, run.updated, run.unchanged, run.rejected,
                        run.rejects_path or None, (run.finished_at - run.created_at).total_seconds()
                        if run.finished_at else 0.0, run.is_dry_run, warnings=list(run.warnings or []))
    answer(report.as_json(), as_json=as_json, text=report.as_text())
    return PARTLY if report.rejected else DONE
