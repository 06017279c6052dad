"""`abm campaigns changes | move`: what a newer version means for running people, and moving them."""

import click

from abm.outreach.queries import get_campaign_by_name
from abm.web.terminal import answer
from core import db

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.command()
@click.argument("name")
@JSON
def changes(name: str, as_json: bool) -> None:
    """Who of those under way on an older version would move to the present one, and who stays and why."""
    from abm.outreach.version_changes import report_as_json, say_group
    from campaigns.versions import report_change

    with db.reading() as session:
        campaign = get_campaign_by_name(session, name)
        report = report_change(session, campaign)
        result = report_as_json(campaign, report)
    lines = [say_group(group) for group in report.groups] if report else ["Nobody is under way on an older version"]
    answer(result, as_json=as_json, text="\n".join(lines))


@click.command()
@click.argument("name")
@JSON
def move(name: str, as_json: bool) -> None:
    """Move running people to the approved version where it has their step; the others stay on theirs."""
    from abm.outreach.version_changes import move_running_people

    with db.transaction() as session:
        run, moved = move_running_people(session, campaign=get_campaign_by_name(session, name))
        result = {"campaign": name, "run": run.number, "moved": moved}
    answer(result, as_json=as_json, text=f"{name}: {moved:,} people go on in run {result['run']}")
