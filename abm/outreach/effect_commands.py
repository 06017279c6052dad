"""`abm campaigns effect`"""

import click

from abm.outreach.command_words import effect_words
from abm.web.terminal import answer
from core import db


@click.command()
@click.argument("name")
@click.option("--days", type=click.IntRange(1, 3_650), help="Count orders for so many days from each account's first "
                                                            "send; all since when left out.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def effect(name: str, days: int | None, as_json: bool) -> None:
    """What the campaign brought against the accounts left alone, and which wording did better, with intervals."""
    from abm.outreach.effect import read_effect
    from abm.outreach.queries import get_campaign_by_name
    from abm.outreach.variant_results import list_trials

    with db.reading() as session:
        campaign = get_campaign_by_name(session, name)
        found, trials = read_effect(session, campaign, days=days), list_trials(session, campaign.id)
    answer({**found.as_json(), "variants": [trial.as_json() for trial in trials]}, as_json=as_json,
           text=effect_words(found, trials))
