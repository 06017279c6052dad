"""`abm accounts`: duplicates, merging and parting again."""

import click
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_external_id
from abm.identity import actions
from abm.identity.jobs import search_apart
from abm.identity.merging import merge_accounts
from abm.identity.queries import Listing, export_pairs, find_pair
from abm.identity.unmerging import unmerge as take_back
from abm.web.terminal import answer
from core import db
from core.errors import NotFound, Refused


@click.group()
def accounts() -> None:
    """Accounts: find duplicates, merge them, part them again."""


@accounts.command()
@click.option("--people", is_flag=True, help="People of one account instead of accounts.")
@click.option("--state", type=click.Choice(["open", "dismissed", "merged"]), default="open")
@click.option("--look/--no-look", default=True, help="Look through the accounts first (the default).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def duplicates(people: bool, state: str, look: bool, as_json: bool) -> None:
    """List pairs that may be the same, the likeliest first, with the reasons."""
    if look:
        search_apart()
    with db.reading() as session:
        listing = Listing("contact" if people else "account", state)
        pairs = [{"score": row[1], "reasons": row[2], "first_id": row[4], "first": row[5], "second_id": row[6],
                  "second": row[7]} for row in export_pairs(session, listing)]
    lines = [f"{pair['score']:>3}  {pair['first_id']} {pair['first']}  =  {pair['second_id']} {pair['second']}: "
             f"{pair['reasons']}" for pair in pairs]
    answer({"state": state, "pairs": pairs}, as_json=as_json, text="\n".join(lines) or "No pair like this")


@accounts.command()
@click.argument("keep_id")
@click.argument("drop_id")
@click.option("--take", "taken", multiple=True, metavar="FIELD", help="Take this field from DROP_ID; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def merge(keep_id: str, drop_id: str, taken: tuple[str, ...], as_json: bool) -> None:
    """Take DROP_ID into KEEP_ID (both ids of the source system) with everything it has."""
    with db.transaction() as session:
        kept, dropped = _find(session, keep_id), _find(session, drop_id)
        done = merge_accounts(session, keep_id=kept.id, drop_id=dropped.id, choices=dict.fromkeys(taken, "drop"))
        found = {"merge": done.id, "kept": keep_id, "dropped": drop_id, "moved": done.counts or {}}
    moved = ", ".join(f"{rows:,} of {name}" for name, rows in (done.counts or {}).items()) or "nothing else"
    answer(found, as_json=as_json,
           text=f"Merge {done.id}: {drop_id} is {keep_id} from now on; moved {moved}. To undo it: abm accounts "
                f"unmerge {done.id}")


@accounts.command()
@click.argument("merge_id", type=int)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def unmerge(merge_id: int, as_json: bool) -> None:
    """Undo a merge: both are as they were, but for what was changed since."""
    with db.transaction() as session:
        done = take_back(session, merge_id=merge_id)
    answer({"merge": done.id, "kept": done.kept_name, "restored": done.dropped_name}, as_json=as_json,
           text=f"{done.kept_name} and {done.dropped_name} are two again")


@accounts.command()
@click.argument("one_id")
@click.argument("other_id")
def dismiss(one_id: str, other_id: str) -> None:
    """Say that two proposed accounts are not the same; they are never proposed again."""
    with db.transaction() as session:
        one, other = _find(session, one_id), _find(session, other_id)
        pair = find_pair(session, subject="account", one=one.id, other=other.id)
        if pair is None:
            raise NotFound(f"{one_id} and {other_id} are not proposed as duplicates")
        actions.dismiss_pair(session, pair_id=pair.id)
    click.echo(f"{one_id} and {other_id} are not the same")


def _find(session: Session, external_id: str) -> Account:
    found = find_account_by_external_id(session, external_id)
    if found is None:
        raise NotFound(f"There is no account with the id {external_id}")
    if found.external_id != external_id:
        raise Refused(f"{external_id} is {found.external_id} already: nothing was changed")
    return found
