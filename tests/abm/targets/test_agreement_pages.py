"""Vetoes, sign-off, capacity, changes and the two views of the rules in the browser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from abm.targets.actions import save_list
from abm.targets.files import load_yaml, read_definition
from abm.targets.queries import get_list, iterate_members
from abm.targets.scopes import get_vocabulary
from core import clock, db
from tests.factories import make_account, make_contact

RULES = "list: germans\ntitle: Germans\nwho:\n  all:\n  - {field: account.country, is: DE}\n"


@pytest.fixture(autouse=True)
def _accounts(database: Any) -> None:
    with db.transaction() as session:
        for number, country in enumerate(["DE", "FR", "DE"]):
            make_contact(session, make_account(session, external_id=f"X{number}", name=f"Client {number}",
                                               country=country, tier="1"))
        save_list(session, definition=read_definition(load_yaml(RULES), get_vocabulary(session)))


def _members() -> set[str]:
    with db.reading() as session:
        return {row[0] for row in iterate_members(session, list_id=get_list(session, "germans").id)}


@contextmanager
def _statements() -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        said.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    yield said
    event.remove(db.engine(), "before_cursor_execute", note)


def test_sales_vetoes_an_account_and_lifts_it_again(client_as: Callable[..., Any]) -> None:
    sales = client_as("sales")
    sales.post("/lists/germans/vetoes", data={"account_id": "X0", "reason": "In talks", "until": "2099-01-01"})
    refused = sales.get("/lists/germans/agreement").data.decode()
    sales.post("/lists/germans/vetoes", data={"account_id": "X0", "reason": "In talks", "until": _next_month()})
    during, shown = _members(), sales.get("/lists/germans/agreement").data.decode()
    why = sales.get("/lists/germans/why/X0").data.decode()
    sales.post("/lists/germans/vetoes/lift", data={"account_id": "X0"})

    assert "No veto stands" in refused
    assert during == {"X2"}
    assert "In talks" in shown
    assert "Client 0 is not in" in why
    assert _members() == {"X0", "X2"}


def _next_month() -> str:
    return (clock.now() + timedelta(days=30)).date().isoformat()


@pytest.mark.parametrize(("typed", "said"), [
    ({"account_id": "nobody", "reason": "x", "until": "2026-01-01"}, "No account has this id"),
    ({"account_id": "X0", "reason": "", "until": "tomorrow"}, "Say why"),
    ({"account_id": "X0", "reason": "kept as typed", "until": "2020-01-01"}, "kept as typed"),
])
def test_a_wrong_veto_keeps_what_was_typed_and_says_why(client_as: Callable[..., Any], typed: dict[str, str],
                                                        said: str) -> None:
    answer = client_as("sales").post("/lists/germans/vetoes", data=typed)

    assert answer.status_code == 422
    assert said in answer.data.decode()


@pytest.mark.parametrize(("role", "status"), [("sales", 302), ("admin", 302), ("marketer", 403), ("viewer", 403)])
def test_only_sales_and_administrators_sign_off_and_veto(client_as: Callable[..., Any], role: str, status: int) -> None:
    client = client_as(role)

    assert client.post("/lists/germans/sign-off", data={"note": "agreed"}).status_code == status
    assert client.post("/lists/germans/vetoes/lift", data={"account_id": "X0"}).status_code in (status, 404)


def test_a_sign_off_stands_until_the_rules_change(client_as: Callable[..., Any]) -> None:
    client_as("sales").post("/lists/germans/sign-off", data={"note": "As in the meeting"})
    marketer = client_as("marketer")
    before = marketer.get("/lists/germans/agreement").data.decode()
    marketer.post("/lists/germans/yaml", data={"yaml": RULES.replace("DE", "FR")})
    after = marketer.get("/lists/germans/agreement").data.decode()

    assert "As in the meeting" in before
    assert "the rules were changed by" in after
    assert "voided" in marketer.get("/lists").data.decode()


def test_changes_are_shown_and_exported(client_as: Callable[..., Any]) -> None:
    client = client_as("marketer")

    shown = client.get("/lists/germans/changes").data.decode()
    file = client.get("/lists/germans/changes/export.csv").data.decode()

    assert "<strong>0</strong> accounts" in shown
    assert "2 entered and 0 left" in shown
    assert [line.split(",")[:2] for line in file.splitlines()[1:]] in (
        [["entered", "X0"], ["entered", "X2"]], [["entered", "X2"], ["entered", "X0"]])


def test_hours_are_set_by_an_administrator_and_shown_on_the_list(client_as: Callable[..., Any]) -> None:
    admin = client_as("admin")
    form = {f"hours.{tier}.{crew}": "2" for tier in ("1", "2", "3", "") for crew in ("sellers", "callers", "marketers")}
    admin.post("/lists/-/capacity", data={**form, "available.sellers": "3"})
    wrong = admin.post("/lists/-/capacity", data={**form, "available.sellers": "many"})

    assert "short of sellers" in admin.get("/lists/germans/capacity").data.decode()
    assert wrong.status_code == 422
    assert "many" in wrong.data.decode()


def test_members_are_filtered_sorted_and_exported_as_shown(client_as: Callable[..., Any]) -> None:
    client = client_as("marketer")

    found = client.get("/lists/germans?q=Client+2&sort=-since").data.decode()
    file = client.get("/lists/germans/members.csv?q=Client+2").data.decode()

    assert "Client 2" in found
    assert "Client 0" not in found
    assert [line.split(",")[0] for line in file.splitlines()] == ["account_id", "X2"]


def test_the_builder_and_the_yaml_lead_to_each_other_without_saving(client_as: Callable[..., Any]) -> None:
    client = client_as("marketer")
    typed = {"title": "Germans", "name": "germans", "is_saved": "yes", "who.kind": "all", "who.0.kind": "condition",
             "who.0.field": "account.country", "who.0.op": "is", "who.0.value": "AT", "who.1.kind": "condition"}

    yaml = client.post("/lists/-/to-yaml", data=typed).data.decode()
    builder = client.post("/lists/-/to-builder", data={"is_saved": "yes", "name": "germans",
                                                       "yaml": RULES.replace("DE", "AT")}).data.decode()

    assert "{field: account.country, is: AT}" in yaml
    assert 'name="who.0.value" value="AT"' in builder
    assert "leave (Client 0, Client 2)" in builder
    assert _members() == {"X0", "X2"}


def test_every_slip_in_the_yaml_is_shown_at_its_line(client_as: Callable[..., Any]) -> None:
    text = (RULES + "  - {field: account.contry, is: DE}\n  - {field: account.employees, is_bigger: 5}\n"
            "top: {by: x, count: 1}\n")

    answer = client_as("marketer").post("/lists/-/yaml/check", data={"yaml": text}).data.decode()

    assert "<strong>Line 6</strong> who.all[1].field" in answer
    assert "<strong>Line 7</strong> who.all[2].is_bigger" in answer
    assert "<strong>Line 8</strong> top.by" in answer


def test_yaml_that_cannot_be_read_is_shown_at_its_line(client_as: Callable[..., Any]) -> None:
    answer = client_as("marketer").post("/lists/-/yaml/check", data={"yaml": "list: x\nwho: {field: [\n"}).data.decode()

    assert "<strong>Line 3</strong>" in answer


def test_what_enters_and_leaves_is_said_while_the_yaml_is_written(client_as: Callable[..., Any]) -> None:
    answer = client_as("marketer").post("/lists/-/yaml/check", data={
        "yaml": RULES.replace("DE", "FR"), "is_saved": "yes", "name": "germans"}).data.decode()

    assert "<strong>1</strong> enter (Client 1) and <strong>2</strong> leave (Client 0, Client 2)" in answer


@pytest.mark.parametrize(("path", "most"), [
    ("/lists", 12), ("/lists/germans", 17), ("/lists/germans/agreement", 20), ("/lists/germans/changes", 24)])
def test_a_page_asks_the_database_a_few_times_whatever_the_number_of_accounts(
        client_as: Callable[..., Any], path: str, most: int) -> None:
    client = client_as("marketer")
    client.get(path)
    with _statements() as few:
        client.get(path)
    with db.transaction() as session:
        for number in range(60):
            make_account(session, name=f"Firm {number}", country="DE")
    client.post("/lists/germans/refresh")
    with _statements() as many:
        client.get(path)

    assert len(many) <= len(few) + 1
    assert len(many) <= most
