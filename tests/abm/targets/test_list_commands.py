"""abm lists on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from abm.accounts.models import Account
from abm.cli import main
from abm.targets.actions import refresh_list
from abm.targets.jobs import refresh_lists
from abm.targets.queries import find_list, get_list
from core import clock, db
from tests.factories import make_account, make_contact

RULES = "list: germans\ntitle: Germans\nwho: {field: account.country, is: DE}\n"


@pytest.fixture(autouse=True)
def _accounts(database: Any) -> None:
    with db.transaction() as session:
        for number, country in enumerate(["DE", "FR", "DE"]):
            account = make_account(session, external_id=f"X{number}", name=f"=Client {number}", country=country)
            make_contact(session, account)


def _file(folder: Path, text: str) -> str:
    path = folder / "list.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["lists", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_applying_a_file_twice_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = _run(capsys, "apply", _file(tmp_path, RULES))
    second = _run(capsys, "apply", _file(tmp_path, RULES))

    assert first == (0, "germans: created, 2 accounts (2 entered, 0 left)\n", "")
    assert second == (0, "germans: unchanged, 2 accounts\n", "")


def test_preview_counts_accounts_and_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "preview", _file(tmp_path, RULES), "--json")
    found = json.loads(out)

    assert code == 0
    assert (found["accounts"], found["contacts"]) == (2, 2)
    assert [each["account_id"] for each in found["sample"]] == ["X0", "X2"]
    assert set(found) == {"accounts", "contacts", "sample", "seconds"}


def test_a_wrong_file_is_refused_and_nothing_is_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "apply", _file(tmp_path, RULES.replace("country", "contry")))

    assert (code, out) == (2, "")
    assert 'who.field: "account.contry" is not a field here, did you mean "account.country"?' in err


def test_unknown_ids_of_a_static_list_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "apply", _file(tmp_path, "list: chosen\naccounts: [X1, 007]"))

    assert (code, out) == (1, "chosen: created, 1 accounts (1 entered, 0 left)\n")
    assert "007" in err


def test_members_are_written_with_formulas_defused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "apply", _file(tmp_path, RULES))

    code, _, said = _run(capsys, "members", "germans", "--csv", str(tmp_path / "out.csv"))

    assert (code, said) == (0, "")
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("X0,'=Client 0,")


def test_explain_says_each_condition_with_the_account_s_own_value(tmp_path: Path,
                                                                 capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "apply", _file(tmp_path, RULES))

    code, out, _ = _run(capsys, "explain", "germans", "X1")

    assert code == 0
    assert "is not in the list germans" in out
    assert "false  country is DE  [FR]" in out


@pytest.mark.parametrize(
    "arguments", [("members", "germens"), ("explain", "germans", "X9"), ("apply", "/no/such.yaml")])
def test_what_is_not_there_is_refused(arguments: tuple[str, ...], tmp_path: Path,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "apply", _file(tmp_path, RULES))

    assert _run(capsys, *arguments)[0] == 2


def test_a_list_that_would_hold_itself_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "apply", _file(tmp_path, RULES))
    _run(capsys, "apply", _file(tmp_path, "list: outer\nwho: {in_list: germans}"))

    code, _, err = _run(capsys, "apply", _file(tmp_path, "list: germans\nwho: {not: {in_list: outer}}"))

    assert code == 2
    assert "germans → outer → germans" in err


def test_a_refresh_lets_in_who_fits_now_and_keeps_the_others_day(tmp_path: Path,
                                                                capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "apply", _file(tmp_path, RULES))
    with db.transaction() as session:
        make_account(session, external_id="X9", country="DE")

    refresh_lists()

    with db.transaction() as session:
        assert get_list(session, "germans").member_count == 3
        assert refresh_list(session, name="germans").member_count == 3


@pytest.mark.parametrize("command", ["preview", "apply"])
def test_a_list_that_takes_too_long_is_given_up_and_nothing_is_saved(command: str, tmp_path: Path,
                                                                     capsys: pytest.CaptureFixture[str]) -> None:
    with db.transaction() as session:
        session.execute(insert(Account), [
            {"external_id": f"M{number}", "name": f"Many {number}", "name_key": f"many {number}", "is_sample": False,
             "created_at": clock.now(), "updated_at": clock.now()}
            for number in range(5_000)])
    file = _file(tmp_path, "list: slow\nwho: {not: {field: account.name, contains: zebra}}\n")

    code, _, said = _run(capsys, command, file, "--within", "0.001")

    assert code == 2
    assert "takes the database more than 0.001 seconds" in said
    with db.reading() as session:
        assert find_list(session, "slow") is None
    assert _run(capsys, command, file)[0] == 0


def test_the_lists_are_listed_with_their_accounts_and_what_sales_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "list") == (0, "No lists yet; `abm lists apply FILE` makes one\n", "")
    _run(capsys, "apply", _file(tmp_path, RULES))
    _run(capsys, "apply", _file(tmp_path, "list: chosen\naccounts: [X1]"))
    _run(capsys, "sign-off", "germans")
    signed = json.loads(_run(capsys, "list", "--json")[1])["lists"]
    text = _run(capsys, "list")[1]
    _run(capsys, "apply", _file(tmp_path, RULES.replace("DE", "FR")))
    changed = json.loads(_run(capsys, "list", "--json")[1])["lists"]

    assert [(one["list"], one["kind"], one["accounts"]) for one in signed] == [
        ("chosen", "static", 1), ("germans", "dynamic", 2)]
    assert signed[0]["sign_off"] is None
    assert (signed[1]["sign_off"]["state"], signed[1]["sign_off"]["accounts"]) == ("signed", 2)
    assert signed[1]["who"] == "Accounts whose country is DE."
    assert "signed off by" in text.splitlines()[1]
    assert "not signed off" in text.splitlines()[0]
    assert changed[1]["sign_off"]["state"] == "voided"
    assert changed[1]["accounts"] == 1
    assert changed[1]["changed_at"] > signed[1]["changed_at"]
    assert changed[0]["changed_at"] == signed[0]["changed_at"]
