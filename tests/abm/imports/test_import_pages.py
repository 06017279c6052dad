"""Bringing a file in through the browser."""

import io
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.app import create_app
from abm.imports.jobs import run_import
from abm.imports.models import ImportRun
from abm.users.actions import create_user
from core import db

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
