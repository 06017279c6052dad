"""`abm import`."""

from dataclasses import replace
from pathlib import Path

import click

from abm.imports.layout import Layout
from abm.imports.mapping import Mapping, mapping_from
from abm.imports.recording import add_finished_run
from abm.imports.registry import IMPORTERS, find_importer
from abm.imports.running import Task, bring_in
from abm.imports.shipped import load_mapping
from abm.imports.tables import ReadingOptions
from abm.web.terminal import DONE, PARTLY, answer, progress_bar
from core import clock, db
from core.settings import settings


@click.command("import")
@click.argument("kind", type=click.Choice(list(IMPORTERS)))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "mapping", default="", help="A mapping file, or the name of a shipped mapping.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--encoding", default="", help="utf-8, utf-16, cp1252, latin-1 …; found out when left out.")
@click.option("--delimiter", default="", help="One of , ; | or TAB; found out when left out.")
@click.option("--sheet", default="", help="The sheet of a workbook; the first one when left out.")
@click.option("--rejects", type=click.Path(path_type=Path), help="Where the refused rows go.")
@click.option("--match", "finds_accounts", is_flag=True,
              help="Contacts: find the account by the address's domain where the row names none that is known.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_(
    kind: str,
    file: Path,
    mapping: str,
    dry_run: bool,
    encoding: str,
    delimiter: str,
    sheet: str,
    rejects: Path | None,
    finds_accounts: bool,
    as_json: bool,
) -> int:
    """Bring in accounts, contacts, products, orders or order lines from CSV, .xlsx or .ods."""
    layout = find_importer(kind).layout
    task = Task(
        kind=kind,
        path=file,
        mapping=_mapping(mapping, layout, finds_accounts=finds_accounts),
        is_dry_run=dry_run,
        rejects=rejects or _rejects_path(kind, file),
        keep_rejects=rejects is not None,
        options=ReadingOptions(encoding=encoding, delimiter=delimiter, sheet=sheet),
    )
    report = bring_in(task, progress_bar(f"Importing {kind}"))
    if not dry_run:
        with db.transaction() as session:
            add_finished_run(session, report, file.name)
    answer(report.as_json(), as_json=as_json, text=report.as_text())
    return PARTLY if report.rejected else DONE


def _mapping(text: str, layout: Layout, *, finds_accounts: bool) -> Mapping | None:
    mapping = load_mapping(text, layout) if text else None
    if not finds_accounts or (mapping and mapping.match is not None):
        return mapping
    asked = mapping_from({"match": "domain"}, layout, "--match")
    return replace(mapping, match=asked.match) if mapping else asked


def _rejects_path(kind: str, file: Path) -> Path:
    return settings().data_dir / "rejects" / f"{file.stem[:60]}-{kind}-{clock.now():%Y%m%dT%H%M%S%f}.csv"
