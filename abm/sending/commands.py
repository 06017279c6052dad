"""`abm senders …` and `abm secrets rotate`"""

import json
from typing import Any

import click

from abm.sending import actions, key_commands
from abm.sending.queries import Standing, get_identity_by_email, list_standings
from campaigns.sending.dns_asking import Asker
from core import db


@click.group()
def senders() -> None:
    """Sending identities: relays, limits, records, pauses, signing keys."""


senders.add_command(key_commands.keys)


@senders.command(name="list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Who mail is sent as, and how each stands."""
    with db.reading() as session:
        standings = [_told(one) for one in list_standings(session)]
    if as_json:
        click.echo(json.dumps({"senders": standings}))
        return
    for one in standings:
        limit = f"{one['sent_today']}/{one['limit_today'] or '∞'} today"
        click.echo(f"{one['email']}\t{one['kind']}\t{one['state']}\t{limit}\t"
                   f"{'verified' if one['verified'] else 'not verified'}")


def _told(standing: Standing) -> dict[str, Any]:
    one, health = standing.identity, standing.health
    paused_until = health.paused_until.isoformat() if health and health.paused_until and standing.is_paused else None
    return {"email": one.email, "name": one.name, "kind": one.kind, "state": standing.state,
            "verified": one.verified_at is not None, "sent_today": standing.used_today,
            "limit_today": standing.limit_today, "paused_until": paused_until,
            "reason": health.reason if health and standing.is_paused else ""}


@senders.command()
@click.argument("email")
@click.option("--json", "as_json", is_flag=True)
def check(email: str, as_json: bool) -> None:
    """Ask the name system about a sender's domain (three seconds at most) and keep the answer."""
    with db.reading() as session:
        identity_id = get_identity_by_email(session, email).id
        subject = actions.examine_identity(session, identity_id=identity_id)
    found = actions.examine(subject, Asker())
    with db.transaction() as session:
        kept = actions.store_findings(session, identity_id=identity_id, found=found).findings or []
    if as_json:
        click.echo(json.dumps({"email": email, "findings": kept}))
        return
    for one in kept:
        click.echo(f"{one['level']:8}{one['what']:10}{one['text']}" + (f": {one['fix']}" if one["fix"] else ""))


@senders.command()
@click.argument("email")
def verify(email: str) -> None:
    """Vouch for a sender, whatever the checks say; recorded in the audit log."""
    with db.transaction() as session:
        actions.verify_identity(session, identity_id=get_identity_by_email(session, email).id)
    click.echo(f"{email} counts as verified")


@senders.command(name="try-now")
@click.argument("email", required=False)
def try_now(email: str | None) -> None:
    """End the pause after failures; without EMAIL that of the installation's own relay."""
    with db.transaction() as session:
        identity_id = get_identity_by_email(session, email).id if email else 0
        woken = actions.try_now(session, identity_id=identity_id)
    click.echo(f"{woken} messages are due again")


@click.group()
def secrets() -> None:
    """Stored passwords and keys."""


@secrets.command()
def rotate() -> None:
    """Seal all stored secrets again with the first key of ABM_SECRET_KEY (new,old)."""
    with db.transaction() as session:
        count = actions.rotate_secrets(session)
    click.echo(f"{count} secrets are sealed with the new key; keep the old one after the comma for links in sent mail")
