"""`abm winback`: find the lapsed accounts, list their cases."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from abm.web.spreadsheets import write_csv
from abm.web.terminal import answer
from abm.winback.detection import Detection
from abm.winback.jobs import detect_apart
from abm.winback.queries import EXPORT_COLUMNS, CaseFilter, export_cases
from core import db
from core.errors import CannotRun


@click.group()
def winback() -> None:
    """Accounts that fell silent: find them, list their cases."""


@winback.command()
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day to look from; left out: the last order's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def detect(as_of: datetime | None, as_json: bool) -> None:
    """Open a case for every newly lapsed account and close those of accounts that ordered again."""
    found = detect_apart(as_of.date() if as_of else None)
    answer(asdict(found), as_json=as_json, text=_sentence(found))


def _sentence(found: Detection) -> str:
    return (f"As of {found.as_of}: {found.lapsed} lapsed, {found.opened} cases opened, "
            f"{found.already_open} already open, {found.let_go} let go, {found.won_back} won back; "
            f"{found.open_cases} cases are open, worth {found.value_at_risk:,.2f} a year")


@winback.command()
@click.option("--csv", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write every case to this file.")
def cases(file: Path | None) -> None:
    """List the open cases, the dearest first; with --csv write all cases to a file."""
    with db.reading() as session:
        if file is None:
            rows = [(row[2], row[3], str(row[4]), f"{row[6]:.2f}", f"{row[7]:,.2f}", row[8] or "-")
                    for row in export_cases(session, CaseFilter())]
            _print_table(("account", "state", "last order", "overdue", "yearly value", "cause"), rows)
            return
        try:
            with file.open("w", encoding="utf-8", newline="") as out:
                count = write_csv(out, columns=EXPORT_COLUMNS, rows=export_cases(session))
        except OSError as error:
            raise CannotRun(f"{file} cannot be written: {error.strerror}; choose another place") from error
    click.echo(f"{count} cases written to {file}")


def _print_table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        click.echo("No case is open: abm winback detect looks for lapsed accounts")
        return
    widths = [max(len(row[place]) for row in [columns, *rows]) for place in range(len(columns))]
    for row in [columns, *rows]:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
