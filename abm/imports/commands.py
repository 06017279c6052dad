"""`abm import`."""

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import click
from sqlalchemy.orm import Session

from abm.imports.actions import cancel_import, remember_mapping
from abm.imports.checkpoints import Checkpoint
from abm.imports.guesses import guess_company
from abm.imports.mapping import Mapping, mapping_from
from abm.imports.models import ImportRun
from abm.imports.previews import preview_file
from abm.imports.queries import find_saved_mapping, list_imports
from abm.imports.recording import write_report
from abm.imports.registry import IMPORTERS, find_importer
from abm.imports.running import Task, bring_in
from abm.imports.shipped import load_content, load_mapping
from abm.imports.tables import ReadingOptions
from abm.web.terminal import DONE, PARTLY, answer, progress_bar
from core import clock, db
from core.errors import Refused
from core.settings import settings


@click.command("import")
@click.argument("kind", type=click.Choice(list(IMPORTERS)))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "mapping", default="", help="A mapping file, the name of a shipped one, or `remembered`.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--encoding", default="", help="utf-8, utf-16, cp1252, latin-1 …; found out when left out.")
@click.option("--delimiter", default="", help="One of , ; | or TAB; found out when left out.")
@click.option("--sheet", default="", help="The sheet of a workbook; the first one when left out.")
@click.option("--rejects", type=click.Path(path_type=Path), help="Where the refused rows go.")
@click.option("--match", "finds_accounts", is_flag=True,
              help="Contacts: find the account by the address's domain, then by the company's name, "
                   "where the row names none that is known.")
@click.option("--source", default="", help="Where the file comes from: its mapping is remembered under this name, and "
                                           "taken where no --map is given.")
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
    source: str,
    as_json: bool,
) -> int:
    """Bring in accounts, contacts, products, orders or order lines from CSV, .xlsx or .ods."""
    options = ReadingOptions(encoding=encoding, delimiter=delimiter, sheet=sheet)
    place = Checkpoint(kind=kind, file_name=file.name,
                       source=_source(file, mapping, encoding, delimiter, sheet, finds_accounts, source))
    said = Said(kind, file, options, mapping, " ".join(source.split())[:100])
    task = Task(
        kind=kind,
        path=file,
        place=place,
        mapping=_mapping(said, finds_accounts=finds_accounts),
        is_dry_run=dry_run,
        rejects=rejects or _rejects_path(kind, file),
        keep_rejects=rejects is not None,
        options=options,
    )
    report = bring_in(task, progress_bar(f"Importing {kind}"))
    if not dry_run:
        with db.transaction() as session:
            write_report(session, session.get_one(ImportRun, place.import_id), report)
            _remember(session, said)
        place.close()
    answer(report.as_json(), as_json=as_json, text=report.as_text())
    return PARTLY if report.rejected else DONE


@dataclass(frozen=True)
class Said:
    """What the command line says about the mapping: `asked` as given to --map, `source` as given to --source."""

    kind: str
    file: Path
    options: ReadingOptions
    asked: str
    source: str

    @property
    def is_remembered(self) -> bool:
        return self.asked == "remembered"


def _mapping(said: Said, *, finds_accounts: bool) -> Mapping | None:
    """`remembered` is the one last used for this source, or in the browser for a file with this header."""
    layout, asked = find_importer(said.kind).layout, said.asked
    if said.is_remembered or (said.source and not asked):
        mapping = _remembered(said)
    else:
        mapping = load_mapping(asked, layout) if asked else None
    if not finds_accounts or (mapping and mapping.match is not None):
        return mapping
    company = guess_company(preview_file(said.file, said.options).header, mapping.columns.values() if mapping else ())
    matching = mapping_from({"match": {"name": company} if company else "domain"}, layout, "--match")
    return replace(mapping, match=matching.match) if mapping else matching


def _remembered(said: Said) -> Mapping | None:
    with db.reading() as session:
        found = find_saved_mapping(session, kind=said.kind, header=preview_file(said.file, said.options).header,
                                   source=said.source)
    if found is None and said.is_remembered:
        raise Refused(f"No mapping is remembered for {said.kind} with the header of {said.file.name}; "
                      "give a mapping file")
    return mapping_from(found, find_importer(said.kind).layout) if found is not None else None


def _remember(session: Session, said: Said) -> None:
    """A mapping file that was given with a source is the source's from now on."""
    if said.source and said.asked and not said.is_remembered:
        header = preview_file(said.file, said.options).header
        remember_mapping(session, kind=said.kind, header=header, source=said.source,
                         mapping=load_content(said.asked))


def _source(file: Path, *read_how: str | bool) -> str:
    """What tells that the same file is imported again in the same way."""
    found = file.stat() if file.is_file() else None
    told = [str(file.resolve()), found and found.st_size, found and found.st_mtime_ns, *read_how]
    return sha256("\x1f".join(map(str, told)).encode("utf-8", "surrogatepass")).hexdigest()


def _rejects_path(kind: str, file: Path) -> Path:
    return settings().data_dir / "rejects" / f"{file.stem[:60]}-{kind}-{clock.now():%Y%m%dT%H%M%S%f}.csv"


@click.group()
def imports() -> None:
    """The history of imports."""


@imports.command(name="list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """The latest imports, newest first."""
    with db.reading() as session:
        rows = [
            {"id": run.id, "kind": run.kind, "file": run.file_name, "state": run.state, "progress": run.progress / 1000,
             "created": run.created, "updated": run.updated, "rejected": run.rejected, "error": run.error}
            for run in list_imports(session)
        ]
    text = "\n".join(f"{row['id']:>6}  {row['state']:10}{row['kind']:14}{row['file']}" for row in rows)
    answer({"imports": rows}, as_json=as_json, text=text or "Nothing was imported yet")


@imports.command()
@click.argument("import_id", type=int)
def cancel(import_id: int) -> None:
    """End an import that waits or runs in a worker; the rows brought in before that stay."""
    with db.transaction() as session:
        run = cancel_import(session, import_id=import_id)
    click.echo("It ends at its next slice" if run.state == "running" else f"The import {import_id} is cancelled")
