"""Bringing a file in through the browser."""

import io
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.app import create_app
from abm.cli import main
from abm.contacts.models import Contact
from abm.imports import encodings, opening
from abm.imports.jobs import run_import
from abm.imports.models import ImportRun
from abm.users.actions import create_user
from core import db
from tests.abm.imports.files import FILES
from tests.factories import make_account

PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def client(database: Path, queue_server: str) -> FlaskClient:
    with db.transaction() as session:
        create_user(session, email="mia@example.com", name="Mia", role="marketer", password=PASSWORD)
    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/sign-in", data={"email": "mia@example.com", "password": PASSWORD})
    return client


def upload(client: FlaskClient, content: bytes, name: str = "accounts.csv") -> str:
    answer = client.post("/imports", data={"kind": "accounts", "file": (io.BytesIO(content), name)})
    assert answer.status_code == 302
    return answer.headers["Location"]


def number(address: str) -> int:
    found = re.search(r"/imports/(\d+)", address)
    assert found
    return int(found[1])


def test_the_mapping_page_guesses_columns_from_their_names(client: FlaskClient) -> None:
    page = client.get(upload(client, b"customer_no;company name;land\n1;Acme;DE\n")).get_data(as_text=True)
    assert re.findall(r'<option value="([^"]+)" selected>', page) == ["customer_no", "company name", "land"]


def test_a_file_is_uploaded_tried_and_brought_in(client: FlaskClient) -> None:
    import_id = number(upload(client, b"id,company\n1,Acme\n2,\n"))
    chosen = {"map-account_id": "id", "map-name": "company"}
    client.post(f"/imports/{import_id}/start", data={**chosen, "verb": "try"})
    run_import(import_id)
    again = client.post(f"/imports/{import_id}/again").headers["Location"]
    run_import(number(again))
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Account)) == 1
    assert "name is empty" in client.get(again).get_data(as_text=True)


def test_the_rejected_rows_can_be_downloaded(client: FlaskClient) -> None:
    import_id = number(upload(client, b"account_id,name\n1,Acme\n2,\n"))
    client.post(
        f"/imports/{import_id}/start", data={"map-account_id": "account_id", "map-name": "name", "verb": "import"}
    )
    run_import(import_id)
    answer = client.get(f"/imports/{import_id}/rejects.csv")
    assert answer.get_data(as_text=True).splitlines()[1] == "2,,3,name,name is empty"


def test_a_mapping_without_a_required_column_is_answered_beside_the_form(client: FlaskClient) -> None:
    import_id = number(upload(client, b"account_id,name\n1,Acme\n"))
    answer = client.post(f"/imports/{import_id}/start", data={"map-account_id": "account_id", "verb": "import"})
    assert (answer.status_code, "required column name" in answer.get_data(as_text=True)) == (422, True)


def test_a_mapping_is_remembered_for_the_same_header(client: FlaskClient) -> None:
    first = number(upload(client, b"a,b\n1,Acme\n"))
    client.post(f"/imports/{first}/start", data={"map-account_id": "a", "map-name": "b", "verb": "try"})
    page = client.get(upload(client, b"a,b\n2,Beta\n")).get_data(as_text=True)
    assert re.findall(r'<option value="([^"]+)" selected>', page) == ["a", "b"]


def test_a_picture_is_answered_with_what_it_is(client: FlaskClient) -> None:
    page = client.get(upload(client, b"\x89PNG\r\n\x1a\n", "logo.csv")).get_data(as_text=True)
    assert "logo.csv is a picture" in page


def test_an_import_that_was_rung_twice_runs_once(client: FlaskClient) -> None:
    import_id = number(upload(client, b"account_id,name\n1,Acme\n"))
    client.post(
        f"/imports/{import_id}/start", data={"map-account_id": "account_id", "map-name": "name", "verb": "import"}
    )
    run_import(import_id)
    run_import(import_id)
    with db.reading() as session:
        run = session.get_one(ImportRun, import_id)
        assert (run.state, run.created, run.unchanged) == ("done", 1, 0)


@pytest.mark.parametrize("address", ["/imports", "/imports/new", "/orders", "/products"])
def test_the_pages_of_an_empty_installation_say_what_to_do_first(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, "/imports" in answer.get_data(as_text=True)) == (200, True)


def test_a_mapping_is_remembered_for_the_page_and_the_command(client_as, tmp_path, queue_server, capsys):  # type: ignore[no-untyped-def]
    from abm.cli import main

    client = client_as("marketer")
    content = b"Customer No,Firm,Sold\nA1,Acme,1\n"
    answer = client.post("/imports", data={"kind": "accounts", "file": (io.BytesIO(content), "c.csv")})
    page = client.get(answer.headers["Location"])
    assert "Not recognised yet, but needed" in page.text
    number = answer.headers["Location"].split("/")[2]
    form = {"map-account_id": "Customer No", "map-name": "Firm", "verb": "try"}
    assert client.post(f"/imports/{number}/start", data=form).status_code == 302
    again = client.post("/imports", data={"kind": "accounts", "file": (io.BytesIO(content), "d.csv")})
    page = client.get(again.headers["Location"]).text
    assert "its mapping is filled in" in page
    assert "→ account_id" in page
    (tmp_path / "c.csv").write_bytes(content)
    assert main(["import", "accounts", str(tmp_path / "c.csv")]) == 2
    assert main(["import", "accounts", str(tmp_path / "c.csv"), "--map", "remembered"]) == 0
    assert main(["import", "orders", str(tmp_path / "c.csv"), "--map", "remembered"]) == 2
    assert "No mapping is remembered" in capsys.readouterr().err


def test_a_mapping_is_remembered_for_a_source_whatever_its_next_header(client: FlaskClient) -> None:
    def bring(source: str, content: bytes) -> str:
        sent = {"kind": "accounts", "source": source, "file": (io.BytesIO(content), "a.csv")}
        return client.post("/imports", data=sent).headers["Location"]

    first = bring("Old  CRM", b"nr,firm\n1,Acme\n")
    chosen = {"map-account_id": "nr", "map-name": "firm", "source": "Old CRM", "verb": "try"}
    client.post(f"/imports/{number(first)}/start", data=chosen)
    page = client.get(bring("Old CRM", b"firm,nr,since\nAcme,1,2020\n")).get_data(as_text=True)
    assert "A file from “Old CRM” was imported before" in page
    assert re.findall(r'<option value="([^"]+)" selected>', page) == ["nr", "firm"]
    assert "was imported before" not in client.get(bring("", b"firm,nr,since\nAcme,1,2020\n")).get_data(as_text=True)


def test_people_are_matched_to_accounts_when_the_box_is_ticked(client: FlaskClient) -> None:
    with db.transaction() as session:
        acme = make_account(session, name="Acme GmbH", domain="acme.example.com")
        acme_id = acme.id
    content = b"id,mail,company\n1,ann@acme.example.com,\n2,bob@web.example,Acme\n"
    sent = {"kind": "contacts", "file": (io.BytesIO(content), "fair.csv")}
    import_id = number(client.post("/imports", data=sent).headers["Location"])
    chosen = {"map-contact_id": "id", "map-email": "mail", "match": "yes", "match_name": "company", "verb": "import"}
    assert client.post(f"/imports/{import_id}/start", data=chosen).status_code == 302
    run_import(import_id)
    with db.reading() as session:
        found = session.execute(select(Contact.account_id, Contact.match_rule).order_by(Contact.external_id)).all()
    assert found == [(acme_id, "domain"), (acme_id, "name")]


def test_the_command_takes_the_mapping_of_its_source(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping, file = tmp_path / "m.yaml", tmp_path / "a.csv"
    mapping.write_text("columns: {account_id: nr, name: firm}")
    file.write_text("nr,firm\n1,Acme\n")
    assert main(["import", "accounts", str(file), "--source", "CRM", "--map", str(mapping)]) == 0
    file.write_text("since,firm,nr\n2020,Acme,1\n2021,Beta,2\n")
    assert main(["import", "accounts", str(file), "--source", "CRM", "--json"]) == 0
    assert '"created": 1' in capsys.readouterr().out


def test_the_first_rows_of_a_large_file_come_without_reading_it_whole(
        client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encodings, "_BLOCK", 1000)
    read: list[int] = []
    real = encodings._blocks
    monkeypatch.setattr(encodings, "_blocks", lambda path: (read.append(len(block)) or block for block in real(path)))
    page = client.get(upload(client, b"account_id,name\n" + b"1,Acme\n" * 10_000)).get_data(as_text=True)
    assert "Acme" in page
    assert sum(read) == 4_000


def test_a_workbook_is_read_once_for_its_mapping(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = opening.open_sheet
    monkeypatch.setattr(opening, "open_sheet", lambda path, options: (read.append(path), real(path, options))[1])
    import_id = number(upload(client, (FILES / "messytables" / "simple.xlsx").read_bytes(), "simple.xlsx"))
    client.get(f"/imports/{import_id}/mapping")
    client.get(f"/imports/{import_id}/mapping")
    assert len(read) == 1
