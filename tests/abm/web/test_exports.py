"""Tables out: nothing that a spreadsheet would run, everything as it was, on record, in flat memory."""

import csv
import io
import json
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import select

from abm.accounts.actions import create_account
from abm.audit.models import AuditDetail, AuditEntry
from abm.imports.columns import Batch, text_column
from abm.imports.layout import Field
from abm.imports.tables import RawBatch
from abm.web.permissions import Role
from abm.web.spreadsheets import defuse, without_mark, write_csv, write_csv_bytes, write_xlsx
from core import db
from tests.conftest import SHARED_DATA

DANGEROUS = ["=1+1", "+1", "-1+2", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\x00=1", "＝1", "＋1", "－1", "＠a"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_text_that_a_spreadsheet_would_run_is_defused(text):
    assert defuse(text) == "'" + text


@pytest.mark.parametrize("value", [-5, -5.5, Decimal("-3.20"), "5", "a=b", "", None])
def test_numbers_and_harmless_texts_stay_as_they_are(value):
    assert defuse(value) == value


@given(st.text())
def test_the_mark_comes_off_again_whatever_the_text(text):
    assert without_mark(defuse(text)) == text


@given(st.text(alphabet="'=+-@＝ab"))
def test_apostrophes_of_the_text_itself_survive(text):
    assert without_mark(defuse(text)) == text


def imported(texts):
    """What an import of this column keeps."""
    batch = Batch(RawBatch(list(range(len(texts))), [[text] for text in texts]), {})
    kept = text_column(Field("name", limit=10_000), texts, batch)
    return [None if index in batch.errors else value for index, value in enumerate(kept)]


def naughty():
    strings = json.loads((SHARED_DATA / "naughty_strings" / "blns.json").read_text())
    return [text for text in imported(strings) if text] + ["'=1", "''+1", '=HYPERLINK("http://x","y")', "a\nb"]


def test_naughty_strings_come_back_from_a_csv_export_as_they_were():
    file = io.StringIO()
    write_csv(file, columns=["name"], rows=([text] for text in naughty()))
    back = [row[0] for row in csv.reader(io.StringIO(file.getvalue(), newline=""))][1:]
    assert imported(back) == [text.replace("\r\n", "\n").replace("\r", "\n") for text in naughty()]


def test_no_cell_of_a_csv_export_starts_with_what_a_spreadsheet_runs():
    file = io.StringIO()
    write_csv(file, columns=["=name"], rows=([text] for text in [*naughty(), *DANGEROUS]))
    cells = [row[0] for row in csv.reader(io.StringIO(file.getvalue(), newline=""))]
    assert [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n\x00＝＋－＠") and cell] == []


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers():
    file = io.BytesIO()
    moment = datetime(2026, 3, 9, 10, tzinfo=UTC)
    write_xlsx(file, columns=["a"], rows=[["=1+1", Decimal("-2.5"), moment, None, float("nan"), {"a": 1}]])
    file.seek(0)
    cells = next(load_workbook(file).active.iter_rows(min_row=2))
    assert cells[0].value == "'=1+1"
    assert cells[0].data_type == "s"
    assert cells[1].value == -2.5
    assert cells[2].value == datetime(2026, 3, 9, 10)
    assert cells[5].value == '{"a": 1}'


def test_what_one_sheet_cannot_hold_goes_on_on_the_next():
    file = io.BytesIO()
    assert write_xlsx(file, columns=["n"], rows=([n] for n in range(10)), sheet_rows=5) == 10
    file.seek(0)
    sheets = load_workbook(file).worksheets
    assert [sheet.max_row for sheet in sheets] == [5, 5, 3]


@pytest.mark.parametrize("write", [write_csv_bytes, write_xlsx])
def test_memory_stays_flat_however_long_the_table(write, tmp_path):
    peaks = []
    for count in (2_000, 20_000):
        with (tmp_path / "out").open("wb") as file:
            tracemalloc.start()
            write(file, columns=["a", "b"], rows=(["x" * 20, n] for n in range(count)))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


def test_an_export_has_the_filters_in_force_and_is_put_on_record(client_as, database):
    with db.transaction() as session:
        for name, country in (("Acme", "DE"), ("=Evil", "FR")):
            create_account(session, values={"name": name, "country": country})
    answer = client_as(Role.MARKETER).get("/accounts/export.csv?country=FR&after=x")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["name"] for row in rows] == ["'=Evil"]
    with db.reading() as session:
        found = session.execute(select(AuditEntry.subject_id, AuditDetail.after).join(
            AuditDetail, AuditDetail.entry_id == AuditEntry.id).where(AuditEntry.action == "export")).all()
    assert [tuple(row) for row in found] == [("accounts", {"kind": "csv", "rows": 1})]


def test_a_name_from_outside_cannot_break_the_files_head(client_as, database):
    with db.transaction() as session:
        create_account(session, values={"name": "Acme"})
    answer = client_as(Role.ADMIN).get('/accounts/export.xlsx')
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''accounts.xlsx"


def test_who_may_not_export_gets_no_link_and_no_file(client_as, database):
    with db.transaction() as session:
        create_account(session, values={"name": "Acme"})
    viewer = client_as(Role.VIEWER)
    assert "export.csv" not in viewer.get("/accounts").text
    assert viewer.get("/accounts/export.csv").status_code == 403


def test_a_page_address_with_odd_arguments_makes_no_odd_export_address(client_as, database):
    page = client_as(Role.ADMIN).get("/tasks?kind=call&_external=1&_scheme=javascript&owner=all")
    assert page.status_code == 200
    assert "javascript:" not in page.text
    assert "/tasks/export.csv?kind=call&amp;owner=all" in page.text
