import csv
import json
from pathlib import Path

import pytest

from abm.analysis.commands import analyse
from abm.analysis.jobs import carry_out_analysis
from abm.analysis.queries import list_runs
from abm.analysis.results import EXPORT_COLUMNS
from core.db import reading, transaction
from core.errors import Refused
from tests.abm.analysis.companies import load_company


@pytest.fixture
def northwind(database: Path) -> Path:
    with transaction() as session:
        load_company(session, "northwind")
    return database


def run(*arguments: str) -> None:
    analyse.main(list(arguments), standalone_mode=False)


def test_json_is_one_object_and_nothing_else(northwind: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--json", "--period", "month")
    totals = json.loads(capsys.readouterr().out)
    assert (totals["abc"], totals["accounts"]) == ({"A": 34, "B": 27, "C": 28}, 89)


def test_export_is_written_in_full_precision_with_empties(northwind: Path, tmp_path: Path) -> None:
    run("--export", str(tmp_path / "out.csv"), "--period", "month")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(EXPORT_COLUMNS)
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1, abs=1e-12)
    assert {row["p_alive"] for row in rows} == {""}
    assert [row["median_gap_days"] for row in rows if row["order_days"] == "1"] == [""]


def test_people_get_sentences(northwind: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("--as-of", "1998-05-06")
    assert "89 accounts with 830 orders from 1996-07-04 to 1998-05-06" in capsys.readouterr().out


def test_no_orders_is_refused_and_the_run_says_why(database: Path) -> None:
    with pytest.raises(Refused, match="no orders"):
        run("--json")
    with reading() as session:
        assert [(kept.state, bool(kept.error)) for kept in list_runs(session)] == [("failed", True)]


def test_a_folder_that_is_not_there_is_refused_before_anything_runs(northwind: Path) -> None:
    with pytest.raises(Refused, match="does not exist"):
        run("--export", "/nowhere/at/all.csv")
    with reading() as session:
        assert not list_runs(session)


def test_the_job_carries_out_a_planned_run_once(northwind: Path) -> None:
    from abm.analysis.actions import Wanted, plan_analysis

    with transaction() as session:
        planned = plan_analysis(session, Wanted()).id
    carry_out_analysis(planned)
    carry_out_analysis(planned)
    with reading() as session:
        assert [(kept.state, kept.period) for kept in list_runs(session)] == [("done", "quarter")]


def test_another_factor_is_analysed_and_exported_with_its_own_key(northwind: Path, tmp_path: Path,
                                                                  capsys: pytest.CaptureFixture[str]) -> None:
    run("--by", "region", "--export", str(tmp_path / "out.csv"), "--json")
    assert json.loads(capsys.readouterr().out)["accounts"] == 1
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == ",".join(("region", *EXPORT_COLUMNS[1:]))


def test_compare_adds_who_moved_to_the_json(northwind: Path, tmp_path: Path,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    run("--as-of", "1998-03-01", "--json", "--compare")
    assert json.loads(capsys.readouterr().out)["compared"] is None
    run("--json", "--compare", "--moves", str(tmp_path / "moves.csv"))
    compared = json.loads(capsys.readouterr().out)["compared"]
    assert set(compared["moves"]) == {"abc", "xyz", "rhythm", "segment"}
    with (tmp_path / "moves.csv").open(encoding="utf-8", newline="") as file:
        assert all(row["why"] for row in csv.DictReader(file))
