"""What sales says to a list: vetoes with a reason and a last day, and the sign-off that a change of the rules voids."""

from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.models import Account
from abm.audit.actions import actor, record
from abm.company.queries import company_today
from abm.targets.agreement_queries import find_active_veto
from abm.targets.membership import count_members, put_in, take_out
from abm.targets.models import ListMember, ListSignOff, ListVeto, TargetList
from abm.targets.refreshing import bring_up_to_date, spread_changes
from core import clock
from core.errors import InvalidInput, NotFound, Refused

LONGEST_REASON, LONGEST_NOTE = 500, 500


def set_veto(session: Session, *, row: TargetList, account: Account, reason: str, until: date | None) -> ListVeto:
    """Keep the account out of the list up to and including `until`; a veto that stands is replaced.

    Raises InvalidInput with the fields reason and until.
    """
    wrong = _complaints(reason.strip(), until, company_today(session))
    if wrong or until is None:
        raise InvalidInput("; ".join(wrong.values()), wrong)
    former, member = find_active_veto(session, list_id=row.id, account_id=account.id), (row.id, account.id)
    was_member = session.get(ListMember, member) is not None or bool(former and former.was_member)
    if former is not None:
        former.ended_at, former.ended_by = clock.now(), actor().name
        session.flush()
    veto = ListVeto(list_id=row.id, account_id=account.id, reason=reason.strip(), until_on=until, was_member=was_member,
                    by_id=actor().user_id, by_name=actor().name, created_at=clock.now())
    session.add(veto)
    session.flush()
    take_out(session, row, [account.id], how="veto")
    _settle(session, row)
    _tell(session, row, account, "list.veto", f"Vetoed for the list {row.title} until {until.isoformat()}",
          {"reason": veto.reason, "until": until.isoformat()})
    return veto


def _complaints(reason: str, until: date | None, today: date) -> dict[str, str]:
    wrong = {}
    if not reason or len(reason) > LONGEST_REASON or "\x00" in reason:
        wrong["reason"] = f"Say why in at most {LONGEST_REASON} letters."
    if until is None or until < today:
        wrong["until"] = "Give the last day of the veto, today or later, as 2026-12-31."
    elif (until - today).days > 3 * 366:
        wrong["until"] = "A veto holds for at most three years; give an earlier day."
    return wrong


def lift_veto(session: Session, *, row: TargetList, account: Account) -> ListVeto:
    """End the veto now; the account is in the list again if it belongs there. Raises NotFound."""
    veto = find_active_veto(session, list_id=row.id, account_id=account.id)
    if veto is None:
        raise NotFound(f"No veto keeps {account.name} out of the list {row.title}")
    _end(session, row, veto, by=actor().name)
    _tell(session, row, account, "list.veto_lifted", f"Veto for the list {row.title} lifted", {"reason": veto.reason})
    return veto


def _end(session: Session, row: TargetList, veto: ListVeto, *, by: str) -> None:
    veto.ended_at, veto.ended_by = clock.now(), by
    session.flush()
    is_in = session.get(ListMember, (row.id, veto.account_id)) is not None
    if row.kind == "static" and veto.was_member and not is_in:
        put_in(session, row, [veto.account_id])
    _settle(session, row)


def _settle(session: Session, row: TargetList) -> None:
    if row.kind == "dynamic":
        spread_changes(session)
        bring_up_to_date(session, row)
    row.member_count = count_members(session, row)
    session.flush()


def end_past_vetoes(session: Session) -> int:
    """End the vetoes whose last day is over; returns how many."""
    past = select(ListVeto).where(ListVeto.ended_at.is_(None), ListVeto.until_on < company_today(session))
    vetoes = session.scalars(past.order_by(ListVeto.list_id, ListVeto.id)).all()
    for veto in vetoes:
        _end(session, session.get_one(TargetList, veto.list_id), veto, by="its last day is over")
    return len(vetoes)


def _tell(session: Session, row: TargetList, account: Account, action: str, title: str, after: dict[str, Any]) -> None:
    """On the account's timeline and in the audit log."""
    add_account_event(session, account_id=account.id, kind="list", title=title, text=str(after.get("reason", "")),
                      link=f"/lists/{row.name}")
    record(session, action=action, subject="list", subject_id=row.name,
           after={"account_id": account.external_id, **after})



def sign_off(session: Session, *, row: TargetList, note: str = "", by: tuple[int | None, str] | None = None
             ) -> ListSignOff:
    """Agree to the list as it is now. `by`: (id, name) of who does, when it is not who acts. Raises Refused."""
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise InvalidInput("The note is too long", {"note": f"Write at most {LONGEST_NOTE} letters."})
    if row.member_count == 0:
        raise Refused(f"The list {row.title} is empty; there is nothing to agree to")
    void_sign_offs(session, row, reason="signed off anew")
    user_id, name = by or (actor().user_id, actor().name)
    signed = ListSignOff(list_id=row.id, accounts=row.member_count, note=note.strip(), by_id=user_id, by_name=name,
                         signed_at=clock.now())
    session.add(signed)
    session.flush()
    record(session, action="list.sign_off", subject="list", subject_id=row.name,
           after={"by": name, "accounts": row.member_count, "note": signed.note})
    return signed


def void_sign_offs(session: Session, row: TargetList, *, reason: str) -> int:
    """The rules (or the accounts chosen by hand) are others now: nobody has agreed to them."""
    voided = update(ListSignOff).where(ListSignOff.list_id == row.id, ListSignOff.voided_at.is_(None))
    return session.connection().execute(voided.values(voided_at=clock.now(), void_reason=reason[:300])).rowcount
