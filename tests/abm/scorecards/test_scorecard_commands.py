import csv
import json
import sys

import pytest

from abm import cli
from abm.scorecards.files import to_yaml
from core import db
from tests.abm.scorecards.companies import definition_of, make_buyers


@pytest.fixture
def file(database, tmp_path):
    with db.transaction() as session:
        make_buyers(session, 10, 20, 30)
    path = tmp_path / "card.yaml"
    path.write_text(to_yaml(definition_of()), "utf-8")
    return path


def run(capsys, *arguments):
    code = cli.main(["scorecards", *map(str, arguments)])
    return code, capsys.readouterr()


def test_from_a_file_to_a_ranking(file, capsys, tmp_path):
    assert run(capsys, "apply", file)[0] == 0
    assert run(capsys, "rank", "sales-and-trust")[0] == 2
    assert run(capsys, "publish", "sales-and-trust", "--note", "first")[0] == 0
    _code, said = run(capsys, "rank", "sales-and-trust", "--json")
    found = json.loads(said.out)
    assert [(row["place"], row["account_id"], row["score"]) for row in found["accounts"]] == [
        (1, "B30", 100.0), (2, "B20", 50.0), (3, "B10", 0.0)]
    run(capsys, "rank", "sales-and-trust", "--csv", tmp_path / "rank.csv")
    with (tmp_path / "rank.csv").open(encoding="utf-8") as opened:
        assert [row["account_id"] for row in csv.DictReader(opened)] == ["B30", "B20", "B10"]


def test_a_rating_by_command_is_explained(file, capsys):
    run(capsys, "apply", file)
    run(capsys, "publish", "sales-and-trust")
    assert run(capsys, "rate", "sales-and-trust", "B20", "trust", "100", "--evidence", "Visit")[0] == 0
    found = json.loads(run(capsys, "explain", "sales-and-trust", "B20", "--json")[1].out)
    assert found["score"] == pytest.approx(70)
    assert found["criteria"][1]["words"] == "Much"
    assert found["criteria"][1]["rated_by"] == "system"
    assert "Sales" in run(capsys, "explain", "sales-and-trust", "B20")[1].out


def test_versions_are_rolled_back_by_command(file, capsys):
    run(capsys, "apply", file)
    run(capsys, "publish", "sales-and-trust")
    assert run(capsys, "publish", "sales-and-trust")[0] == 2
    assert run(capsys, "roll-back", "sales-and-trust", "--to", "7")[0] == 2
    listed = json.loads(run(capsys, "list", "--json")[1].out)["scorecards"]
    assert [(row["name"], row["version"], row["ranked"]) for row in listed] == [("sales-and-trust", 1, 3)]


def test_shipped_ones_are_brought_in_and_tested(file, capsys):
    assert "golden-key" in run(capsys, "ship")[1].out
    code, said = run(capsys, "back-test", "potential", "--json")
    assert code == 2
    assert "orders" in said.err


def test_a_wrong_file_is_refused_with_places(database, capsys, tmp_path):
    path = tmp_path / "card.yaml"
    path.write_text("scorecard: x\ncriteria: [{id: a, by: orders.valu}]", "utf-8")
    code, said = run(capsys, "apply", path)
    assert code == 2
    assert "criteria[0].by" in said.err


def test_publishing_for_a_large_company_leaves_the_computing_to_a_worker(file, capsys, monkeypatch, queue_server):
    from abm.scorecards import actions
    from core.jobs import JOBS

    monkeypatch.setattr(actions, "AT_ONCE_UP_TO", 2)
    monkeypatch.delitem(JOBS, "scorecards.compute", raising=False)
    monkeypatch.delitem(sys.modules, "abm.scorecards.jobs", raising=False)
    run(capsys, "apply", file)
    assert run(capsys, "publish", "sales-and-trust")[0] == 0
    assert json.loads(run(capsys, "rank", "sales-and-trust", "--json")[1].out)["accounts"] == []
