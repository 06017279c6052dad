"""Files as tables: encodings, separators, line ends, quotes, spreadsheets."""

import csv
import io
import json
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from abm.imports import csv_files
from abm.imports.opening import open_table
from abm.imports.sheets import cell_text
from abm.imports.tables import ReadingOptions
from core.errors import Refused
from tests.abm.imports.files import FILES

VALID = sorted(path.stem for path in (FILES / "csv-test-data" / "json").glob("*.json"))
SPECTRUM = sorted(path.stem for path in (FILES / "csv-spectrum" / "json").glob("*.json"))


def rows_of(path: Path, **options: str) -> list[list[str]]:
    return [row for batch in open_table(path, ReadingOptions(**options)).batches for row in batch.rows]


def errors_of(path: Path, **options: str) -> list[str]:
    return [refusal.error for batch in open_table(path, ReadingOptions(**options)).batches for refusal in batch.refused]


@pytest.mark.parametrize("name", [name for name in VALID if name not in ("all-empty", "empty-one-column")])
def test_valid_csv_test_data_is_read_as_its_json_says(name: str) -> None:
    expected = json.loads((FILES / "csv-test-data" / "json" / f"{name}.json").read_text())
    if expected and isinstance(expected[0], dict):
        expected = [list(expected[0]), *(list(row.values()) for row in expected)]
    rows = rows_of(FILES / "csv-test-data" / f"{name}.csv", delimiter=",")
    assert rows[-len(expected) :] == [row for row in expected if row] or (name == "header-no-rows" and len(rows) == 1)


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum_is_read_as_its_json_says(name: str) -> None:
    expected = json.loads((FILES / "csv-spectrum" / "json" / f"{name}.json").read_text())
    expected = [expected] if isinstance(expected, dict) else expected
    header, *rows = rows_of(FILES / "csv-spectrum" / f"{name}.csv")
    if name == "location_coordinates":  # its JSON was made from another phone number than its CSV
        expected[0]["Contact Phone Number"] = rows[0][0]
    assert _with_plain_ends([dict(zip(header, row, strict=True)) for row in rows]) == _with_plain_ends(expected)


def _with_plain_ends(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{key: value.replace("\r\n", "\n") for key, value in row.items()} for row in rows]


@pytest.mark.parametrize(
    ("name", "word"), [("bad-missing-quote", "never closed"), ("bad-quotes-with-unescaped-quote", "written twice")]
)
def test_a_broken_quotation_mark_refuses_its_row(name: str, word: str) -> None:
    assert word in errors_of(FILES / "csv-test-data" / f"{name}.csv")[0]


def test_rows_after_a_broken_quotation_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_text('a,b\n1,one\n2,"two\n3,three\n4,"fo"ur"\n5,"fi\nve"\n')
    assert rows_of(path) == [["a", "b"], ["1", "one"], ["3", "three"], ["5", "fi\nve"]]


def test_a_quotation_mark_that_swallows_the_file_costs_one_row_of_ten_thousand(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("a,b\n" + '0,"open\n' + "".join(f"{n},text {n}\n" for n in range(1, 10_001)))
    assert len(rows_of(path)) == 10_001


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_usual_form_of_csv_gives_the_same_rows(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    rows = [["id", "name", "town"], ["1", "Müller, Söhne; & Co | KG", "Köln"], ["2", 'say "é"', "São Paulo"]] * 3
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=end).writerows(rows)
    path = tmp_path / "file.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    assert rows_of(path) == rows


def test_mixed_encodings_keep_the_good_text_and_mark_the_bad(tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_bytes("id,name\n1,Zoë\n2,Jörg\n".encode() + "3,Ren\xe9\n".encode("latin-1"))
    assert [row[1] for row in rows_of(path)] == ["name", "Zoë", "Jörg", "Ren\udce9"]


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00",
        b"%PDF-1.7\n",
        b"\x1f\x8b\x08\x00",
        b"\x7fELF\x02",
        bytes(range(256)) * 40,
        b"PK\x03\x04 no zip",
        b"\xd0\xcf\x11\xe0 old office",
        b"",
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(Refused):
        rows_of(path)


def test_one_endless_line_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "line.csv"
    with path.open("wb") as file:
        file.truncate(1 << 30)
        file.write(b"a" * (2 << 20))
    begun = time.monotonic()
    with pytest.raises(Refused, match="megabyte"):
        rows_of(path)
    assert time.monotonic() - begun < 5


def test_a_workbook_is_read_like_a_csv_file() -> None:
    assert rows_of(FILES / "messytables" / "simple.xlsx") == rows_of(FILES / "messytables" / "simple.csv")


def test_a_wrong_sheet_name_is_answered_with_the_right_ones() -> None:
    with pytest.raises(Refused, match="simple"):
        open_table(FILES / "messytables" / "simple.xlsx", ReadingOptions(sheet="nowhere"))


def test_a_workbook_that_swells_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", b"<c>" + b"0" * (60 << 20))
    with pytest.raises(Refused, match="unpacks"):
        open_table(path, ReadingOptions())


def test_a_cell_at_the_far_corner_does_not_cost_the_memory_of_all_cells(tmp_path: Path) -> None:
    path = tmp_path / "far.xlsx"
    sheet = b'<worksheet><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("xl/worksheets/sheet1.xml", sheet)
    with pytest.raises(Refused, match="far out"):
        open_table(path, ReadingOptions())


@pytest.mark.parametrize(("cell", "text"), [(10248.0, "10248"), (1.5, "1.5"), (True, "true"), (None, ""), ("x", "x")])
def test_cells_become_text_as_in_csv(cell: object, text: str) -> None:
    assert cell_text(cell) == text


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs", "Cc"]), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=20))
def test_what_the_csv_module_writes_is_read_back(tmp_path: Path, rows: list[tuple[str, str, str]]) -> None:
    table = [["a", "b", "c"], *map(list, rows)]
    path = tmp_path / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(table)
    assert rows_of(path, encoding="utf-8", delimiter=",") == table


@given(st.lists(st.sampled_from(["a,b", '"q,1",x', '"two\nlines",y', "", ' "', '"open', "c,d,e"]), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_lines_at_once_gives_what_reading_row_by_row_gives(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("\n".join(["h,i", *lines]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "BATCH_ROWS", 4)
        quick = [(b.numbers, b.rows, b.refused) for b in csv_files.open_csv(path, ReadingOptions()).batches]
        patch.setattr(csv_files, "_batch_of_lines", lambda _lines, _delimiter: None)
        slow = [(b.numbers, b.rows, b.refused) for b in csv_files.open_csv(path, ReadingOptions()).batches]

    def flat(batches: list) -> list:
        return [[one for batch in batches for one in batch[part]] for part in range(3)]

    assert flat(quick) == flat(slow)
