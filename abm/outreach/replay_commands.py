"""`abm campaigns replay`: the gate's decisions made again from its log."""

import click

from abm.outreach.queries import get_campaign_by_name, list_runs
from abm.web.terminal import DONE, PARTLY, answer
from campaigns.gate_log import replay as replay_log
from core import db


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def replay(name: str | None, as_json: bool) -> int:
    """Make every decision of the gate again from its log (of NAME, or of all); exit code 1 when one differs."""
    with db.reading() as session:
        run_ids = None
        if name:
            run_ids = [run.id for run in list_runs(session, get_campaign_by_name(session, name).id)]
        found = replay_log(session, run_ids=run_ids)
    differing = [{"message": one.delivery_id, "at": one.at, "was": one.was, "is_now": one.is_now}
                 for one in found.differing]
    lines = [f"{found.checked:,} decisions made again, {len(differing):,} differ",
             *(f"  {row['message']} at {row['at']:%Y-%m-%d %H:%M}: was {row['was']}, is now {row['is_now']}"
               for row in differing)]
    answer({"checked": found.checked, "differing": differing}, as_json=as_json, text="\n".join(lines))
    return PARTLY if differing else DONE
