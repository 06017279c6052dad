"""Answers of people as something to do: read it, write back."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.company.queries import company_today
from abm.contacts.models import Contact
from abm.work.models import Task
from campaigns.outside import Answer
from core import clock

REPLY = "reply"


def ask_to_answer(session: Session, *, answer: Answer) -> None:
    """An open task of the account's owner, due today, with what was written. Who writes again before anybody has
    answered adds to the same task, so that one conversation is one thing to do. Who was erased is not written to."""
    if session.get(Contact, answer.contact_id) is None:
        return
    task = session.scalar(select(Task).where(Task.contact_id == answer.contact_id, Task.origin == REPLY,
                                             Task.state == "open").order_by(Task.id.desc()).limit(1))
    if task is not None:
        task.note = f"{answer.text}\n\n{task.note}".strip()
        return
    session.add(Task(
        title=f"Answer the reply to {answer.campaign_title}: {answer.step}"[:300], note=answer.text,
        account_id=answer.account_id, contact_id=answer.contact_id, due_on=company_today(session), origin=REPLY,
        owner_id=session.scalar(select(Account.owner_id).where(Account.id == answer.account_id)),
        origin_id=str(answer.event_id), created_by=answer.campaign_title[:200], created_at=clock.now(),
        extra={"link": f"/campaigns/{answer.campaign_id}/messages/{answer.delivery_id}"}))
    session.flush()
