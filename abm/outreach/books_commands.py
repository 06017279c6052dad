"""`abm campaigns books`: planned = sent + suppressed + failed + unknown + queued, with the rows behind each figure."""

from pathlib import Path

import click

from abm.outreach.command_words import books_words
from abm.web.terminal import answer
from core import db
from core.errors import Refused


@click.command()
@click.argument("name")
@click.option("--step", default="", help="One step alone.")
@click.option("--book", type=click.Choice(["sent", "suppressed", "failed", "unknown", "queued"]), help="For --rows.")
@click.option("--reason", default="", help="For --rows: a reason as it stands in the books.")
@click.option("--rows", "file", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the messages behind the figure as CSV, or Excel for a name that ends in .xlsx.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def books(name: str, step: str, book: str | None, reason: str, file: Path | None, as_json: bool) -> None:
    """The books: every intended message in one book, by state and reason; and what each link, step and win came to."""
    from abm.outreach.account_results import get_unit_costs
    from abm.outreach.launching import EXPORT_COLUMNS, stream_export_rows
    from abm.outreach.messages import MessageFilter, select_messages
    from abm.outreach.queries import get_campaign_by_name
    from abm.outreach.results import list_link_clicks
    from abm.outreach.table_files import write_table
    from campaigns.books import keep_books
    from campaigns.reports import count_orders, count_steps
    from campaigns.tally import tally_messages

    with db.reading() as session:
        campaign = get_campaign_by_name(session, name)
        if step and step not in (known := [one["id"] for one in campaign.definition["steps"]]):
            raise Refused(f"{name} has no step {step}; there are {', '.join(known)}")
        tally = tally_messages(session, campaign.id)
        kept = keep_books(session, tally_messages(session, campaign.id, step=step) if step else tally)
        costs = get_unit_costs(session, tally, orders=count_orders(session, campaign.id))
        found = {"campaign": campaign.name, **kept.as_json(), "steps": count_steps(tally),
                 "links": [row._asdict() for row in list_link_clicks(session, campaign.id)],
                 "cost": costs.cost, "per_contact": costs.per(costs.reached),
                 "per_response": costs.per(costs.responded), "per_win": costs.per(costs.won)}
        if file is not None:
            wanted = select_messages(campaign.id, MessageFilter(book or "", reason, step))
            found["rows"] = write_table(file, EXPORT_COLUMNS, stream_export_rows(session, campaign=campaign,
                                                                                 only=wanted))
            found["file"] = str(file)
    answer(found, as_json=as_json, text=books_words(found))
