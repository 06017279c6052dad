"""Short ways to import text and files in tests."""

from pathlib import Path

from abm.imports.registry import find_importer
from abm.imports.report import Report
from abm.imports.running import Task, bring_in
from abm.imports.shipped import load_mapping
from abm.imports.tables import ReadingOptions
from core.settings import settings

DATA = Path(__file__).resolve().parents[2] / "data"
NORTHWIND, CRM, FILES = DATA / "northwind", DATA / "crm_opportunities", DATA / "imports"


def import_file(
    kind: str,
    path: Path,
    *,
    mapping: str = "",
    is_dry_run: bool = False,
    rejects: Path | None = None,
    options: ReadingOptions | None = None,
) -> Report:
    """Import as the command does."""
    read = load_mapping(mapping, find_importer(kind).layout) if mapping else None
    return bring_in(
        Task(
            kind=kind,
            path=path,
            mapping=read,
            is_dry_run=is_dry_run,
            options=options or ReadingOptions(),
            rejects=rejects or settings().data_dir / "rejects.csv",
        )
    )


def import_text(
    folder: Path, kind: str, text: str, *, name: str = "", is_dry_run: bool = False, encoding: str = "utf-8"
) -> Report:
    """Import the text of a file; refused rows go to `folder/rejects.csv`."""
    path = folder / (name or f"{kind}.csv")
    path.write_bytes(text.encode(encoding, "surrogateescape"))
    return import_file(kind, path, is_dry_run=is_dry_run, rejects=folder / "rejects.csv")


def counts(report: Report) -> tuple[int, int, int, int]:
    """(created, updated, unchanged, rejected)"""
    return report.created, report.updated, report.unchanged, report.rejected
