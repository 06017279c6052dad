"""`abm import` as scripts use it."""

import json
from pathlib import Path

import pytest

from abm.cli import main

KEYS = {"kind", "read", "created", "updated", "unchanged", "rejected", "rejects_file", "seconds"}


def write(folder: Path, text: str) -> str:
    path = folder / "accounts.csv"
    path.write_text(text)
    return str(path)


def test_json_is_one_object_with_the_contracts_keys(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["import", "accounts", write(tmp_path, "account_id,name\nA1,Acme\n"), "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert (code, answer["created"], answer.keys() >= KEYS) == (0, 1, True)


def test_refused_rows_end_with_1_and_their_file(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = tmp_path / "bad.csv"
    code = main(
        ["import", "accounts", write(tmp_path, "account_id,name\nA1,Acme\nA2,\n"), "--rejects", str(rejects), "--json"]
    )
    assert (code, json.loads(capsys.readouterr().out)["rejects_file"]) == (1, str(rejects))
    assert rejects.read_text().splitlines()[1] == "A2,,3,name,name is empty"


@pytest.mark.parametrize(("text", "word"), [("", "empty"), ("account_id,title\nA1,x\n", "name"), ("\x89PNG", "table")])
def test_a_file_that_cannot_be_read_ends_with_2_and_one_sentence(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str], text: str, word: str
) -> None:
    path = tmp_path / "accounts.csv"
    path.write_bytes(text.encode("latin-1"))
    assert main(["import", "accounts", str(path)]) == 2
    assert word in capsys.readouterr().err


def test_a_misspelt_mapping_names_the_nearest_right_name(
    tmp_path: Path, database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text("columns: {nmae: company}")
    assert main(["import", "accounts", write(tmp_path, "account_id,company\nA1,Acme\n"), "--map", str(mapping)]) == 2
    assert "did you mean 'name'" in capsys.readouterr().err
