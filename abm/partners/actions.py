"""Making partners, letting their people in, and giving them their share."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from abm.accounts.models import Account, AccountEvent
from abm.audit.actions import actor, record
from abm.partners.forms import PartnerValues
from abm.partners.models import Partner, PartnerAccount, PartnerTask, PartnerUser
from abm.partners.queries import get_partner
from abm.users.actions import create_user, end_sessions
from abm.users.models import User
from abm.web.permissions import Role
from abm.work.models import Task
from core import clock
from core.errors import InvalidInput, Refused

_AT_ONCE = 500


class Assigned(NamedTuple):
    """What an assignment did. `unknown`: names that are no single account."""

    assigned: int
    moved: int
    unknown: Sequence[str] = ()


def create_partner(session: Session, *, values: PartnerValues) -> Partner:
    """Raises InvalidInput for a name that another partner has."""
    _check_name(session, values.name)
    partner = Partner(**asdict(values), is_active=True, created_at=clock.now())
    session.add(partner)
    session.flush()
    record(session, action="partner.create", subject="partner", subject_id=partner.id, after=asdict(values))
    return partner


def edit_partner(session: Session, *, partner_id: int, values: PartnerValues) -> Partner:
    partner = get_partner(session, partner_id)
    _check_name(session, values.name, but=partner_id)
    before = {name: getattr(partner, name) for name in asdict(values)}
    for name, value in asdict(values).items():
        setattr(partner, name, value)
    record(session, action="partner.edit", subject="partner", subject_id=partner.id, before=before,
           after=asdict(values))
    session.flush()
    return partner


def set_partner_active(session: Session, *, partner_id: int, is_active: bool) -> Partner:
    """A partner that is not active sees nothing any more: its people are signed out at once. Its share stays on
    record."""
    partner = get_partner(session, partner_id)
    partner.is_active = is_active
    if not is_active:
        for user in session.scalars(select(User).join(PartnerUser).where(PartnerUser.partner_id == partner_id)):
            end_sessions(session, user=user)
    record(session, action="partner.active", subject="partner", subject_id=partner.id, after={"is_active": is_active})
    return partner


def _check_name(session: Session, name: str, but: int | None = None) -> None:
    twin = session.scalar(select(Partner.id).where(func.lower(Partner.name) == name.lower()))
    if twin is not None and twin != but:
        raise InvalidInput("The partner was not saved", {"name": "There is a partner of this name already."})


def add_partner_user(session: Session, *, partner_id: int, email: str, name: str, password: str | None = None) -> User:
    """A new user of the partner with the role partner. Raises InvalidInput naming each wrong field."""
    partner = get_partner(session, partner_id)
    user = create_user(session, email=email, name=name, role=Role.PARTNER, password=password)
    let_in(session, partner_id=partner.id, user=user)
    return user


def let_in(session: Session, *, partner_id: int, user: User) -> None:
    """A user with the role partner acts for this partner from now on."""
    session.add(PartnerUser(user_id=user.id, partner_id=partner_id))
    session.flush()
    record(session, action="partner.user", subject="partner", subject_id=partner_id, after={"user_id": user.id})


def find_accounts(session: Session, names: Sequence[str]) -> tuple[list[int], list[str]]:
    """Our ids of the accounts with these ids or names, and the names that are no single account."""
    found: dict[str, list[int]] = {}
    for start in range(0, len(names), _AT_ONCE):
        part = [name.lower() for name in names[start:start + _AT_ONCE]]
        by_id, by_name = func.lower(Account.external_id), func.lower(Account.name)
        for row in session.execute(select(Account.id, by_id, by_name).where(or_(by_id.in_(part), by_name.in_(part)))):
            for name in {row[1], row[2]}:
                found.setdefault(name, []).append(row[0])
    single = {name: found[name.lower()][0] for name in names if len(found.get(name.lower(), ())) == 1}
    return list(dict.fromkeys(single.values())), [name for name in names if name not in single]


def assign_accounts(session: Session, *, partner_id: int, chosen: Select[int],
                    with_sites: bool = False) -> Assigned:
    """The partner looks after the accounts that `chosen` selects the ids of, and with `with_sites` after those that
    stand directly below them. Accounts of another partner move over; those that are the partner's already stay as they
    are. Every change stands on the account's timeline."""
    partner = get_partner(session, partner_id)
    if not partner.is_active:
        raise Refused(f"{partner.name} is not active: switch it on first")
    ids = chosen.scalar_subquery()
    wanted: ColumnElement[bool] = Account.id.in_(ids)
    if with_sites:
        wanted = or_(wanted, Account.parent_id.in_(ids))
    others = and_(PartnerAccount.account_id == Account.id, PartnerAccount.partner_id != partner_id)
    is_free = ~exists().where(PartnerAccount.account_id == Account.id)
    changing = list(session.scalars(select(Account.id).where(wanted, or_(is_free, exists().where(others)))))
    moved = 0
    for start in range(0, len(changing), _AT_ONCE):
        part = changing[start:start + _AT_ONCE]
        moved += session.execute(delete(PartnerAccount).where(PartnerAccount.account_id.in_(part))).rowcount  # type: ignore[attr-defined]
        stamp = {"partner_id": partner_id, "assigned_at": clock.now(), "assigned_by": actor().name[:200]}
        session.execute(insert(PartnerAccount), [{"account_id": account_id, **stamp} for account_id in part])
        _tell(session, part, f"{partner.name} looks after this account now", partner_id)
    if changing:
        record(session, action="partner.assign", subject="partner", subject_id=partner_id,
               after={"accounts": len(changing), "moved": moved, "first": changing[:50]})
    return Assigned(len(changing), moved)


def withdraw_accounts(session: Session, *, partner_id: int, account_ids: Sequence[int]) -> int:
    """The partner looks after them no more, and sees nothing of them from now on. Returns how many it were."""
    partner = get_partner(session, partner_id)
    own = and_(PartnerAccount.partner_id == partner_id, PartnerAccount.account_id.in_(account_ids))
    gone = list(session.scalars(select(PartnerAccount.account_id).where(own)))
    session.execute(delete(PartnerAccount).where(own))
    _tell(session, gone, f"{partner.name} does not look after this account any more", partner_id)
    record(session, action="partner.withdraw", subject="partner", subject_id=partner_id,
           after={"accounts": len(gone), "first": gone[:50]})
    return len(gone)


def _tell(session: Session, account_ids: Sequence[int], title: str, partner_id: int) -> None:
    row = select(Account.id, literal(clock.now(), AccountEvent.at.type), literal("partner"), literal(title[:300]),
                 literal(""), literal(actor().name[:200]), literal(f"/partners/{partner_id}"))
    columns = ["account_id", "at", "kind", "title", "text", "actor", "link"]
    session.execute(insert(AccountEvent).from_select(columns, row.where(Account.id.in_(account_ids))))


def give_tasks(session: Session, *, partner_id: int, task_ids: Sequence[int]) -> int:
    """Give open tasks to the partner. Raises Refused for a task of an account that the partner does not look after:
    it could not be seen there."""
    partner = get_partner(session, partner_id)
    fits = exists().where(PartnerAccount.account_id == Task.account_id, PartnerAccount.partner_id == partner_id)
    rows = session.execute(select(Task.id, Task.title, fits).where(Task.id.in_(task_ids), Task.state == "open")).all()
    strange = [title for _id, title, is_own in rows if not is_own]
    if strange:
        raise Refused(f"{partner.name} does not look after the account of: {'; '.join(strange[:5])}")
    given = [task_id for task_id, _title, _fits in rows]
    session.execute(delete(PartnerTask).where(PartnerTask.task_id.in_(given)))
    session.add_all(PartnerTask(task_id=task_id, partner_id=partner_id, given_at=clock.now(),
                                given_by=actor().name[:200]) for task_id in given)
    session.flush()
    record(session, action="partner.give_tasks", subject="partner", subject_id=partner_id, after={"tasks": given})
    return len(given)


def give_campaign_tasks(session: Session, *, origin_ids: Sequence[int]) -> None:
    """Give the open tasks that campaigns made for these deliveries to the active partners of their accounts; tasks of
    accounts without one stay their owners'. A repeat gives nothing twice."""
    fits = and_(PartnerAccount.account_id == Task.account_id, Partner.id == PartnerAccount.partner_id)
    rows = (select(Task.id, Partner.id, literal(clock.now(), PartnerTask.given_at.type), Task.created_by)
            .join(PartnerAccount, PartnerAccount.account_id == Task.account_id).join(Partner, fits)
            .where(Task.origin == "campaign", Task.origin_id.in_([str(one) for one in origin_ids]),
                   Task.state == "open", Partner.is_active, ~exists().where(PartnerTask.task_id == Task.id)))
    session.connection().execute(insert(PartnerTask).from_select(
        ["task_id", "partner_id", "given_at", "given_by"], rows))


def take_task_back(session: Session, *, task_id: int, reason: str = "") -> None:
    """The task is ours again; its owner sees why in its note."""
    held = session.get(PartnerTask, task_id)
    if held is None:
        return
    partner = get_partner(session, held.partner_id)
    session.delete(held)
    if reason:
        note = func.trim(Task.note + f"\n{partner.name} gave it back: {reason}", literal("\n", Task.note.type))
        session.execute(update(Task).where(Task.id == task_id).values(note=note))
    record(session, action="partner.task_back", subject="task", subject_id=task_id,
           after={"partner_id": partner.id, "reason": reason})
    session.flush()

