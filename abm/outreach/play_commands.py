"""`abm campaigns plays | use`: the library of ready campaigns."""

import click

from abm.web.terminal import answer
from campaigns.library import get_play, list_plays
from core import db

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.command()
@JSON
def plays(as_json: bool) -> None:
    """List the ready plays."""
    rows = [{"play": play.name, "title": play.title, "about": play.about, "languages": play.languages,
             "steps": [step.get("channel", "branch") for step in play.campaign["steps"]]} for play in list_plays()]
    answer({"plays": rows}, as_json=as_json, text="\n".join(f"{row['play']:34} {row['title']}" for row in rows))


@click.command()
@click.argument("play")
@click.option("--from", "sender_email", required=True, help="The address the messages come from.")
@click.option("--list", "list_name", default="", help="A target list that there is; left out: the play's own is made.")
@click.option("--webhook", "webhook_url", default="", help="Whom a webhook step tells; else it is left out.")
@JSON
def use(play: str, sender_email: str, list_name: str, webhook_url: str, as_json: bool) -> None:
    """Make a draft campaign from PLAY, with its list and its offer."""
    from abm.outreach.plays import use_play

    with db.transaction() as session:
        campaign = use_play(session, play=get_play(play), sender_email=sender_email, list_name=list_name,
                            webhook_url=webhook_url)
        made = {"campaign": campaign.name, "list": campaign.definition["list"], "state": campaign.state}
    answer(made, as_json=as_json, text=f"{made['campaign']}: a draft to the list {made['list']}")
