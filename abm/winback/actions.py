"""Looking after a case: cause, owner, offer, and letting go."""

from typing import Any

from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.audit.actions import record
from abm.company.queries import company_today
from abm.offers.actions import grant_offers
from abm.offers.kinds import CAUSES
from abm.offers.queries import list_fitting_offers
from abm.users.queries import get_user
from abm.winback.detection import detect_lapses
from abm.winback.models import Case
from abm.winback.queries import CASE_LINK, get_case
from core import clock
from core.errors import InvalidInput, Refused

__all__ = ["assign_case", "choose_offer", "detect_lapses", "give_code", "let_go_case", "note_case", "set_cause"]


def set_cause(session: Session, *, case_id: int, cause: str, note: str = "") -> Case:
    """Say why the account was lost. Raises InvalidInput for a cause that is not one of the known words."""
    case = _unclosed(session, case_id)
    if cause not in CAUSES:
        raise InvalidInput("The cause was not saved", {"cause": "Choose the cause of the loss."})
    if cause == "other" and not note:
        raise InvalidInput("The cause was not saved", {"cause_note": "Say in a few words what it was."})
    _change(session, case, "winback.cause", f"Cause of loss: {CAUSES[cause].lower()}", note,
            cause=cause, cause_note=note)
    return case


def assign_case(session: Session, *, case_id: int, owner_id: int) -> Case:
    """Make somebody the case's owner."""
    case, owner = _unclosed(session, case_id), get_user(session, owner_id)
    _change(session, case, "winback.assign", f"{owner.name} looks after the win-back", owner_id=owner.id)
    return case


def choose_offer(session: Session, *, case_id: int, offer_id: int) -> Case:
    """Decide what the account will be offered; nothing is promised until a campaign or a call says it.

    Raises InvalidInput when the offer does not fit the cause, is not on today or has reached its limit.
    """
    case = _unclosed(session, case_id)
    fitting = {offer.id: offer for offer in list_fitting_offers(
        session, cause=case.cause, on_day=company_today(session))}
    if offer_id not in fitting:
        raise InvalidInput("The offer was not chosen", {
            "offer_id": "Choose an offer that fits the cause, is valid today and has something left of its limit."})
    offer = fitting[offer_id]
    _change(session, case, "winback.offer", f"Offer chosen: {offer.title}", offer_id=offer.id, state="offered")
    return case


def give_code(session: Session, *, case_id: int) -> dict[str, Any]:
    """The code of the chosen offer for this account, to be said on the telephone: code, title, valid_until.

    Raises Refused when no offer is chosen or it cannot be given any more.
    """
    case = _unclosed(session, case_id)
    offers = {offer.id: offer for offer in list_fitting_offers(
        session, cause=case.cause, on_day=company_today(session))}
    offer = offers.get(case.offer_id or 0)
    granted = grant_offers(session, offer_name=offer.name, recipients=[(0, case.account_id)]) if offer else {}
    if not granted:
        raise Refused("The offer cannot be given: choose one that is valid today and has something left of its limit")
    _write_line(session, case, f"Code given by hand: {granted[0]['code']}", granted[0]["title"])
    record(session, action="winback.give_code", subject="case", subject_id=case.id, after={"offer_id": case.offer_id})
    return granted[0]


def let_go_case(session: Session, *, case_id: int, reason: str) -> Case:
    """Close a case without the account; it gets no new one until it orders again.

    Raises InvalidInput without a reason."""
    case = _unclosed(session, case_id)
    if not reason:
        raise InvalidInput("The case was not closed", {"reason": "Say why the account is let go."})
    _change(session, case, "winback.let_go", "Let go", reason, state="let_go", closed_at=clock.now())
    return case


def note_case(session: Session, *, case_id: int, text: str) -> Case:
    """Write a line into the case's log. Raises InvalidInput for an empty one."""
    case = get_case(session, case_id)
    if not text:
        raise InvalidInput("The note was not saved", {"text": "Write the note first."})
    _write_line(session, case, "Note", text)
    record(session, action="winback.note", subject="case", subject_id=case.id)
    return case


def _unclosed(session: Session, case_id: int) -> Case:
    case = get_case(session, case_id)
    if case.closed_at is not None:
        raise Refused("This case is closed: it cannot be changed any more")
    return case


def _change(session: Session, case: Case, action: str, title: str, text: str = "", **values: Any) -> None:
    before = {name: _plain(getattr(case, name)) for name in values}
    for name, value in values.items():
        setattr(case, name, value)
    _write_line(session, case, title, text)
    record(session, action=action, subject="case", subject_id=case.id, before=before,
           after={name: _plain(value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str) else str(value)


def _write_line(session: Session, case: Case, title: str, text: str = "") -> None:
    """A line of the account's timeline whose link makes it a line of the case's log, too."""
    add_account_event(session, account_id=case.account_id, kind="winback", title=title, text=text,
                      link=f"{CASE_LINK}{case.id}")
