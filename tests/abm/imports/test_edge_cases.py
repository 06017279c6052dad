"""Files that go wrong elsewhere: each ends in a right import or a right refusal, and addresses are judged rightly."""

import csv
import json
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.contacts.addresses import checked_address
from abm.imports.mapping import mapping_from
from abm.imports.opening import open_table
from abm.imports.previews import preview_file
from abm.imports.registry import find_importer
from abm.imports.report import Report
from abm.imports.running import Task, bring_in
from abm.imports.tables import ReadingOptions
from abm.imports.values import BadValue
from core import db
from core.errors import Refused
from tests.abm.imports.files import DATA, FILES
from tests.conftest import SHARED_DATA

MESSY = FILES / "messytables"
SHARED_MESSY = SHARED_DATA / "csv_edge_cases" / "messytables-horror"


def bring(path: Path, folder: Path, **columns: str) -> Report:
    layout = find_importer("accounts").layout
    return bring_in(Task(kind="accounts", path=path, rejects=folder / "rejects.csv",
                         mapping=mapping_from({"columns": columns}, layout)))


def accounts() -> dict[str, str]:
    with db.reading() as session:
        return dict(session.execute(select(Account.external_id, Account.name)).all())


@pytest.mark.parametrize("name", ["utf-16le_encoded.csv", "spanish_chars.csv", "simple.psv", "simple.ssv",
                                  "simple.xlsx", "example.tsv", "mixedGLB.csv", "skip_initials.csv", "null.csv"])
def test_a_messy_table_is_imported_row_for_row(name: str, tmp_path: Path, database: Path) -> None:
    path = MESSY / name
    rows = [row for batch in open_table(path, ReadingOptions()).batches for row in batch.rows]
    header = preview_file(path, ReadingOptions()).header
    at = next(index for index, row in enumerate(rows) if [cell.strip() for cell in row] == header)
    body = [row for row in rows[at + 1 :] if any(cell.strip() for cell in row)]
    report = bring(path, tmp_path, account_id=header[0], name=header[1])
    whole = [row for row in body if len(row) == len(header) and row[0].strip() and row[1].strip()]
    assert report.read == len(body)
    assert report.rejected == len(body) - len(whole)
    assert accounts() == {row[0].strip(): row[1].strip() for row in whole}
    assert bool(accounts()) == (name != "spanish_chars.csv")  # its second column is empty in every row


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("simple.xls", "old Office file"),
        ("long.csv", "no column"),
        ("small.csv", "no column"),
        ("utf8bom.csv", "no column"),
        ("complex.csv", "no column"),
        ("begrotingsanalyse-2011.csv", "no column"),
        ("weird_head_padding.csv", "no column"),
        ("excel_pasting.csv", "no column"),
    ],
)
def test_a_messy_table_without_the_columns_is_refused_and_changes_nothing(
    name: str, words: str, tmp_path: Path, database: Path
) -> None:
    with pytest.raises(Refused, match=words):
        bring(MESSY / name, tmp_path, account_id="customer no", name="customer")
    assert accounts() == {}


@pytest.mark.skipif(not SHARED_MESSY.is_dir(), reason="the large files are not kept with the code")
@pytest.mark.parametrize(("name", "rows", "encoding"), [("sparse_with_column_errors.csv", 2238, ""),
                                                        ("characters.csv", 383, "big5")])
def test_large_messy_tables_are_read_whole(name: str, rows: int, encoding: str) -> None:
    batches = list(open_table(SHARED_MESSY / name, ReadingOptions(encoding=encoding)).batches)
    assert sum(len(batch.rows) + len(batch.refused) for batch in batches) == rows


NAUGHTY = [text for text in json.loads((FILES / "blns.json").read_text("utf-8")) if text]


def test_a_naughty_string_as_a_file_is_taken_or_refused(tmp_path: Path, database: Path) -> None:
    layout = find_importer("accounts").layout
    for number, text in enumerate(NAUGHTY):
        path = tmp_path / f"{number}.csv"
        path.write_text(text, "utf-8")
        with pytest.raises(Refused):
            bring_in(Task(kind="accounts", path=path, rejects=tmp_path / "rejects.csv"))
        path.write_text(f"account_id,name,{text}\nN{number},x,y\n", "utf-8")
        try:
            bring_in(Task(kind="accounts", path=path, rejects=tmp_path / "rejects.csv",
                          mapping=mapping_from({"custom": "all"}, layout)))
        except Refused:
            continue
    with db.reading() as session:
        assert (session.scalar(select(func.count()).select_from(Account)) or 0) > 300


def test_naughty_strings_in_every_text_column_of_people_are_taken(tmp_path: Path, database: Path) -> None:
    (tmp_path / "a.csv").write_text("account_id,name\nA1,x\n")
    bring_in(Task(kind="accounts", path=tmp_path / "a.csv", rejects=tmp_path / "r.csv"))
    names = ["contact_id", "account_id", "phone", "first_name", "last_name", "title", "department"]
    with (tmp_path / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([f"C{number}", "A1", "1", text, text, text, text] for number, text in enumerate(NAUGHTY))
    report = bring_in(Task(kind="contacts", path=tmp_path / "people.csv", rejects=tmp_path / "r.csv"))
    assert report.read == len(NAUGHTY)
    assert report.created + report.rejected == len(NAUGHTY)
    assert report.rejected == sum(1 for text in NAUGHTY if len(text.strip()) > 200)


def _cases() -> list[tuple[str, str, bool]]:
    with (DATA / "email_addresses" / "email_validator_cases.csv").open(encoding="utf-8", newline="") as file:
        return [(row["test_group"], row["address"], row["valid_default"] == "1") for row in csv.DictReader(file)]


@pytest.mark.parametrize(("group", "address", "is_valid"), _cases())
def test_addresses_are_judged_rightly(group: str, address: str, is_valid: bool) -> None:
    """Stated exceptions: quoted local parts and display names are refused (hardly any relay takes them), and what
    surrounds an address in its cell is trimmed before it is judged."""
    is_expected = is_valid and '"' not in address and "<" not in address
    if address.strip() == "my@example.com":
        is_expected = True
    try:
        checked_address(address.encode().decode("unicode_escape") if "\\ud" in address else address)
    except BadValue:
        assert not is_expected
    else:
        assert is_expected


HEAD = "account_id,name\n"
REFUSED_FILES = {
    "utf-16 cut in the middle": (b"\xff\xfe" + (HEAD + "1,x\n").encode("utf-16-le") + b"A", "utf-16"),
    "a broken pair in utf-16": (b"\xff\xfe" + HEAD.encode("utf-16-le") + b"1\0,\0\0\xd8x\0\n\0", "utf-16"),
    "cyrillic": ((HEAD + "1,Газпром\n").encode("cp1251"), "name it"),
    "japanese": ((HEAD + "1,日本電気株式会社\n").encode("shift_jis"), "name it"),
    "ebcdic": ((HEAD + "1,Acme\n").encode("cp037"), "name it"),
    "a web page": (b"\n <HTML><table><tr><td>account_id</td></tr></table>", "a web page"),
    "xml": (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook/>", "an XML file"),
    "json": (b'[{"account_id": "1", "name": "x"}]', "is JSON"),
    "rtf": (b"{\\rtf1 account_id}", "a text document"),
    "another separator": (b"account_id^name\n1^Acme\n", "lacks the required column"),
    "a column twice": (b"account_id,name,Name\n1,A,B\n", "twice"),
}


@pytest.mark.parametrize("name", REFUSED_FILES)
def test_a_file_that_cannot_be_told_is_refused_by_both_ways_with_what_to_do(
        name: str, tmp_path: Path, database: Path) -> None:
    content, words = REFUSED_FILES[name]
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(Refused, match=words):
        bring_in(Task(kind="accounts", path=path, rejects=tmp_path / "rejects.csv"))
    with suppress(Refused):  # what it says was looked at above; anything else would be a page that breaks
        preview_file(path, ReadingOptions())
    assert accounts() == {}


TAKEN_FILES = {
    "a named encoding": ((HEAD + "1,Газпром\n").encode("cp1251"), "cp1251", {"1": "Газпром"}, 0),
    "western words": ((HEAD + "1,Müller & Çelik À/É\n").encode("cp1252"), "", {"1": "Müller & Çelik À/É"}, 0),
    "two marks": (b"\xef\xbb\xbf\xef\xbb\xbf" + (HEAD + "1,A\n").encode(), "", {"1": "A"}, 0),
    "files put together": ((HEAD + "1,A\n\ufeff" + HEAD + "2,B\n").encode(), "", {"1": "A", "2": "B"}, 1),
    "a mark before an id": ((HEAD + "1,A\n\ufeff2,B\n").encode(), "", {"1": "A", "2": "B"}, 0),
    "excel's line about separators": (b"sep=;\naccount_id;name\n1;A\n", "", {"1": "A"}, 0),
    "zero bytes at the end": (HEAD.encode() + b"1,A\n" + b"\0" * 5000, "", {"1": "A"}, 1),
    "the end of file of DOS": (HEAD.encode() + b"1,A\n\x1a", "", {"1": "A"}, 1),
    "writing from right to left": ((HEAD + "1,\u200f\u05d0\u05d1\n").encode(), "", {"1": "\u200f\u05d0\u05d1"}, 0),
    "a mark never closed": (HEAD.encode() + b'1,"A\n2,B\n', "", {"2": "B"}, 1),
    "formulas": (HEAD.encode() + b"1,=1+1\n2,'@SUM(1)\n", "", {"1": "=1+1", "2": "@SUM(1)"}, 0),
}


@pytest.mark.parametrize("name", TAKEN_FILES)
def test_an_odd_file_is_taken_with_the_right_rows(name: str, tmp_path: Path, database: Path) -> None:
    content, encoding, expected, refused = TAKEN_FILES[name]
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    report = bring_in(Task(kind="accounts", path=path, rejects=tmp_path / "rejects.csv",
                           options=ReadingOptions(encoding=encoding)))
    assert accounts() == expected
    assert report.rejected == refused
