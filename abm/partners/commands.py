"""`abm partners`: make them, give them accounts and tasks, see their share."""

import sys
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Select, select

from abm.accounts.models import Account
from abm.company.queries import company_today
from abm.partners import actions
from abm.partners.forms import KINDS, parse_partner, read_names
from abm.partners.queries import find_partner_by_name, measure_shares
from abm.targets.models import ListMember, TargetList
from abm.web.terminal import DONE, PARTLY, answer
from core import db
from core.errors import CannotRun, InvalidInput, NotFound


@click.group()
def partners() -> None:
    """Distributors and wholesalers that look after accounts."""


@partners.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def list_(as_json: bool) -> None:
    """Every partner with its share."""
    with db.reading() as session:
        shown = [{"name": one.partner.name, "kind": one.partner.kind, "is_active": one.partner.is_active,
                  "users": one.users, "accounts": one.accounts, "open_tasks": one.open_tasks,
                  "late_tasks": one.late_tasks, "done_tasks_90d": one.done_tasks, "orders_12m": one.orders,
                  "amount_12m": one.amount} for one in measure_shares(session, today=company_today(session))]
    lines = (f"{one['name']:30} {one['accounts']:>6} accounts {one['open_tasks']:>5} open tasks "
             f"{one['orders_12m']:>5} orders worth {one['amount_12m']:,.2f}" for one in shown)
    answer({"partners": shown}, as_json=as_json, text="\n".join(lines) or "No partners: abm partners create NAME")


@partners.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(list(KINDS)), default="distributor", show_default=True)
@click.option("--region", default="")
@click.option("--sees-people", is_flag=True, help="It sees the people at its accounts.")
@click.option("--sees-all-orders", is_flag=True, help="It sees orders of its accounts that others brought.")
@click.option("--json", "as_json", is_flag=True)
def create(name: str, as_json: bool, **typed: Any) -> None:
    """Make a partner."""
    with db.transaction() as session:
        form = {"name": name, **{key: "yes" if value is True else value or "" for key, value in typed.items()}}
        try:
            made = actions.create_partner(session, values=parse_partner(form))
        except InvalidInput as error:
            raise InvalidInput(f"{error}: {' '.join(error.fields.values())}") from error
        found = {"id": made.id, "name": made.name, "kind": made.kind}
    answer(found, as_json=as_json, text=f"{name} is a partner now")


@partners.command("add-user")
@click.argument("partner")
@click.argument("email")
@click.option("--name", default="")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add_user(partner: str, email: str, name: str, password_stdin: bool) -> None:
    """Let a person of PARTNER sign in."""
    given = sys.stdin.readline().rstrip("\r\n") if password_stdin else click.prompt(
        "Password", hide_input=True, confirmation_prompt=True, err=True)
    with db.transaction() as session:
        found = find_partner_by_name(session, partner)
        try:
            actions.add_partner_user(session, partner_id=found.id, email=email, name=name or email.split("@")[0],
                                     password=given)
        except InvalidInput as error:
            raise InvalidInput(f"{error}: {' '.join(error.fields.values())}") from error
    click.echo(f"{email} signs in for {found.name}")


@partners.command()
@click.argument("partner")
@click.argument("accounts", nargs=-1)
@click.option("--list", "list_name", default="", help="All members of this list.")
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Account ids or names, one a line.")
@click.option("--with-sites", is_flag=True, help="With the accounts that stand directly below them.")
@click.option("--json", "as_json", is_flag=True)
def assign(partner: str, accounts: tuple[str, ...], list_name: str, path: Path | None, with_sites: bool,
           as_json: bool) -> int:
    """Let PARTNER look after ACCOUNTS (ids or names). Exit code 1 when some are not known."""
    names = read_names("\n".join([*accounts, _read(path)]))
    with db.transaction() as session:
        found = find_partner_by_name(session, partner)
        ids, unknown = _chosen(session, names, list_name)
        done = actions.assign_accounts(session, partner_id=found.id, chosen=ids, with_sites=with_sites)
    text = f"{done.assigned} accounts assigned, {done.moved} of them from another partner"
    answer({"assigned": done.assigned, "moved": done.moved, "unknown": unknown}, as_json=as_json,
           text=f"{text}; not known: {', '.join(unknown)}" if unknown else text)
    return PARTLY if unknown else DONE


def _read(path: Path | None) -> str:
    try:
        return path.read_text("utf-8-sig") if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRun(f"{path} cannot be read: {error}") from error


def _chosen(session: db.Session, names: list[str], list_name: str) -> tuple[Select[int], list[str]]:
    if list_name:
        list_id = session.scalar(select(TargetList.id).where(TargetList.name == list_name))
        if list_id is None:
            raise NotFound(f"There is no list {list_name}")
        return select(ListMember.account_id).where(ListMember.list_id == list_id), []
    if not names:
        raise InvalidInput("Name accounts, or give --list or --file", {})
    ids, unknown = actions.find_accounts(session, names)
    return select(Account.id).where(Account.id.in_(ids)), unknown


@partners.command()
@click.argument("partner")
@click.argument("accounts", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True)
def withdraw(partner: str, accounts: tuple[str, ...], as_json: bool) -> int:
    """PARTNER looks after ACCOUNTS no more."""
    with db.transaction() as session:
        ids, unknown = actions.find_accounts(session, list(accounts))
        gone = actions.withdraw_accounts(session, partner_id=find_partner_by_name(session, partner).id,
                                         account_ids=ids)
    answer({"withdrawn": gone, "unknown": unknown}, as_json=as_json, text=f"{gone} accounts withdrawn")
    return PARTLY if unknown else DONE


@partners.command("give-tasks")
@click.argument("partner")
@click.argument("tasks", nargs=-1, required=True, type=int)
@click.option("--json", "as_json", is_flag=True)
def give_tasks(partner: str, tasks: tuple[int, ...], as_json: bool) -> None:
    """Give open TASKS (their ids) to PARTNER."""
    with db.transaction() as session:
        given = actions.give_tasks(session, partner_id=find_partner_by_name(session, partner).id, task_ids=tasks)
    answer({"given": given}, as_json=as_json, text=f"{given} tasks given")
