"""The print queue: made at the hand-over, printed as one file, posted, or taken back while there is time."""

import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from abm.accounts.models import Account
from abm.company.actions import set_company_value
from abm.contacts.models import Contact
from abm.outreach.postal import address_lines
from campaigns import letters
from campaigns.dispatch import drain
from campaigns.keys import address_key
from campaigns.letter_pages import make_pdf
from campaigns.models import Campaign, Delivery, Letter, LetterBatch, Suppression
from core import clock
from core.db import reading, transaction
from core.errors import Refused
from tests.outbox_factory import deliveries, running_campaign
from tests.pdf_reading import read_pages

STEP = {"id": "letter", "channel": "letter", "subject": "To {{ account.name }}",
        "body": "Dear {{ contact.first_name }},\n\nwe wrote **this** for you -- and __only__ you: Žluťoučký, Київ."}


@pytest.fixture
def queue(engine_side: Path) -> None:
    """Three letters that wait."""
    running_campaign(3, step=STEP)
    with transaction() as session:
        for account in session.scalars(select(Account)):
            account.city, account.country = "Lyon", "FR"
            account.custom = {"Street": "1 rue du Test", "postcode": "69001"}
    drain()


def printed() -> tuple[int, bytes]:
    with transaction() as session:
        batch = letters.make_batch(session, made_by="Pat")
        found = letters.list_letters(session, batch.id)
        return batch.id, make_pdf(found, printed_at=batch.made_at)


def test_a_letter_keeps_its_words_and_address_as_they_were(queue: None) -> None:
    with reading() as session:
        one = session.scalars(select(Letter).order_by(Letter.id)).first()
        assert one is not None
        assert (one.subject, one.body.splitlines()[0]) == ("To Account 1", "Dear Jane1,")
        assert one.address == ["Account 1", "Jane1 Doe", "1 rue du Test", "69001 Lyon", "FRANCE"]
        assert one.sender == ["Sales", "1 Street", "Town"]
        assert one.language == ""


def test_a_letter_knows_the_language_of_its_words(engine_side: Path) -> None:
    running_campaign(2, step={**STEP, "languages": {"de": {"subject": "Für Sie", "body": "Guten Tag"}}})
    with transaction() as session:
        session.execute(update(Account).values(city="Graz", custom={"street": "Weg 1"}))
        session.execute(update(Contact).where(Contact.first_name == "Jane1").values(language="de-AT"))
    drain()
    with reading() as session:
        found = session.execute(select(Letter.subject, Letter.language).order_by(Letter.id)).all()
    assert [tuple(row) for row in found] == [("Für Sie", "de"), ("To Account 0", "")]


def test_a_batch_is_one_file_with_a_page_for_each_letter(queue: None) -> None:
    _batch, content = printed()
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") == 3
    with reading() as session:
        assert letters.count_waiting(session) == 0


def test_printing_a_batch_again_gives_the_same_bytes(queue: None) -> None:
    batch_id, content = printed()
    with reading() as session:
        batch = session.get_one(LetterBatch, batch_id)
        assert make_pdf(letters.list_letters(session, batch_id), printed_at=batch.made_at) == content


def test_the_address_stands_in_the_window_of_the_envelope(queue: None) -> None:
    """Read from the page's own drawing commands: 20 mm from the left, between 45 and 90 mm from the top of A4."""
    _batch, content = printed()
    page = content[content.index(b"stream") + 7:]
    drawn = zlib.decompressobj().decompress(page).decode("latin-1")
    placed = re.findall(r"([\d.]+) ([\d.]+) Td", drawn)
    spots = [(float(across) * 25.4 / 72, 297 - float(up) * 25.4 / 72) for across, up in placed]
    in_window = [spot for spot in spots if 20 <= spot[0] <= 105 and 45 <= spot[1] <= 90]
    assert len(in_window) >= 6


GREETING = "Mit freundlichen Grüßen\n\n\n\nRobert König"


def make_letter(body: str, **more: Any) -> Letter:
    return Letter(address=["Łąka & Söhne", "Žofie Côté"], sender=["Contoso"], subject="Ein Platz für Sie", body=body,
                  **more)


def test_a_letter_is_dated_in_its_own_language_on_the_companys_day(queue: None) -> None:
    with transaction() as session:
        set_company_value(session, name="timezone", value="Pacific/Auckland")
        batch = letters.make_batch(session, made_by="Pat")
        batch.made_at = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
        session.scalars(select(Letter).order_by(Letter.id)).all()[0].language = "de"
        session.flush()
        pages = read_pages(letters.print_batch(session, batch))
    dates = [[line.text for line in page if "2026" in line.text] for page in pages]
    assert dates == [["28. November 2026"], ["28 November 2026"], ["28 November 2026"]]


def test_in_north_america_letters_fit_its_paper_and_the_window_of_its_envelopes(queue: None) -> None:
    with transaction() as session:
        set_company_value(session, name="country", value="US")
        content = letters.print_batch(session, letters.make_batch(session, made_by="Pat"))
    assert b"/MediaBox [0 0 612.00 792.00]" in content
    address = [line for line in read_pages(content, height=279.4)[0] if line.text in ("Jane1 Doe", "1 rue du Test")]
    assert [65 < line.down < 80.4 and line.across > 22.2 for line in address] == [True, True]


def test_letters_of_all_of_europe_are_printed_as_they_were_written() -> None:
    words = "Žluťoučký kůň, zażółć gęślą jaźń, œuvre à Noël, Größe, Київ, Ελλάς"
    (page,) = read_pages(make_pdf([make_letter(words)], printed_at=clock.now()))
    assert [line.text for line in page if line.down > 110] == [words]
    assert [line.text for line in page if 50 < line.down < 65] == ["Łąka & Söhne", "Žofie Côté"]


def test_address_subject_and_body_begin_below_each_other() -> None:
    (page,) = read_pages(make_pdf([make_letter("Hallo")], printed_at=clock.now()))
    assert {round(line.across, 1) for line in page if "20" not in line.text} == {25.0}


@pytest.mark.parametrize("length", range(20, 40))
def test_no_page_bears_a_signature_alone(length: int) -> None:
    body = "\n\n".join([*(f"Absatz {number}" for number in range(length)), GREETING])
    pages = read_pages(make_pdf([make_letter(body)], printed_at=clock.now()))
    assert [line.text for line in pages[-1]][-3:] == [f"Absatz {length - 1}", "Mit freundlichen Grüßen", "Robert König"]
    assert all(line.down < 272 for page in pages for line in page)


def test_there_is_room_to_sign_by_hand() -> None:
    (page,) = read_pages(make_pdf([make_letter("Hallo\n\n" + GREETING)], printed_at=clock.now()))
    greeting, name = page[-2:]
    assert name.down - greeting.down > 15


def test_posting_ends_the_steps_once(queue: None) -> None:
    batch_id, _content = printed()
    assert [row.reason for row in deliveries()] == [None] * 3
    with transaction() as session:
        assert letters.mark_posted(session, batch_id=batch_id, by="Pat") == 3
        assert letters.mark_posted(session, batch_id=batch_id, by="Pat") == 0
    assert [(row.state, row.reason, row.ended_at is not None) for row in deliveries()] == [
        ("sent", "letter_posted", True)] * 3


def test_nothing_to_print_is_refused(queue: None) -> None:
    printed()
    with transaction() as session, pytest.raises(Refused):
        letters.make_batch(session, made_by="Pat")


def test_who_was_suppressed_after_the_hand_over_is_not_printed(queue: None) -> None:
    with transaction() as session:
        session.add(Suppression(scope="address", key=address_key("jane2@example.com"), reason="unsubscribed",
                                created_at=clock.now()))
    batch_id, _content = printed()
    with reading() as session:
        assert len(letters.list_letters(session, batch_id)) == 2
    assert [row.reason for row in deliveries()] == [None, "letter_taken_back", None]


def test_a_cancelled_campaign_takes_its_letters_back(queue: None) -> None:
    from campaigns import editing

    with transaction() as session:
        editing.cancel(session, campaign=session.scalars(select(Campaign)).one())
        assert letters.take_back_unwanted(session) == 3
        assert letters.count_waiting(session) == 0


def test_one_letter_can_be_taken_back_until_it_is_printed(queue: None) -> None:
    with transaction() as session:
        first, second, _third = session.scalars(select(Letter).order_by(Letter.id))
        letters.take_back(session, letter_id=first.id)
        letters.make_batch(session, made_by="Pat")
        with pytest.raises(Refused):
            letters.take_back(session, letter_id=second.id)
        assert session.get_one(Delivery, first.delivery_id).reason == "letter_taken_back"


@pytest.mark.parametrize(
    ("custom", "place", "expected"),
    [
        ({"street": "Weg 1", "postcode": "10115"}, {"city": "Berlin", "region": "", "country": "DE"},
         ("Firm", "Jo Doe", "Weg 1", "10115 Berlin")),
        ({"Address": "1 Road", "ZIP": "02139"}, {"city": "Cambridge", "region": "MA", "country": "US"},
         ("Firm", "Jo Doe", "1 Road", "Cambridge MA 02139", "UNITED STATES")),
        ({"street": "1 Road\nUnit 2", "city": "Leeds"}, {"city": "", "region": "", "country": ""},
         ("Firm", "Jo Doe", "1 Road", "Unit 2", "Leeds")),
        ({"postcode": "10115"}, {"city": "Berlin", "region": "", "country": "DE"}, ()),
        ({"street": "Weg 1"}, {"city": "", "region": "", "country": "DE"}, ()),
    ],
)
def test_an_address_block_reads_as_the_post_expects(
    custom: dict[str, str], place: dict[str, str], expected: tuple[str, ...]
) -> None:
    assert address_lines("Jo Doe", "Firm", custom, place, home="DE") == expected


def test_what_would_be_boxes_on_paper_is_named_in_the_queue(queue: None, client_as: Callable[..., Any]) -> None:
    client = client_as("sales")
    assert "typeface" not in client.get("/letters").text
    with transaction() as session:
        one = session.scalars(select(Letter).order_by(Letter.id)).first()
        assert one is not None
        one.address = ["\u5317\u4eac Ltd", "Žofie Łoś", *one.address[2:]]
    page = client.get("/letters").text
    assert "Our typeface lacks \u4eac\u5317: it would print boxes there." in page
    assert page.count("Our typeface") == 1


def test_the_queue_is_worked_off_in_the_browser(queue: None, client_as: Callable[..., Any]) -> None:
    client = client_as("sales")
    page = client.get("/letters").text
    assert ("Print 3 letters" in page, "1 rue du Test" in page) == (True, True)
    assert client.post("/letters/print").status_code == 302
    with reading() as session:
        batch_id = session.scalars(select(LetterBatch.id)).one()
    pdf = client.get(f"/letters/batches/{batch_id}.pdf")
    assert (pdf.mimetype, pdf.data[:5]) == ("application/pdf", b"%PDF-")
    assert client.post(f"/letters/batches/{batch_id}/posted").status_code == 302
    assert "by" in client.get("/letters").text
    assert client_as("viewer").post("/letters/print").status_code == 403
