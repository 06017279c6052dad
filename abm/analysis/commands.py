"""`abm analyse`."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from abm.analysis.actions import Wanted, compute, fail_run, keep_results, plan_analysis
from abm.analysis.comparing import MOVE_COLUMNS, compare_runs, move_rows
from abm.analysis.queries import export_rows, find_previous_run, get_run
from abm.analysis.results import EXPORT_COLUMNS, FACTORS, KEY_COLUMNS, MANY, PERIODS, VALUE_KINDS
from abm.web.spreadsheets import write_csv
from abm.web.terminal import answer
from core.db import Session, reading, transaction
from core.errors import AbmError, Refused

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--as-of", type=_DAY, help="Orders after this day are ignored; left out: the day of the last order.")
@click.option("--from", "from_on", type=_DAY, help="Orders before this day are ignored.")
@click.option("--period", type=click.Choice(PERIODS), default="auto", show_default=True, help="What XYZ compares.")
@click.option("--value", "value_kind", type=click.Choice(VALUE_KINDS), default="revenue", show_default=True)
@click.option("--by", "factor", type=click.Choice(FACTORS), default="account", show_default=True,
              help="What is ranked: accounts, sites, their parents, products or regions.")
@click.option("--export", "export_path", type=_FILE, help="A CSV file to write.")
@click.option("--compare", is_flag=True, help="Say who moved since the run before, and why.")
@click.option("--moves", "moves_path", type=_FILE, help="A CSV file of those who moved since the run before.")
@click.option("--json", "as_json", is_flag=True, help="Print the totals as one JSON object.")
def analyse(as_of: datetime | None, from_on: datetime | None, period: str, value_kind: str, factor: str,
            export_path: Path | None, compare: bool, moves_path: Path | None, as_json: bool) -> None:
    """Rank accounts by value, steadiness and rhythm, and keep the result."""
    for path in (export_path, moves_path):
        if path is not None and not path.absolute().parent.is_dir():
            raise Refused(f"The folder of {path} does not exist; make it, or choose another file")
    run_id, totals = _run(Wanted(_date(as_of), _date(from_on), period, value_kind, factor))
    with reading() as session:
        _write_files(session, run_id, export_path, moves_path)
        compared = _compare(session, run_id) if compare else {}
    said = _sentences(totals, factor) + (f"\n{_moved(compared)}" if compare else "")
    answer({**totals, **compared}, as_json=as_json, text=said)


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _run(wanted: Wanted) -> tuple[int, dict[str, Any]]:
    with transaction() as session:
        run_id = plan_analysis(session, wanted).id
    try:
        with reading() as session:
            analysis = compute(session, run=get_run(session, run_id))
        with transaction() as session:
            keep_results(session, run=get_run(session, run_id), analysis=analysis)
    except AbmError as error:
        with transaction() as session:
            fail_run(session, run_id=run_id, reason=str(error))
        raise
    return run_id, analysis.totals


def _write_files(session: Session, run_id: int, export_path: Path | None, moves_path: Path | None) -> None:
    run = get_run(session, run_id)
    if export_path is not None:
        _write(export_path, (KEY_COLUMNS[run.factor], *EXPORT_COLUMNS[1:]), export_rows(session, run))
    if moves_path is not None:
        before = find_previous_run(session, run)
        _write(moves_path, MOVE_COLUMNS, move_rows(session, run, before) if before else ())


def _write(path: Path, columns: Any, rows: Any) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            write_csv(file, columns=columns, rows=rows)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; choose another file") from error


def _compare(session: Session, run_id: int) -> dict[str, Any]:
    run = get_run(session, run_id)
    before = find_previous_run(session, run)
    return {"compared": compare_runs(session, run, before) if before else None}


def _moved(compared: dict[str, Any]) -> str:
    found = compared["compared"]
    if found is None:
        return "There is no earlier run by the same value to compare with."
    parts = [f"{kind} {old or 'none'} → {new or 'none'}: {count}" for kind, moves in found["moves"].items()
             if kind != "segment" for old, new, count in moves]
    return f"Since the run as of {found['before']['as_of']}: " + ("; ".join(parts) or "nobody moved") + "."


def _sentences(totals: dict[str, Any], factor: str) -> str:
    classes = ", ".join(f"{name} {count}" for name, count in (*totals["abc"].items(), *totals["xyz"].items()))
    rhythm = ", ".join(f"{count} {name}" for name, count in totals["rhythm"].items())
    share = "no value" if totals["top20_share"] is None else f"{totals['top20_share']:.1%} of the value"
    span = f"from {totals['from']} to {totals['as_of']}"
    return (f"{totals['accounts']:,} {MANY[factor]} with {totals['orders']:,} orders {span}.\n"
            f"Classes by {totals['period']}: {classes}. The top part brings {share}.\nRhythm: {rhythm}.")
