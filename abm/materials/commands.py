"""`abm materials`: the library, and who waits for what."""

import click
from sqlalchemy import select

from abm.contacts.models import Contact
from abm.materials.actions import begin_sending, save_material, take_up_wish
from abm.materials.queries import list_materials, list_requests
from abm.materials.sending import carry_out, make_message, usual_words
from abm.outreach.trials import Trial
from abm.web.terminal import answer
from core import db
from core.errors import InvalidInput, NotFound, Refused


@click.group()
def materials() -> None:
    """Documents that people ask for."""


@materials.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def list_(as_json: bool) -> None:
    """The library."""
    with db.reading() as session:
        rows = [{"id": one.id, "title": one.title, "product": one.product, "language": one.language, "url": one.url,
                 "is_active": one.is_active} for one in list_materials(session)]
    answer({"materials": rows}, as_json=as_json, text="\n".join(
        f"{row['id']:>5}  {row['title']}  {row['language'] or '–'}  {row['url']}" for row in rows))


@materials.command()
@click.argument("title")
@click.argument("url")
@click.option("--product", default="")
@click.option("--language", default="")
@click.option("--json", "as_json", is_flag=True)
def add(title: str, url: str, product: str, language: str, as_json: bool) -> None:
    """Add a document at URL to the library."""
    form = {"title": title, "url": url, "product": product, "language": language}
    try:
        with db.transaction() as session:
            made = {"id": save_material(session, form=form).id, "title": title}
    except InvalidInput as error:
        raise InvalidInput(f"{error}: {' '.join(error.fields.values())}") from error
    answer(made, as_json=as_json, text=f"{title} is number {made['id']}")


@materials.command()
@click.option("--json", "as_json", is_flag=True)
def waiting(as_json: bool) -> None:
    """Wishes that are not settled."""
    with db.reading() as session:
        rows = [{"id": one.id, "account": one.account.name, "contact_id": one.contact.external_id, "wish": one.wish,
                 "state": one.state, "asked_at": one.asked_at} for one in list_requests(session, is_waiting=True)]
    answer({"waiting": rows}, as_json=as_json, text="\n".join(
        f"{row['id']:>5}  {row['account']}  {row['state']}  {row['wish']}" for row in rows))


@materials.command()
@click.argument("contact_id")
@click.argument("material_id", type=int)
@click.option("--reply-to", required=True, help="Who gets the answers.")
@click.option("--words", default="", help="What is written around it; {link} is where it stands.")
@click.option("--json", "as_json", is_flag=True)
def send(contact_id: str, material_id: int, reply_to: str, words: str, as_json: bool) -> None:
    """Send a document to the person CONTACT_ID who asked for it; each once, and only as the gate allows."""
    number, trial = _begin(contact_id, material_id, reply_to, words)
    wrong = carry_out(number, trial)
    if wrong:
        raise Refused(wrong)
    answer({"id": number, "sent_to": trial.address}, as_json=as_json, text=f"Sent to {trial.address}")


def _begin(contact_id: str, material_id: int, reply_to: str, words: str) -> tuple[int, Trial]:
    with db.transaction() as session:
        contact = session.scalar(select(Contact).where(Contact.external_id == contact_id))
        if contact is None:
            raise NotFound(f"There is no person {contact_id}")
        asked = take_up_wish(session, contact_id=contact.id, wish="")
        found = begin_sending(session, request_id=asked.id, material_id=material_id)
        text = words or usual_words(found, by=reply_to)
        return found.id, make_message(session, found, words=text, reply_to=reply_to)
