"""`abm campaigns webhook-secret`: what messages to another program are signed with."""

import click

from abm.web.terminal import answer
from core import clock, db


@click.command(name="webhook-secret")
@click.argument("address")
@click.option("--rotate", is_flag=True, help="Make it anew; the one before signs beside it for two days.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def webhook_secret(address: str, rotate: bool, as_json: bool) -> None:
    """The signing secret for the host of ADDRESS, the newest first."""
    from abm.outreach.actions import rotate_webhook_secret
    from campaigns.channels.webhook_secrets import host_of, read_turns, secrets_of

    if rotate:
        with db.transaction() as session:
            rotate_webhook_secret(session, url=address)
    with db.reading() as session:
        secrets = secrets_of(address, read_turns(session), now=clock.now())
    answer({"host": host_of(address), "secrets": list(secrets)}, as_json=as_json, text="\n".join(secrets))
