"""`abm leads`: which source or campaign brought which accounts, and what became of them."""

from datetime import timedelta
from pathlib import Path as File
from typing import Any

import click

from abm.accounts.models import Account
from abm.outreach.lead_pages import COLUMNS, row_of
from abm.outreach.lead_results import BY, PROSPECT_COLUMNS, list_paths, read_prospect, select_prospects
from abm.web.spreadsheets import write_csv
from abm.web.terminal import answer
from core import clock, db
from core.errors import CannotRun


@click.command()
@click.option("--by", type=click.Choice(BY), default="source", show_default=True)
@click.option("--days", type=click.IntRange(1, 10_000), help="Only accounts that came in the last so many days.")
@click.option("--csv", "file", type=click.Path(dir_okay=False, path_type=File), help="Write the table to this file.")
@click.option("--accounts", "accounts_file", type=click.Path(dir_okay=False, path_type=File),
              help="Write every account with its source and what became of it to this file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def leads(by: str, days: int | None, file: File | None, accounts_file: File | None, as_json: bool) -> None:
    """From lead to customer, by source or by campaign."""
    with db.reading() as session:
        since = clock.now() - timedelta(days=days) if days else None
        rows = [row_of(one) for one in list_paths(session, by=by, since=since)]
        if file is not None:
            _write(file, COLUMNS, rows)
        if accounts_file is not None:
            found = session.execute(select_prospects().order_by(Account.id),
                                    execution_options={"yield_per": 5_000})
            _write(accounts_file, PROSPECT_COLUMNS, map(read_prospect, found))
    lines = [f"{row[0]:30} {row[1]:>7} accounts {row[7]:>6} customers {row[9]:>14,.2f} revenue {row[12]:>12,.2f} cost"
             for row in rows]
    answer({"by": by, "paths": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}, as_json=as_json,
           text="\n".join(lines) or "No accounts yet")


def _write(path: File, columns: tuple[str, ...], rows: Any) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            write_csv(out, columns=columns, rows=rows)
    except OSError as error:
        raise CannotRun(f"{path} cannot be written: {error.strerror}; choose another place") from error
