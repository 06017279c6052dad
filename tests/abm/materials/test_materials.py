"""People ask for material: a wish is taken up once, a document leaves once, and never past the gate."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from sqlalchemy import select

from abm.accounts.models import Account
from abm.cli import main
from abm.materials.actions import begin_sending, save_material, take_up_wish
from abm.materials.asking import find_wish
from abm.materials.models import Material, MaterialRequest
from abm.materials.queries import list_fitting, list_wishes
from abm.work.models import Task
from campaigns.models import Event, SendingIdentity, Touch
from core import clock, db
from core.errors import Refused
from core.settings import settings
from tests.factories import make_account, make_contact

NOON = datetime(2026, 6, 12, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _friday(at: Callable[[datetime], None]) -> None:
    at(NOON)


@pytest.fixture
def asked(app: Any) -> dict[str, int]:
    """Jane asked for the catalogue; the library has one, and there is a sender."""
    with db.transaction() as session:
        jane = make_contact(session, make_account(session, name="Alfreds"), first_name="Jane", last_name="Ask",
                            email="jane@alfreds.example.com")
        material = Material(title="Catalogue 2026", url="https://example.com/c.pdf", created_at=NOON)
        session.add_all([material, SendingIdentity(name="Sales desk", email="sales@example.com", domain="example.com",
                                                   created_at=NOON, updated_at=NOON)])
        made = take_up_wish(session, contact_id=jane.id, wish="Please send your catalogue")
        session.flush()
        return {"wish": made.id, "material": material.id, "contact": jane.id, "account": jane.account_id}


def wish(number: int) -> MaterialRequest:
    with db.reading() as session:
        found = session.get_one(MaterialRequest, number)
        session.expunge_all()
        return found


def sent() -> list[Any]:
    return [message_from_bytes(path.read_bytes(), policy=policy.default)
            for path in sorted(settings().outbox_dir.glob("**/*.eml"))]


def send(client: Any, asked: dict[str, int], **more: Any) -> Any:
    return client.post(f"/materials/requests/{asked['wish']}/send", data={
        "material_id": asked["material"], "words": "Hello Jane,\n\n{link}\n\nBye", **more})


def test_one_click_sends_the_document_and_answers_go_to_the_seller(client_as: Any, asked: dict[str, int]) -> None:
    client = client_as("sales")
    send(client, asked)
    (message,) = sent()
    assert message["To"] == "jane@alfreds.example.com"
    assert message["Subject"] == "Catalogue 2026"
    assert "https://example.com/c.pdf" in message.get_content()
    assert message["Reply-To"].startswith("user")
    assert (wish(asked["wish"]).state, wish(asked["wish"]).sent_at) == ("sent", NOON)


def test_it_counts_as_a_touch_and_stands_on_the_timeline(client_as: Any, asked: dict[str, int]) -> None:
    client = client_as("sales")
    send(client, asked)
    with db.reading() as session:
        assert session.scalars(select(Touch.channel).where(Touch.contact_id == asked["contact"])).all() == ["email"]
    assert "Sent as asked for: Catalogue 2026" in client.get(f"/accounts/{asked['account']}/timeline").text


def test_the_same_document_never_leaves_a_second_time(client_as: Any, asked: dict[str, int]) -> None:
    client = client_as("sales")
    send(client, asked)
    with db.transaction() as session:
        again = take_up_wish(session, contact_id=asked["contact"], wish="Once more").id
    assert send(client, {**asked, "wish": again}).status_code == 409
    assert send(client, asked).status_code == 409
    assert len(sent()) == 1


def test_the_database_itself_refuses_a_second_sending(session: Any) -> None:
    from sqlalchemy.exc import IntegrityError

    jane = make_contact(session)
    session.add(material := Material(title="C", url="https://example.com", created_at=NOON))
    session.flush()
    row = {"account_id": jane.account_id, "contact_id": jane.id, "material_id": material.id, "asked_at": NOON,
           "sent_key": "1-1"}
    session.add_all([MaterialRequest(**row, state="sent"), MaterialRequest(**row, state="sending")])
    with pytest.raises(IntegrityError):
        session.flush()


def test_nobody_is_written_to_whom_the_gate_keeps_back(client_as: Any, asked: dict[str, int]) -> None:
    main(["suppress", "jane@alfreds.example.com", "--reason", "opted_out"])
    answer = send(client_as("sales"), asked)
    assert answer.status_code == 409
    assert (sent(), wish(asked["wish"]).state) == ([], "open")


def test_what_was_cut_off_is_in_doubt_until_a_person_settles_it(client_as: Any, asked: dict[str, int]) -> None:
    with db.transaction() as session:
        begin_sending(session, request_id=asked["wish"], material_id=asked["material"])
    client = client_as("sales")
    assert send(client, asked).status_code == 409
    assert "It is not sent again by itself" in client.get(f"/materials/requests/{asked['wish']}").text
    client.post(f"/materials/requests/{asked['wish']}/settle", data={"is_sent": "no"})
    assert wish(asked["wish"]).state == "failed"
    with db.reading() as session:
        assert session.scalar(select(Touch.id)) is None


def test_a_reminder_is_made_with_it(client_as: Any, asked: dict[str, int]) -> None:
    client = client_as("sales")
    send(client, asked, remind="yes")
    with db.reading() as session:
        task = session.scalars(select(Task)).one()
        assert (task.title, task.due_on, task.owner_id) == (
            "Ask what they say to Catalogue 2026", (NOON + timedelta(days=7)).date(), client.user_id)


def test_a_wish_becomes_a_task_with_its_words(client_as: Any, asked: dict[str, int]) -> None:
    client_as("sales").post(f"/materials/requests/{asked['wish']}/task")
    with db.reading() as session:
        task = session.scalars(select(Task)).one()
        assert (task.title, task.note) == ("Send material to Jane Ask", "Please send your catalogue")
    assert wish(asked["wish"]).state == "task"


def test_a_declined_wish_says_why(client_as: Any, asked: dict[str, int]) -> None:
    client = client_as("sales")
    address = f"/materials/requests/{asked['wish']}/decline"
    assert client.post(address, data={"reason": ""}).status_code == 422
    client.post(address, data={"reason": "A competitor"})
    assert (wish(asked["wish"]).state, wish(asked["wish"]).reason) == ("declined", "A competitor")


@pytest.mark.parametrize(("text", "words"), [
    ("Could you send me the data sheet?", "data sheet"), ("Bitte schicken Sie mir den Katalog.", "Katalog"),
    ("Пришлите прайс", "прайс"), ("We are not interested", ""), ("", "")])
def test_words_that_ask_for_material_are_found(text: str, words: str) -> None:
    assert find_wish(text) == words


def test_a_reply_that_asks_is_taken_up_once(app: Any, client_as: Any) -> None:
    with db.transaction() as session:
        jane = make_contact(session)
        session.add(event := Event(event_key="r1", account_id=jane.account_id, contact_id=jane.id, kind="reply",
                                   text="Please send a brochure", at=NOON))
        session.flush()
    client = client_as("sales")
    assert "brochure" in client.get("/materials").text
    for _ in range(2):
        client.post("/materials/requests", data={"contact_id": jane.id, "event_id": event.id, "wish": "A brochure"})
    with db.reading() as session:
        assert session.scalars(select(MaterialRequest.event_id)).all() == [event.id]
        assert list_wishes(session) == []


def test_documents_in_the_persons_language_come_first(session: Any) -> None:
    for title, language in (("A", "en"), ("B", "de"), ("C", "")):
        session.add(Material(title=title, language=language, url="https://example.com", created_at=NOON))
    session.flush()
    assert [one.title for one in list_fitting(session, make_contact(session, language="de"))] == ["B", "C", "A"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x", "nothing"])
def test_an_address_that_is_no_page_is_refused(client_as: Any, url: str) -> None:
    assert client_as("marketer").post("/materials/library", data={"title": "X", "url": url}).status_code == 422


def test_the_desk_and_the_accounts_page_offer_it(client_as: Any, asked: dict[str, int]) -> None:
    with db.transaction() as session:
        session.add(task := Task(kind="call", title="Call", account_id=asked["account"], created_at=clock.now()))
        session.flush()
    client = client_as("sales")
    assert "Please send your catalogue" in client.get(f"/calls/{task.id}").text
    assert "Please send your catalogue" in client.get(f"/accounts/{asked['account']}/outreach").text


def test_the_desk_offers_it_to_whom_the_call_is(client_as: Any, asked: dict[str, int]) -> None:
    with db.transaction() as session:
        account = session.get_one(Account, asked["account"])
        first, called = make_contact(session, account, last_name="Aa"), make_contact(session, account, last_name="Zz")
        session.add(task := Task(kind="call", title="Call", account_id=account.id, contact_id=called.id,
                                 created_at=clock.now()))
        session.flush()
    page = client_as("sales").get(f"/calls/{task.id}").text
    assert f'<option value="{called.id}" selected>' in page
    assert f'<option value="{first.id}">' in page


def test_commands_add_a_document_and_send_it_once(app: Any, asked: dict[str, int], capsys: Any) -> None:
    with db.reading() as session:
        from abm.contacts.models import Contact

        number = session.get_one(Contact, asked["contact"]).external_id
    assert main(["materials", "add", "Price list", "https://example.com/p.pdf"]) == 0
    words = ["materials", "send", number, str(asked["material"] + 1), "--reply-to", "me@example.com"]
    assert (main(words), main(words)) == (0, 2)
    assert [message["Subject"] for message in sent()] == ["Price list"]
    assert "was sent to this person already" in capsys.readouterr().err


def test_saving_keeps_what_is_said(session: Any) -> None:
    made = save_material(session, form={"title": "Kit", "url": "https://example.com/k", "language": "DE"})
    assert (made.language, made.product) == ("de", "")
    with pytest.raises(Refused):
        begin_sending(session, material_id=made.id,
                      request_id=take_up_wish(session, contact_id=make_contact(session, email=None).id, wish="").id)
