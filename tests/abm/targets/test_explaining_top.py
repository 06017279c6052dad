"""Why in and why out of a list cut to its first few: told from its members, without judging everybody again."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event

from abm.cli import main
from abm.targets.actions import save_list
from abm.targets.files import load_yaml, read_definition
from abm.targets.queries import get_list, iterate_members
from abm.targets.scopes import get_vocabulary
from core import db
from tests.factories import make_account, make_contact

LARGE = ("list: large\ntitle: Large\nwho: {has: contact, where: {field: contact.title, is: Buyer}}\n"
         "top: {by: account.employees, count: %s}\n")
# X4 has nobody who buys, X5 an unknown size
SIZES = {"X0": 500, "X1": 400, "X2": 400, "X3": 10, "X4": 900, "X5": None}


@pytest.fixture(autouse=True)
def _company(database: Any, at: Any) -> None:
    at(datetime(2026, 6, 15, 12, tzinfo=UTC))
    with db.transaction() as session:
        for name, size in SIZES.items():
            account = make_account(session, external_id=name, name=f"Client {name}", employees=size)
            make_contact(session, account, title="Clerk" if name == "X4" else "Buyer")


def _apply(text: str) -> None:
    with db.transaction() as session:
        save_list(session, definition=read_definition(load_yaml(text), get_vocabulary(session)))


def _members(name: str) -> set[str]:
    with db.reading() as session:
        return {row[0] for row in iterate_members(session, list_id=get_list(session, name).id)}


def _told(capsys: pytest.CaptureFixture[str], name: str, account: str) -> dict[str, Any]:
    assert main(["lists", "explain", name, account, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_the_explanation_agrees_with_the_members_whatever_the_cut(capsys: pytest.CaptureFixture[str],
                                                                  count: int) -> None:
    _apply(LARGE % count)
    told = {name: _told(capsys, "large", name) for name in SIZES}
    assert {name for name, one in told.items() if one["is_in"]} == _members("large")
    places = {name: one["rank"] for name, one in told.items() if one["rank"] is not None}
    assert places == dict(list({"X0": 1, "X1": 2, "X2": 3, "X3": 4, "X5": 5}.items())[:count])


def test_who_is_cut_off_is_told_how_much_the_last_one_has(capsys: pytest.CaptureFixture[str]) -> None:
    _apply(LARGE % 2)
    assert _told(capsys, "large", "X3")["cut"] == {"by": "account.employees", "count": 2, "own": 10, "last": 400}
    main(["lists", "explain", "large", "X3"])
    assert "cut off: the 2 places go to those with at least 400 by number of employees, it has 10" in (
        capsys.readouterr().out)


def test_a_list_that_is_not_full_says_how_many_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    _apply(LARGE % 9)
    told = _told(capsys, "large", "X3")
    assert (told["rank"], told["candidates"], told["cut"]) == (4, 5, None)


def test_a_place_that_a_veto_made_free_belongs_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    _apply(LARGE % 2)
    main(["lists", "veto", "large", "X0", "--reason", "no", "--until", "2026-06-20"])
    capsys.readouterr()
    assert _members("large") == {"X1", "X2"}
    assert {name: _told(capsys, "large", name)["is_in"] for name in SIZES} == {
        "X0": False, "X1": True, "X2": True, "X3": False, "X4": False, "X5": False}


def test_the_page_says_where_the_list_was_cut(client_as: Any) -> None:
    _apply(LARGE % 2)
    page = " ".join(client_as("viewer").get("/lists/large/why/X3").get_data(as_text=True).split())
    assert "Cut off" in page
    assert "at least 400" in page
    assert "Place 2 of the 2" in " ".join(
        client_as("viewer").get("/lists/large/why/X1").get_data(as_text=True).split())


def test_nobody_else_is_judged_by_the_rules(capsys: pytest.CaptureFixture[str]) -> None:
    _apply(LARGE % 2)
    _apply("list: outer\nwho: {in_list: large}\ntop: {by: account.employees, count: 1}\n")
    asked: list[str] = []

    @event.listens_for(db.engine(), "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        asked.append(" ".join(statement.split()))

    try:
        _told(capsys, "outer", "X1")
        outer = [one for one in asked if "contact" in one]
        asked.clear()
        _told(capsys, "large", "X1")
        own = [one for one in asked if "FROM contact" in one]
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
    assert outer == []
    assert len(own) == 1
    assert "account.id =" in own[0]
