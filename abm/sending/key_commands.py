"""`abm senders keys …`: signing keys from a script."""

import json
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.orm import Session

from abm.sending import actions
from abm.sending.queries import get_identity_by_email
from campaigns.models import DkimKey
from campaigns.sending import dkim_keys
from core import db
from core.errors import NotFound


def _of_a_key(command: Callable[..., None]) -> Callable[..., None]:
    """The arguments of a command about one key."""
    return click.argument("email")(click.argument("selector")(command))


@click.group()
def keys() -> None:
    """Signing keys (DKIM): make one, publish its record, then sign with it."""


@keys.command(name="list")
@click.argument("email")
@click.option("--json", "as_json", is_flag=True)
def list_(email: str, as_json: bool) -> None:
    """The keys of a sender with the records to publish."""
    with db.reading() as session:
        found = dkim_keys.list_keys(session, get_identity_by_email(session, email).id)
        told = [_told(key) for key in found]
    _say(told, as_json=as_json, what={"email": email, "keys": told})


@keys.command()
@click.argument("email")
@click.option("--algorithm", type=click.Choice(list(dkim_keys.ALGORITHMS)), default="rsa", show_default=True)
@click.option("--json", "as_json", is_flag=True)
def make(email: str, algorithm: str, as_json: bool) -> None:
    """A new key; prints the record to publish. Nothing is signed with it before `use`."""
    with db.transaction() as session:
        identity_id = get_identity_by_email(session, email).id
        told = _told(actions.make_key(session, identity_id=identity_id, algorithm=algorithm))
    _say([told], as_json=as_json, what=told)


@keys.command()
@_of_a_key
def use(email: str, selector: str) -> None:
    """Sign with a key whose record is published; the one before retires."""
    with db.transaction() as session:
        actions.activate_key(session, key_id=_get_key(session, email, selector).id)
    click.echo(f"messages are signed with {selector} from now on")


@keys.command()
@_of_a_key
def retire(email: str, selector: str) -> None:
    """Sign with it no longer."""
    with db.transaction() as session:
        actions.retire_key(session, key_id=_get_key(session, email, selector).id)
    click.echo(f"{selector} signs no more; leave its record published for a week")


def _get_key(session: Session, email: str, selector: str) -> DkimKey:
    for key in dkim_keys.list_keys(session, get_identity_by_email(session, email).id):
        if key.selector == selector:
            return key
    raise NotFound(f"{email} has no key {selector}; see `abm senders keys list {email}`")


def _told(key: DkimKey) -> dict[str, Any]:
    return {"selector": key.selector, "algorithm": key.algorithm, "state": key.state,
            "record_name": dkim_keys.record_name(key), "record": dkim_keys.record_text(key)}


def _say(told: list[dict[str, Any]], *, as_json: bool, what: dict[str, Any]) -> None:
    if as_json:
        click.echo(json.dumps(what))
        return
    for one in told:
        click.echo(f"{one['selector']}\t{one['algorithm']}\t{one['state']}")
        if one["state"] != "retired":
            click.echo(f"  TXT at {one['record_name']}:\n  {one['record']}")
