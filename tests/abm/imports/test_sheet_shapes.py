"""Small workbooks that would take all memory once laid out, and honest ones that only look like them."""

import zipfile
from pathlib import Path

import pytest

from abm.imports.opening import open_table
from abm.imports.tables import ReadingOptions
from core.errors import Refused

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_ROOT = (f'<Relationships><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
         "</Relationships>")
_WORKBOOK = """<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>
<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"""
_RELATIONS = f'<Relationships><Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="{{}}"/></Relationships>'
_HEAD = ('<row r="1"><c r="A1" t="inlineStr"><is><t>account_id</t></is></c>'
         '<c r="B1" t="inlineStr"><is><t>name</t></is></c></row>')
_ODS = """<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="S">{}</table:table></office:spreadsheet></office:body></office:document-content>"""


def _cell(text: str, repeated: int = 1) -> str:
    return (f'<table:table-cell office:value-type="string" table:number-columns-repeated="{repeated}">'
            f"<text:p>{text}</text:p></table:table-cell>")


def _row(cells: str, repeated: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{repeated}">{cells}</table:table-row>'


_ODS_HEAD = _row(_cell("account_id") + _cell("name"))


def _xlsx(path: Path, rows: str, *, part: str = "worksheets/sheet1.xml", before: str = "") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("_rels/.rels", _ROOT)
        package.writestr("xl/workbook.xml", _WORKBOOK)
        package.writestr("xl/_rels/workbook.xml.rels", _RELATIONS.format(part))
        package.writestr(f"xl/{part}", f"{before}<worksheet><sheetData>{_HEAD}{rows}</sheetData></worksheet>")
    return path


def _ods(path: Path, rows: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        package.writestr("META-INF/manifest.xml", "<manifest/>")
        package.writestr("content.xml", _ODS.format(_ODS_HEAD + rows))
    return path


def _rows(path: Path) -> list[list[str]]:
    return [row for batch in open_table(path, ReadingOptions()).batches for row in batch.rows]


@pytest.mark.parametrize("rows", [
    "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
    '<row r="1048576"><c r="xfd1048576"><v>1</v></c></row>',
    '<row r="1048576"><c\nr = "XFD1048576"><v>1</v></c></row>',
    '<row r="1048576"><c x=">" r="XFD1048576"><v>1</v></c></row>',
    f'<row r="1048576"><c {" " * 500}r="XFD1048576"><v>1</v></c></row>',
    f'<row r="1048576">{"<c><v>1</v></c>" * 200}</row>',
    '<x:row r="1048576"><x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>',
])
def test_a_far_cell_is_found_however_it_is_written(tmp_path: Path, rows: str) -> None:
    with pytest.raises(Refused, match=r"far out|damaged"):
        _rows(_xlsx(tmp_path / "far.xlsx", rows))


def test_a_far_cell_is_found_in_a_part_of_any_name(tmp_path: Path) -> None:
    rows = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    with pytest.raises(Refused, match="far out"):
        _rows(_xlsx(tmp_path / "far.xlsx", rows, part="media/image1.png"))


def test_a_sheet_of_broken_xml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="damaged"):
        _rows(_xlsx(tmp_path / "broken.xlsx", '<row r="2"><c r="A2"><v>1</c></row>'))


def test_a_sheet_that_defines_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="names of its own"):
        _rows(_xlsx(tmp_path / "lol.xlsx", "", before='<!DOCTYPE worksheet [<!ENTITY a "aaaa">]>'))


@pytest.mark.parametrize("rows", [
    _row(_cell("x", 16_384), 1_048_574),
    _row(_cell("x", 16_384)) * 2_000,
    _row(_cell("x", 4_000_000_000)),
    _row("<table:table-cell/>", 1_048_570) + _row('<table:table-cell table:number-columns-repeated="16000"/>'
                                                 + _cell("x")),
])
def test_repeated_cells_count_as_often_as_they_are_repeated(tmp_path: Path, rows: str) -> None:
    with pytest.raises(Refused, match="far out"):
        _rows(_ods(tmp_path / "repeated.ods", rows))


def test_empty_cells_up_to_the_edge_are_no_reason_to_refuse(tmp_path: Path) -> None:
    edge = _row('<table:table-cell table:style-name="ce1" table:number-columns-repeated="16384"/>', 1_048_574)
    rows = _row(_cell("A-1") + _cell("One")) + edge
    assert _rows(_ods(tmp_path / "edge.ods", rows)) == [["account_id", "name"], ["A-1", "One"]]


def test_cells_and_rows_without_their_own_numbers_follow_each_other(tmp_path: Path) -> None:
    rows = "<row><c><v>1</v></c><c><v>2</v></c></row>" * 3_000
    assert len(_rows(_xlsx(tmp_path / "bare.xlsx", rows))) == 3_001
