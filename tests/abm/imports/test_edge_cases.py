"""Files that go wrong elsewhere: each ends in a right import or a right refusal, and addresses are judged rightly."""

import csv
import json
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
