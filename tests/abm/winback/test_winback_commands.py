"""`abm winback` on the command line."""

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from abm.analysis.actions import set_thresholds
from abm.analysis.models import AnalysisRun
from abm.analysis.thresholds import Thresholds
from abm.cli import main
from abm.winback.jobs import detect_after_analysis
from abm.winback.losses import month_ends, update_loss_months
from abm.winback.models import Case, LossMonth
from abm.winback.queries import EXPORT_COLUMNS
from core import db
from tests.abm.winback.companies import bring_orders


@pytest.fixture
def northwind(database: Path) -> None:
    with db.transaction() as session:
        bring_orders(session, "northwind")


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert main(["winback", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("northwind")
def test_detect_answers_with_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, "detect")
    wanted = {"as_of": "1998-05-06", "lapsed": 8, "opened": 8, "already_open": 0, "won_back": 0, "let_go": 0}
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.usefixtures("northwind")
def test_detecting_twice_opens_nothing_new(capsys: pytest.CaptureFixture[str]) -> None:
    _json(capsys, "detect")
    assert (_json(capsys, "detect")["opened"], _json(capsys, "detect")["already_open"]) == (0, 8)


@pytest.mark.usefixtures("northwind")
def test_an_earlier_day_can_be_looked_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert _json(capsys, "detect", "--as-of", "1997-12-31")["as_of"] == "1997-12-31"


@pytest.mark.usefixtures("northwind")
def test_cases_are_written_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["winback", "detect"])
    assert main(["winback", "cases", "--csv", str(tmp_path / "cases.csv")]) == 0
    with (tmp_path / "cases.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == EXPORT_COLUMNS
    assert len({row["account_id"] for row in rows}) == 8
    assert all(float(row["overdue_ratio"]) > 2 for row in rows)


@pytest.mark.usefixtures("northwind")
def test_cases_are_listed_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    main(["winback", "detect"])
    capsys.readouterr()
    assert main(["winback", "cases"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9


@pytest.mark.usefixtures("database")
def test_without_orders_detect_is_refused_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["winback", "detect", "--json"]) == 2
    assert capsys.readouterr().err.startswith("There are no orders to look at")


@pytest.mark.usefixtures("northwind")
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["winback", "cases", "--csv", str(tmp_path / "none" / "cases.csv")]) == 3
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.usefixtures("northwind")
def test_cases_follow_an_analysis_once() -> None:
    detect_after_analysis()
    with db.transaction() as session:
        assert session.scalars(select(Case)).all() == []
        moment = datetime.now(UTC)
        session.add(AnalysisRun(state="done", period="month", value_kind="revenue", totals={}, started_at=moment,
                                finished_at=moment))
    detect_after_analysis()
    with db.reading() as session:
        assert len(session.scalars(select(Case)).all()) == 8


def test_the_years_curve_ends_with_the_last_day() -> None:
    assert month_ends(date(1998, 5, 6), 3) == [date(1998, 3, 31), date(1998, 4, 30), date(1998, 5, 6)]


@pytest.mark.usefixtures("northwind")
def test_a_month_is_counted_again_only_when_its_orders_changed() -> None:
    with db.transaction() as session:
        update_loss_months(session, last_day=date(1998, 5, 6))
        first = session.scalars(select(LossMonth).order_by(LossMonth.ended_on)).all()
        assert (len(first), first[-1].lapsed) == (13, 8)
        first[0].lapsed, first[-1].lapsed, first[-1].order_days = 999, 999, 0
        update_loss_months(session, last_day=date(1998, 5, 6))
        assert (first[0].lapsed, first[-1].lapsed) == (999, 8)


@pytest.mark.usefixtures("northwind")
def test_the_curve_is_drawn_by_the_companys_thresholds_and_drawn_again_when_they_change() -> None:
    with db.transaction() as session:
        update_loss_months(session, last_day=date(1998, 5, 6))
        last = session.get_one(LossMonth, date(1998, 5, 6))
        usual = last.lapsed
        set_thresholds(session, lines=Thresholds(slowing_up_to=4.0))
        update_loss_months(session, last_day=date(1998, 5, 6))
        assert last.lapsed < usual == 8
