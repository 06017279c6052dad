"""The dossier as people write it: relationship, texts, links, tenders, competitors."""

import pytest
from sqlalchemy import select

from abm.accounts.models import AccountEvent
from abm.audit.models import AuditEntry
from abm.dossier.models import Competitor, Dossier, DossierLink, Tender
from core import db
from tests.factories import make_account


@pytest.fixture
def account_id(database):
    with db.transaction() as session:
        return make_account(session, name="Alpha", external_id="A1").id


def rows(kind):
    with db.reading() as session:
        found = list(session.scalars(select(kind)))
        session.expunge_all()
        return found


def titles():
    return [event.title for event in rows(AccountEvent)]


def test_stage_and_next_step_are_kept_audited_and_stand_on_the_timeline(client_as, account_id):
    data = {"stage": "offer", "standing": "Samples were liked", "next_step": "Visit the plant", "next_on": "2026-09-01"}
    answer = client_as("sales").post(f"/accounts/{account_id}/relationship", data=data)
    assert answer.status_code == 302
    page = client_as("viewer").get(f"/accounts/{account_id}").text
    assert all(words in page for words in ("Offer made", "Samples were liked", "Visit the plant"))
    assert titles() == ["Relationship: Offer made", "Next: Visit the plant"]
    assert "dossier.update" in [entry.action for entry in rows(AuditEntry)]


def test_a_day_without_a_step_is_refused_beside_the_field(client_as, account_id):
    answer = client_as("sales").post(f"/accounts/{account_id}/relationship", data={"next_on": "2026-09-01"})
    assert answer.status_code == 422
    assert "Say what comes next" in answer.text
    assert 'value="2026-09-01"' in answer.text
    assert rows(Dossier) == []


def test_the_texts_of_the_dossier_are_written(client_as, account_id):
    client_as("sales").post(f"/accounts/{account_id}/texts", data={"history": "Founded 1902\r\nby two brothers"})
    assert rows(Dossier)[0].history == "Founded 1902\nby two brothers"
    assert "by two brothers" in client_as("viewer").get(f"/accounts/{account_id}/dossier").text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "x", ""])
def test_a_link_must_be_an_address_of_the_web(client_as, account_id, url):
    answer = client_as("sales").post(f"/accounts/{account_id}/links", data={"title": "Report", "url": url})
    assert answer.status_code == 422
    assert rows(DossierLink) == []


def test_a_link_is_added_and_taken_away(client_as, account_id):
    client = client_as("sales")
    client.post(f"/accounts/{account_id}/links", data={"title": "Report", "url": "https://example.com/r"})
    link = rows(DossierLink)[0]
    assert 'rel="noopener noreferrer"' in client.get(f"/accounts/{account_id}/dossier").text
    client.post(f"/dossier-links/{link.id}/remove")
    assert rows(DossierLink) == []


def test_a_decided_tender_needs_its_reason_and_stands_on_the_timeline(client_as, account_id):
    client = client_as("sales")
    lost = {"title": "Packaging 2026", "result": "lost", "amount": "12,500", "winner": "Rival"}
    answer = client.post(f"/accounts/{account_id}/tenders", data=lost)
    assert answer.status_code == 422
    assert "Say why it ended so" in answer.text
    client.post(f"/accounts/{account_id}/tenders", data={
        **lost, "reason": "deadline", "reason_text": "Three weeks late"})
    tender = rows(Tender)[0]
    assert (float(tender.amount), tender.currency, tender.reason) == (12500, "EUR", "deadline")
    assert titles() == ["Tender lost: Packaging 2026"]
    page = client.get(f"/accounts/{account_id}/dossier").text
    assert "0 won, 1 lost" in page
    assert "Three weeks late" in page


def test_a_tender_is_changed_once_it_is_decided_and_can_be_taken_away(client_as, account_id):
    client = client_as("sales")
    client.post(f"/accounts/{account_id}/tenders", data={"title": "Steel"})
    tender = rows(Tender)[0]
    assert "Steel" in client.get(f"/tenders/{tender.id}").text
    client.post(f"/tenders/{tender.id}", data={"title": "Steel", "result": "won", "reason": "quality"})
    assert rows(Tender)[0].result == "won"
    client.post(f"/tenders/{tender.id}/remove")
    assert rows(Tender) == []


def test_days_of_a_tender_stand_in_their_order(client_as, account_id):
    data = {"title": "Steel", "opened_on": "2026-05-02", "decided_on": "2026-05-01"}
    answer = client_as("sales").post(f"/accounts/{account_id}/tenders", data=data)
    assert answer.status_code == 422
    assert "before it was opened" in answer.text


def test_competitors_stand_by_strength_and_changes_are_told(client_as, account_id):
    client = client_as("sales")
    for name, strength in (("Weak Ltd", "1"), ("Strong Ltd", "5")):
        client.post(f"/accounts/{account_id}/competitors", data={"name": name, "strength": strength})
    assert "Strong Ltd is the strongest competitor here" in client.get(f"/accounts/{account_id}/dossier").text
    weak = next(one for one in rows(Competitor) if one.name == "Weak Ltd")
    client.post(f"/competitors/{weak.id}", data={"name": "Weak Ltd", "strength": "2"})
    assert titles()[-1] == "Competitor Weak Ltd: strength 2 of 5"
    assert client.post(f"/accounts/{account_id}/competitors", data={"name": "X", "strength": "6"}).status_code == 422


def test_tenders_and_competitors_are_exported_for_one_account_or_all(client_as, account_id):
    client = client_as("sales")
    client.post(f"/accounts/{account_id}/competitors", data={"name": "=Rival", "strength": "3"})
    text = client.get(f"/competitors/export.csv?account_id={account_id}").text
    assert text.splitlines()[1].startswith("A1,Alpha,'=Rival,3")
    assert client.get("/competitors/export.csv?account_id=999").text.count("\n") == 1
    assert client_as("viewer").get("/tenders/export.csv").status_code == 403


def test_a_viewer_reads_and_writes_nothing(client_as, account_id):
    client = client_as("viewer")
    assert client.get(f"/accounts/{account_id}/dossier").status_code == 200
    for path in ("relationship", "texts", "links", "tenders", "competitors"):
        assert client.post(f"/accounts/{account_id}/{path}", data={"title": "x"}).status_code == 403


def test_hostile_words_are_inert_in_the_dossier(client_as, account_id):
    client = client_as("sales")
    bad = "<script>alert(1)</script>"
    client.post(f"/accounts/{account_id}/texts", data={"description": bad})
    client.post(f"/accounts/{account_id}/competitors", data={"name": bad, "strength": "1", "offering": '"><img src=x>'})
    client.post(f"/accounts/{account_id}/tenders", data={"title": bad})
    for part in ("dossier", "sheet", "timeline"):
        text = client.get(f"/accounts/{account_id}/{part}").text
        assert bad not in text
        assert "<img src=x" not in text
