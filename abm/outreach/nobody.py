"""Why a campaign means nobody, and what to do about it, in one or two sentences."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from abm.contacts.models import Contact
from abm.plans.queries import is_stopped
from abm.targets.models import ListMember, TargetList
from abm.targets.queries import find_list, say_stored
from campaigns.definition import Definition


def explain_nobody(session: Session, definition: Definition) -> str:
    """For a campaign that means nobody: whether its list, the people at its accounts or their roles are missing."""
    row = find_list(session, definition.list_name)
    if row is None:
        return f"There is no list {definition.list_name}: make it, or choose another one for the campaign."
    if not row.member_count:
        return (f"The list {row.title} holds no account today. {say_stored(row)} Its page says of each account which "
                "condition it fails; change the conditions there, or choose another list for the campaign.")
    there = "1 account" if row.member_count == 1 else f"{row.member_count:,} accounts"
    roles = _count_roles(session, row, Contact.is_active.is_(True), ~is_stopped(Contact.account_id))
    if roles:
        return (f"The list {row.title} holds {there}, but nobody there is known as {_or(definition.people.roles)} "
                f"({_say_roles(roles)}). Give people that role in the buying centre of their account, or let the "
                "campaign mean other roles.")
    if _count_roles(session, row, Contact.is_active.is_(True)):
        return (f"The list {row.title} holds {there}, all of them prospects that fail a question before the chase; "
                "answer those on their pages, or choose another list for the campaign.")
    return (f"The list {row.title} holds {there}, but nobody is known there who has not left; enter or import people "
            "for them.")


def _count_roles(session: Session, row: TargetList, *conditions: ColumnElement[bool]) -> dict[str, int]:
    """How many people at the accounts of the list have which role, the frequent ones first; "" is no role."""
    count = func.count()
    role = func.coalesce(Contact.buying_role, "")
    rows = session.execute(select(role, count).join(ListMember, ListMember.account_id == Contact.account_id)
                           .where(ListMember.list_id == row.id, *conditions)
                           .group_by(role).order_by(count.desc(), role))
    return {name: many for name, many in rows}


def _say_roles(roles: dict[str, int]) -> str:
    said = ", ".join(f"{many:,} {name.replace('_', ' ') or 'without a role'}" for name, many in roles.items())
    return f"there are: {said}"


def _or(roles: tuple[str, ...]) -> str:
    *first, last = [role.replace("_", " ") for role in roles] or ["anybody"]
    return f"{', '.join(first)} or {last}" if first else last
