"""Keeping the library, taking up wishes, and sending a document: once, and never past the gate."""

from collections.abc import Mapping
from datetime import date, timedelta
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.audit.actions import actor, record
from abm.company.queries import company_today
from abm.contacts.models import Contact
from abm.materials.models import Material, MaterialRequest
from abm.materials.queries import get_material, get_request
from abm.web.fields import Fields
from abm.work.actions import create_task
from abm.work.forms import TaskValues
from abm.work.models import Task
from campaigns.gate import may_touch, record_touch
from campaigns.models import Event, Touch
from campaigns.outside import outside
from campaigns.verdict import Answer
from core import clock
from core.errors import InvalidInput, NotFound, Refused

PURPOSE = "service"
_TASK_DAYS = 2


def save_material(session: Session, *, form: Mapping[str, str], material_id: int | None = None) -> Material:
    """Add a document to the library, or change it. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    values = {"title": fields.text("title", missing="Say what it is.", longest=200),
              "product": fields.text("product", longest=200), "language": fields.text("language", longest=10).lower(),
              "url": fields.text("url", missing="Say where it is.", longest=1_000)}
    if values["url"] and (urlsplit(values["url"]).scheme not in ("http", "https") or " " in values["url"]):
        fields.errors["url"] = "An address that starts with https://"
    fields.finish()
    material = get_material(session, material_id) if material_id else Material(created_at=clock.now(), is_active=True)
    for name, value in values.items():
        setattr(material, name, value)
    session.add(material)
    session.flush()
    record(session, action="material.save", subject="material", subject_id=material.id, after=values)
    return material


def set_material_active(session: Session, *, material_id: int, is_active: bool) -> Material:
    """One that is not active is not offered any more."""
    material = get_material(session, material_id)
    material.is_active = is_active
    record(session, action="material.active", subject="material", subject_id=material_id,
           after={"is_active": is_active})
    return material


def take_up_wish(session: Session, *, contact_id: int, wish: str, event_id: int | None = None) -> MaterialRequest:
    """Somebody asked for material: by a reply (`event_id`; taken up again it is the same wish), a call, a visit, in
    person. Raises NotFound."""
    contact = session.get(Contact, contact_id)
    if contact is None:
        raise NotFound("There is no such person")
    if event_id is not None:
        known = session.scalar(select(MaterialRequest).where(MaterialRequest.event_id == event_id))
        if known is not None:
            return known
        event = session.get(Event, event_id)
        if event is None or event.contact_id != contact_id:
            raise NotFound("There is no such reply")
    made = MaterialRequest(account_id=contact.account_id, contact_id=contact_id, wish=wish[:10_000], event_id=event_id,
                           asked_at=clock.now(), asked_of=actor().name[:200], state="open")
    session.add(made)
    session.flush()
    record(session, action="material.ask", subject="material_request", subject_id=made.id)
    add_account_event(session, account_id=contact.account_id, contact_id=contact_id, kind="material", text=wish,
                      title="Asked for material", link="/materials")
    return made


def make_task(session: Session, *, request_id: int, owner_id: int | None) -> Task:
    """The wish becomes somebody's task, due in two days: a printed catalogue, a sample, a special answer."""
    request = _waiting(session, request_id)
    name = " ".join(part for part in (request.contact.first_name, request.contact.last_name) if part)
    task = create_task(session, origin="material", origin_id=str(request.id), values=TaskValues(
        title=f"Send material to {name or request.account.name}"[:300], kind="task", note=request.wish,
        due_on=company_today(session) + timedelta(days=_TASK_DAYS), owner_id=owner_id, account_id=request.account_id,
        contact_id=request.contact_id, script=""))
    request.state, request.task_id = "task", task.id
    session.flush()
    return task


def decline(session: Session, *, request_id: int, reason: str) -> MaterialRequest:
    """It is not sent. Raises InvalidInput without a reason."""
    request = _waiting(session, request_id)
    if not reason:
        raise InvalidInput("The wish stays open", {"reason": "Say why it is not sent."})
    request.state, request.reason = "declined", reason[:300]
    record(session, action="material.decline", subject="material_request", subject_id=request.id)
    session.flush()
    return request


def remind(session: Session, *, request: MaterialRequest, on: date, owner_id: int | None) -> Task:
    """A task to ask what became of what was sent."""
    title = f"Ask what they say to {request.material.title if request.material else 'the material'}"
    return create_task(session, values=TaskValues(
        title=title[:300], kind="task", note="", due_on=on, owner_id=owner_id, account_id=request.account_id,
        contact_id=request.contact_id, script=""))


def begin_sending(session: Session, *, request_id: int, material_id: int) -> MaterialRequest:
    """The last moment before a document leaves: asks the gate, takes the touch, and marks the wish, all in one
    transaction. A second call for the same person and document is refused, whoever makes it.

    Raises Refused with the gate's rule, for a person without an address, while all sending rests, and for a document
    that this person was sent already.
    """
    request, material = _waiting(session, request_id), get_material(session, material_id)
    if request.state == "sending":
        raise Refused("This is being sent, or was cut off while it was: settle it first")
    if outside().company.policy(session).is_sending_paused:
        raise Refused("All sending rests at present")
    if not request.contact.email:
        raise Refused("This person has no e-mail address: make a task of it")
    verdict = may_touch(session, account_id=request.account_id, contact_id=request.contact_id, channel="email",
                        purpose=PURPOSE, at=clock.now())
    if verdict.answer is not Answer.ALLOW:
        raise Refused(f"{'Not now' if verdict.answer is Answer.DEFER else 'Not to be written to'}: {verdict.detail}")
    _refuse_second(session, request, material)
    request.material_id, request.state, request.reason = material.id, "sending", ""
    request.sent_key = f"{request.contact_id}-{material.id}"
    record_touch(session, account_id=request.account_id, contact_id=request.contact_id, channel="email",
                 at=clock.now(), by_user_id=actor().user_id, note=_note_of(request))
    record(session, action="material.send", subject="material_request", subject_id=request.id,
           after={"material": material.title})
    session.flush()
    session.refresh(request, ["material"])
    return request


def _refuse_second(session: Session, request: MaterialRequest, material: Material) -> None:
    """The unique key holds it whatever happens at once; this says it in words."""
    twin = session.scalar(select(MaterialRequest).where(
        MaterialRequest.contact_id == request.contact_id, MaterialRequest.material_id == material.id,
        MaterialRequest.state.in_(("sending", "sent"))))
    if twin is not None:
        raise Refused(f"{material.title} was sent to this person already")


def settle_sending(session: Session, *, request_id: int, is_sent: bool, reason: str = "") -> MaterialRequest:
    """What became of it: sent, or refused by the mail server, which gives the touch back."""
    request = get_request(session, request_id)
    if request.state != "sending":
        return request
    if is_sent:
        request.state, request.sent_at = "sent", clock.now()
        title = request.material.title if request.material else "material"
        add_account_event(session, account_id=request.account_id, contact_id=request.contact_id, kind="material",
                          title=f"Sent as asked for: {title}", link="/materials")
    else:
        request.state, request.reason, request.sent_key = "failed", reason[:300], None
        touch = session.scalar(select(Touch).where(
            Touch.contact_id == request.contact_id, Touch.note == _note_of(request)).order_by(Touch.id.desc()))
        if touch is not None:
            session.delete(touch)
    record(session, action="material.sent" if is_sent else "material.failed", subject="material_request",
           subject_id=request.id)
    session.flush()
    return request


def _note_of(request: MaterialRequest) -> str:
    return f"Material asked for, wish {request.id}"


def _waiting(session: Session, request_id: int) -> MaterialRequest:
    request = get_request(session, request_id)
    if request.state in ("sent", "declined"):
        raise Refused(f"This wish is {request.state} already")
    return request
