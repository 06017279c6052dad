"""`abm analyse`."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from abm.analysis.actions import compute, fail_run, keep_results, plan_analysis
from abm.analysis.queries import export_rows, get_run
from abm.analysis.results import EXPORT_COLUMNS, PERIODS, VALUE_KINDS
from abm.web.spreadsheets import write_csv
from abm.web.terminal import answer
from core.db import reading, transaction
from core.errors import AbmError, Refused

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--as-of", type=_DAY, help="Orders after this day are ignored; left out: the day of the last order.")
@click.option("--from", "from_on", type=_DAY, help="Orders before this day are ignored.")
@click.option("--period", type=click.Choice(PERIODS), default="auto", show_default=True, help="What XYZ compares.")
@click.option("--value", "value_kind", type=click.Choice(VALUE_KINDS), default="revenue", show_default=True)
@click.option("--export", "export_path", type=click.Path(dir_okay=False, path_type=Path), help="A CSV file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the totals as one JSON object.")
def analyse(as_of: datetime | None, from_on: datetime | None, period: str, value_kind: str, export_path: Path | None,
            as_json: bool) -> None:
    """Rank accounts by value, steadiness and rhythm, and keep the result."""
    if export_path is not None and not export_path.absolute().parent.is_dir():
        raise Refused(f"The folder of {export_path} does not exist; make it, or choose another file")
    totals = _run(_date(as_of), _date(from_on), period, value_kind, export_path)
    answer(totals, as_json=as_json, text=_sentences(totals))


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _run(as_of: date | None, from_on: date | None, period: str, value_kind: str,
         export_path: Path | None) -> dict[str, Any]:
    with transaction() as session:
        run_id = plan_analysis(session, as_of=as_of, from_on=from_on, period=period, value_kind=value_kind).id
    try:
        with reading() as session:
            analysis = compute(session, run=get_run(session, run_id))
        with transaction() as session:
            keep_results(session, run=get_run(session, run_id), analysis=analysis)
    except AbmError as error:
        with transaction() as session:
            fail_run(session, run_id=run_id, reason=str(error))
        raise
    if export_path is not None:
        _export(run_id, export_path)
    return analysis.totals


def _export(run_id: int, path: Path) -> None:
    try:
        with reading() as session, path.open("w", newline="", encoding="utf-8") as file:
            write_csv(file, columns=EXPORT_COLUMNS, rows=export_rows(session, run_id))
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; choose another file") from error


def _sentences(totals: dict[str, Any]) -> str:
    classes = ", ".join(f"{name} {count}" for name, count in (*totals["abc"].items(), *totals["xyz"].items()))
    rhythm = ", ".join(f"{count} {name}" for name, count in totals["rhythm"].items())
    share = "no value" if totals["top20_share"] is None else f"{totals['top20_share']:.1%} of the value"
    span = f"from {totals['from']} to {totals['as_of']}"
    return (f"{totals['accounts']:,} accounts with {totals['orders']:,} orders {span}.\n"
            f"Classes by {totals['period']}: {classes}. The top fifth brings {share}.\nRhythm: {rhythm}.")
