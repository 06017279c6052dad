"""abm lists changes | veto | unveto | vetoes | sign-off | capacity | refresh."""

from datetime import datetime
from typing import Any

import click

from abm.audit.actions import Actor, act_as
from abm.company.queries import company_today
from abm.targets import queries
from abm.targets.actions import refresh_list
from abm.targets.agreement import lift_veto, set_veto, sign_off
from abm.targets.agreement_queries import list_vetoes
from abm.targets.capacity import CREWS, Capacity
from abm.targets.history import Moved, find_differences
from abm.users.queries import find_user_by_email
from abm.web.permissions import Permission, may
from abm.web.terminal import DONE, answer
from core.db import Session, transaction
from core.errors import Refused

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
_BY = click.option("--by", "email", help="Address of the active seller or administrator who says so.")


@click.command("changes")
@click.argument("name")
@click.option("--from", "first", type=_DAY, required=True, help="The earlier day; its end counts.")
@click.option("--to", "last", type=_DAY, help="The later day; today when left out.")
@_AS_JSON
def changes(name: str, first: datetime, last: datetime | None, as_json: bool) -> int:
    """Who entered and who left between the ends of two days."""
    with transaction() as session:
        row = refresh_list(session, name=name)
        end = last.date() if last else company_today(session)
        if first.date() > end:
            raise Refused(f"--from {first.date()} is after --to {end}; give the earlier day first")
        found = find_differences(session, list_id=row.id, first=first.date(), last=end, limit=None)
    result = {"list": name, "from": first.date(), "to": end, "accounts_from": found.before, "accounts_to": found.after,
              "entered": [_moved(each) for each in found.entered_rows],
              "left": [_moved(each) for each in found.left_rows]}
    lines = [f"{name}: {found.before:,} accounts on {first.date()}, {found.after:,} on {end}: "
             f"{found.entered:,} entered, {found.left:,} left"]
    lines += [f"  + {each.account_id}  {each.name}" for each in found.entered_rows]
    lines += [f"  - {each.account_id}  {each.name}" + ("  (veto)" if each.how == "veto" else "")
              for each in found.left_rows]
    answer(result, as_json=as_json, text="\n".join(lines))
    return DONE


def _moved(each: Moved) -> dict[str, Any]:
    return {"account_id": each.account_id, "name": each.name, "at": each.at, "how": each.how}


def _act_for(session: Session, email: str | None) -> None:
    """Record what follows under the name of a user who may agree to lists; without one under the system's."""
    if email is None:
        return
    user = find_user_by_email(session, email)
    if user is None or not user.is_active or not may(user.role, Permission.AGREE_TO_LISTS):
        raise Refused(f"{email} is no active user with the role sales or admin; vetoes and sign-offs are theirs")
    act_as(Actor(user.name, user.id))


@click.command("veto")
@click.argument("name")
@click.argument("account_id")
@click.option("--reason", required=True, help="Why, in a sentence.")
@click.option("--until", "until", type=_DAY, required=True, help="The last day of the veto.")
@_BY
@_AS_JSON
def veto(name: str, account_id: str, reason: str, until: datetime, email: str | None, as_json: bool) -> int:
    """Keep an account out of a list up to and including a day."""
    with transaction() as session:
        _act_for(session, email)
        row, account = queries.get_list(session, name), queries.get_account_by_external_id(session, account_id)
        kept = set_veto(session, row=row, account=account, reason=reason, until=until.date())
        result = {"list": name, "account_id": account_id, "until": kept.until_on, "reason": kept.reason,
                  "by": kept.by_name, "accounts": row.member_count}
    answer(result, as_json=as_json, text=f"{account_id} stays out of {name} until {until.date()}; "
                                         f"{result['accounts']:,} accounts are in it now")
    return DONE


@click.command("unveto")
@click.argument("name")
@click.argument("account_id")
@_BY
def unveto(name: str, account_id: str, email: str | None) -> int:
    """Lift a veto before its day; the account comes back if it belongs to the list."""
    with transaction() as session:
        _act_for(session, email)
        row, account = queries.get_list(session, name), queries.get_account_by_external_id(session, account_id)
        lift_veto(session, row=row, account=account)
    click.echo(f"{account_id} is judged by the rules of {name} again")
    return DONE


@click.command("vetoes")
@click.argument("name")
@_AS_JSON
def vetoes(name: str, as_json: bool) -> int:
    """The vetoes that stand for a list."""
    with transaction() as session:
        row = queries.get_list(session, name)
        found = [{"account_id": external_id, "name": title, "reason": each.reason, "until": each.until_on,
                  "by": each.by_name, "since": each.created_at}
                 for each, external_id, title in list_vetoes(session, list_id=row.id)]
    answer({"list": name, "vetoes": found}, as_json=as_json, text="\n".join(
        f"{each['account_id']}  {each['name']}  until {each['until']}  {each['reason']} ({each['by']})"
        for each in found) or f"No veto stands for {name}")
    return DONE


@click.command("sign-off")
@click.argument("name")
@click.option("--note", default="", help="What was agreed.")
@_BY
@_AS_JSON
def sign_off_(name: str, note: str, email: str | None, as_json: bool) -> int:
    """Agree to a list for sales, as it is now; a change of its rules voids the sign-off."""
    with transaction() as session:
        _act_for(session, email)
        row = refresh_list(session, name=name)
        signed = sign_off(session, row=row, note=note)
        result = {"list": name, "by": signed.by_name, "at": signed.signed_at, "accounts": signed.accounts}
    answer(result, as_json=as_json, text=f"{name} with {result['accounts']:,} accounts is signed off by {result['by']}")
    return DONE


@click.command("capacity")
@click.argument("name")
@_AS_JSON
def capacity(name: str, as_json: bool) -> int:
    """Hours of sellers, callers and marketers that a list takes in a month, by tier, against those there are."""
    with transaction() as session:
        row = refresh_list(session, name=name)
        found = queries.get_capacity(session, list_id=row.id)
    answer({"list": name, **found.to_json()}, as_json=as_json, text=_say_capacity(found))
    return DONE


def _say_capacity(found: Capacity) -> str:
    lines = [f"{line.label}: {line.accounts:,} accounts, "
             + ", ".join(f"{line.hours[crew]:,.1f} h of {crew}" for crew in CREWS) for line in found.lines]
    lines.append(found.sentence)
    lines += [f"{hours:,.0f} h of {crew} are missing" for crew, hours in found.short.items()]
    return "\n".join(lines)


@click.command("refresh")
@click.argument("name")
@click.option("--everybody", is_flag=True, help="Judge all accounts, not only those that changed.")
@_AS_JSON
def refresh(name: str, everybody: bool, as_json: bool) -> int:
    """Bring a list up to date with the data now, without waiting for the job."""
    with transaction() as session:
        row = refresh_list(session, name=name, everybody=everybody)
        result = {"list": name, "accounts": row.member_count}
    answer(result, as_json=as_json, text=f"{name}: {result['accounts']:,} accounts")
    return DONE


COMMANDS = (changes, veto, unveto, vetoes, sign_off_, capacity, refresh)
