"""The table of countries: on its page, by command, and wherever it is asked."""

import json
import runpy
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import select

from abm.audit.models import AuditEntry
from abm.cli import main
from abm.company.models import CompanySetting
from abm.company.queries import get_company
from abm.contacts.models import Contact
from campaigns.dry_days import Line
from campaigns.dry_run import dry_run
from campaigns.models import Campaign
from campaigns.stops import current
from core import db
from core.settings import ROOT
from tests.campaigns.campaign_factory import make_campaign, make_people
from tests.factories import make_account, make_contact

pytestmark = pytest.mark.usefixtures("database")


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_row_is_set_and_taken_back_by_command_and_on_record(capsys: pytest.CaptureFixture[str]) -> None:
    with db.reading() as session:
        epoch = current(session)
    assert main(["countries", "set", "Switzerland", "consent", "contract", "--json"]) == 0
    assert said(capsys) == {"country": "CH", "bases": ["consent", "contract"], "is_default": False}
    assert main(["countries", "list", "--json"]) == 0
    rows = {row["country"]: row["bases"] for row in said(capsys)["countries"]}
    assert (rows["CH"], rows["DE"]) == (["consent", "contract"], ["consent"])
    assert "unrecognised" in rows
    assert main(["countries", "reset", "CH", "--json"]) == 0
    with db.reading() as session:
        assert get_company(session).country_bases == {}
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "company.set")).all()) == 2
        assert current(session) > epoch  # sending processes look again at once


@pytest.mark.parametrize("words", [["Atlantis", "consent"], ["CH", "friendship"], ["", "consent"]])
def test_what_is_no_country_or_no_basis_is_refused(words: list[str]) -> None:
    assert main(["countries", "set", *words]) == 2


def test_an_admin_edits_the_table_and_others_look_at_it(client_as: Callable[..., Any]) -> None:
    admin = client_as("admin")
    page = admin.get("/settings/countries").text
    assert "Germany" in page
    assert "Everywhere else" in page
    form = {"row-DE": "1", "bases-DE": ["consent", "contract"], "row-CA": "1",
            "bases-CA": ["consent", "implied_consent"]}
    assert admin.post("/settings/countries", data=form).status_code == 302
    assert admin.post("/settings/countries/add", data={"country": "Atlantis", "bases": ["consent"]}).status_code == 422
    assert admin.post("/settings/countries/add", data={"country": "suisse", "bases": ["consent"]}).status_code == 302
    with db.reading() as session:
        assert get_company(session).country_bases == {"CH": ["consent"], "DE": ["consent", "contract"]}
    assert admin.post("/settings/countries/reset", data={"country": "DE"}).status_code == 302
    with db.reading() as session:
        assert get_company(session).country_bases == {"CH": ["consent"]}
    assert client_as("viewer").post("/settings/countries", data=form).status_code == 403


def test_a_dry_run_stops_on_the_day_after_the_consent_ends(session: Any, at: Callable[..., None],
                                                          database: Path) -> None:
    at(datetime(2026, 3, 2, 10, tzinfo=UTC))
    make_people(session, lawful_basis="consent", consent_kind="implied_inquiry",
                basis_at=datetime(2025, 9, 4, tzinfo=UTC))
    steps = [{"id": f"s{day}", "channel": "email", "after": f"{day} days", "subject": "Hi", "html": "<p>Hi</p>"}
             for day in (0, 2, 1)]
    make_campaign(session, steps=steps)
    lines: list[Line] = []
    dry_run(session, campaign=session.scalars(select(Campaign)).one(), days=9, keep=lines.extend)
    assert [(line.day, line.outcome, line.reason) for line in lines] == [
        (date(2026, 3, 2), "goes", ""), (date(2026, 3, 4), "goes", ""),
        (date(2026, 3, 5), "blocked", "consent_expired")]


def test_why_not_and_the_persons_page_tell_the_day(client_as: Callable[..., Any], at: Callable[..., None]) -> None:
    at(datetime(2026, 3, 12, 10, tzinfo=UTC))
    with db.transaction() as session:
        person = make_contact(session, make_account(session, country="CA"), lawful_basis="consent",
                              consent_kind="implied_purchase", basis_at=datetime(2024, 3, 10, tzinfo=UTC)).id
    viewer = client_as("viewer")
    assert "expired on 2026-03-10" in viewer.get(f"/people/{person}/why-not").text
    page = viewer.get(f"/contacts/{person}").text
    assert "Implied by a purchase" in page
    assert "Cannot be e-mailed" in page


def test_the_form_takes_kind_and_day_of_consent(client_as: Callable[..., Any], at: Callable[..., None]) -> None:
    at(datetime(2026, 3, 12, 10, tzinfo=UTC))
    with db.transaction() as session:
        account_id = make_account(session).id
    form = {"first_name": "Ada", "email": "ada@example.com", "lawful_basis": "consent", "basis_source": "order",
            "consent_kind": "implied_purchase"}
    admin = client_as("admin")
    assert admin.post(f"/accounts/{account_id}/contacts", data=form).status_code == 422  # without its day
    assert admin.post(f"/accounts/{account_id}/contacts", data={**form, "basis_on": "2027-01-01"}).status_code == 422
    assert admin.post(f"/accounts/{account_id}/contacts", data={**form, "basis_on": "2026-02-01"}).status_code == 302
    with db.reading() as session:
        found = session.scalars(select(Contact)).one()
        assert (found.consent_kind, found.basis_at) == ("implied_purchase", datetime(2026, 2, 1, tzinfo=UTC))


def test_a_file_carries_the_kind_and_never_loses_or_raises_it_by_an_empty_cell(tmp_path: Path) -> None:
    with db.transaction() as session:
        make_account(session, external_id="A")
    file = tmp_path / "people.csv"
    head = "contact_id,account_id,email,lawful_basis,basis_at,consent_kind\n"
    for kind in ("inquiry", "", "Implied Inquiry"):
        file.write_text(f"{head}P,A,p@example.com,consent,2026-01-05,{kind}\nQ,A,q@example.com,contract,,purchase\n")
        assert main(["import", "contacts", str(file)]) == 0
        with db.reading() as session:
            assert session.execute(select(Contact.consent_kind).order_by(Contact.external_id)).all() == [
                ("implied_inquiry",), (None,)]
    file.write_text(f"{head}P,A,p@example.com,consent,2026-01-05,perhaps\n")
    assert main(["import", "contacts", str(file)]) in (1, 2)


def test_a_withdrawal_keeps_a_file_from_renewing_consent(tmp_path: Path) -> None:
    with db.transaction() as session:
        make_contact(session, make_account(session, external_id="A"), external_id="P", email="p@example.com",
                     lawful_basis="consent", consent_kind="implied_inquiry", basis_at=datetime(2020, 1, 1, tzinfo=UTC))
    main(["suppress", "p@example.com", "--reason", "asked"])
    file = tmp_path / "people.csv"
    file.write_text("contact_id,account_id,email,lawful_basis,basis_at,consent_kind\n"
                    "P,A,p@example.com,consent,2026-01-05,express\n")
    main(["import", "contacts", str(file)])
    with db.reading() as session:
        found = session.scalars(select(Contact)).one()
        assert (found.consent_kind, found.basis_at) == ("implied_inquiry", datetime(2020, 1, 1, tzinfo=UTC))


def test_the_list_of_consent_countries_that_was_set_becomes_the_table() -> None:
    (file,) = (ROOT / "migrations" / "versions").glob("0220_*.py")
    step = runpy.run_path(str(file))
    with db.transaction() as session:
        connection = session.connection()
        with Operations.context(MigrationContext.configure(connection)):
            step["downgrade"]()
            connection.execute(sa.insert(CompanySetting).values(
                name="consent_countries", content={"value": ["DE", "CH"]}, updated_at=datetime(2026, 1, 1, tzinfo=UTC)))
            step["upgrade"]()
    with db.reading() as session:
        own = get_company(session).country_bases
    assert own["DE"] == own["CH"] == ["consent"]
    assert "legitimate_interest" in own["CA"]
