"""`abm campaigns reclassify`: people and programs among the visits told apart again, from what is kept of each."""

from typing import IO

import click

from abm.company.actions import set_company_value
from abm.company.networks import read_networks
from abm.company.queries import get_company
from abm.outreach.queries import get_campaign_by_name, list_runs
from abm.web.terminal import answer
from campaigns.visits import reclassify as reclassify_next
from core import db


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def reclassify(name: str | None, as_json: bool) -> None:
    """Judge opens and clicks again (of NAME, or of all campaigns) by the rules of this version."""
    run_ids = None
    if name:
        with db.reading() as session:
            run_ids = [run.id for run in list_runs(session, get_campaign_by_name(session, name).id)]
    judged = to_machine = to_person = after = 0
    while True:
        with db.transaction() as session:
            found = reclassify_next(session, run_ids=run_ids, after=after)
        if found.last == after:
            break
        after, judged = found.last, judged + found.judged
        to_machine, to_person = to_machine + found.to_machine, to_person + found.to_person
    answer({"judged": judged, "to_machine": to_machine, "to_person": to_person}, as_json=as_json,
           text=f"{judged:,} opens and clicks judged again: {to_machine:,} now count as a machine's, "
                f"{to_person:,} as a person's")


@click.command()
@click.option("--seconds", type=click.FloatRange(0, 600), help="Nobody reads sooner after the hand-over.")
@click.option("--networks", type=click.File(encoding="utf-8"), help="A file with networks of data centres and mail "
              "scanners, one a line (192.0.2.0/24); replaces those that are set.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def programs(seconds: float | None, networks: IO[str] | None, as_json: bool) -> None:
    """Show or set by what the programs among visitors are known; afterwards `reclassify` judges anew."""
    with db.transaction() as session:
        if seconds is not None:
            set_company_value(session, name="machine_seconds", value=seconds)
        if networks is not None:
            set_company_value(session, name="machine_networks", value=read_networks(networks.read()))
        session.flush()
        company = get_company(session)
        found = {"seconds": company.machine_seconds, "networks": list(company.machine_networks)}
    answer(found, as_json=as_json, text=f"Within {company.machine_seconds:g} s of the hand-over, or from one of "
                                        f"{len(company.machine_networks):,} networks, a visit is a program's")
