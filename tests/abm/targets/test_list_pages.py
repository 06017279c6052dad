"""Lists in the browser."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from abm.accounts.models import Account
from abm.targets import builder_pages
from abm.targets.actions import save_list
from abm.targets.builder import to_form
from abm.targets.files import load_yaml, read_definition
from abm.targets.forms import form_of
from abm.targets.queries import get_list, iterate_members
from abm.targets.scopes import get_vocabulary
from core import db
from tests.factories import make_account, make_contact

RULES = """
list: german-or-large
title: German or large
who:
  any:
  - {field: account.country, is: DE}
  - not: {field: account.employees, at_most: 100}
  - {has: contact, where: {any: [{field: contact.title, contains: buyer}, {field: contact.influence, more_than: 3}]}}
top: {by: account.employees, count: 50}
"""


@pytest.fixture(autouse=True)
def _accounts(database: Any) -> None:
    with db.transaction() as session:
        for number, country in enumerate(["DE", "FR", "DE", None]):
            account = make_account(session, external_id=f"X{number}", name=f"Client {number}", country=country,
                                   employees=number * 20)
            make_contact(session, account)


@pytest.fixture
def marketer(client_as: Callable[..., Any]) -> Any:
    return client_as("marketer")


def _save(text: str) -> None:
    with db.transaction() as session:
        save_list(session, definition=read_definition(load_yaml(text), get_vocabulary(session)))


def _members(name: str) -> set[str]:
    with db.reading() as session:
        return {row[0] for row in iterate_members(session, list_id=get_list(session, name).id)}


def _typed(**more: str) -> dict[str, str]:
    return {"title": "Germans", "who.kind": "all", "who.0.kind": "condition", "who.0.field": "account.country",
            "who.0.op": "is", "who.0.value": "Germany", **more}


def test_an_empty_page_says_what_a_list_is_for(marketer: Any) -> None:
    assert b"A list says in rules who is meant" in marketer.get("/lists").data


def test_what_the_builder_sends_becomes_a_list_with_its_members(marketer: Any) -> None:
    answer = marketer.post("/lists/-/new", data=_typed())

    assert answer.status_code == 302, answer.data.decode()
    assert _members("germans") == {"X0", "X2"}


def test_the_count_answers_while_typing_and_saves_nothing(marketer: Any) -> None:
    answer = marketer.post("/lists/-/count", data=_typed(), headers={"HX-Request": "true"}).data.decode()

    assert 'data-count="accounts">2<' in answer
    assert "Client 0" in answer
    assert "No lists yet" in marketer.get("/lists").data.decode()


def test_a_condition_still_being_typed_is_not_counted_yet(marketer: Any) -> None:
    typed = _typed(**{"who.1.kind": "condition", "who.1.field": "account.industry", "who.1.op": "is"})

    answer = marketer.post("/lists/-/count", data=typed).data.decode()

    assert 'data-count="accounts">2<' in answer
    assert "1 condition is not finished" in answer


def test_a_wrong_value_is_said_beside_its_own_condition(marketer: Any) -> None:
    typed = _typed(**{"who.1.kind": "condition", "who.1.field": "account.industry", "who.1.op": "is", "who.1.value": "",
                      "who.2.kind": "condition", "who.2.field": "account.employees", "who.2.op": "is",
                      "who.2.value": "many"})

    answer = marketer.post("/lists/-/count", data=typed).data.decode()

    assert '<div class="rule-error" id="error-who-2" role="alert" hx-swap-oob="true">expected a number' in answer


def test_saving_with_a_mistake_keeps_everything_that_was_typed(marketer: Any) -> None:
    typed = _typed(**{"who.1.kind": "condition", "who.1.field": "account.employees", "who.1.op": "is",
                      "who.1.value": "a <b> great many"})

    answer = marketer.post("/lists/-/new", data=typed)

    assert answer.status_code == 422
    assert 'value="a &lt;b&gt; great many"' in answer.data.decode()
    assert 'value="Germany"' in answer.data.decode()


def test_a_list_without_any_condition_is_refused(marketer: Any) -> None:
    answer = marketer.post("/lists/-/new", data={"title": "Everybody"})

    assert answer.status_code == 422
    assert "say who belongs to the list" in answer.data.decode()


def test_a_click_adds_a_row_and_keeps_the_others(marketer: Any) -> None:
    answer = marketer.post("/lists/-/builder", data=_typed(do="has:contact@who"), headers={"HX-Request": "true"})
    page = answer.data.decode()

    assert 'name="who.1.has" value="contact"' in page
    assert 'value="Germany"' in page


def test_a_click_on_remove_takes_only_that_row(marketer: Any) -> None:
    typed = _typed(do="remove@who.0", **{"who.1.kind": "list", "who.1.list": "other"})

    page = marketer.post("/lists/-/builder", data=typed, headers={"HX-Request": "true"}).data.decode()

    assert "Germany" not in page
    assert 'name="who.0.list"' in page


@pytest.mark.parametrize("view", ["edit", "yaml"])
def test_a_saved_lists_rules_come_before_they_are_counted(marketer: Any, monkeypatch: pytest.MonkeyPatch,
                                                          view: str) -> None:
    _save(RULES)
    monkeypatch.setattr(builder_pages, "preview", lambda *_: pytest.fail("counted before the page was there"))

    page = marketer.get(f"/lists/german-or-large/{view}").data.decode()

    assert 'hx-trigger="load, input delay:350ms' in page
    assert "Being counted as it stands now" in page
    assert 'class="figure-value">2<' in page


def test_a_saved_list_opens_in_the_builder_and_saves_unchanged(marketer: Any) -> None:
    _save(RULES)
    with db.reading() as session:
        row = get_list(session, "german-or-large")
        before = (row.who, row.top)
        form = form_of(read_definition(load_yaml(RULES), get_vocabulary(session)))
    page = marketer.get("/lists/german-or-large/edit")

    answer = marketer.post("/lists/german-or-large/edit", data={**form.typed, **to_form(form.rows)})

    assert page.status_code == 200
    assert answer.status_code == 302, answer.data.decode()
    with db.reading() as session:
        row = get_list(session, "german-or-large")
        assert (row.who, row.top) == before


def test_changed_rules_say_who_would_enter_and_leave(marketer: Any) -> None:
    _save("list: germans\nwho: {field: account.country, is: DE}\n")
    typed = {**_typed(name="germans", is_saved="yes"), "who.0.value": "FR"}

    answer = marketer.post("/lists/-/count", data=typed).data.decode()

    assert "<strong>1</strong> enter (Client 1)" in answer
    assert "<strong>2</strong> leave (Client 0, Client 2)" in answer


def test_an_account_says_why_it_is_in(marketer: Any) -> None:
    _save(RULES)

    page = marketer.get("/lists/german-or-large/why/X0", headers={"HX-Request": "true"}).data.decode()

    assert "Client 0 is in" in page
    assert "country is DE" in page


def test_yaml_saved_in_the_browser_is_refused_with_the_place(marketer: Any) -> None:
    answer = marketer.post("/lists/-/yaml", data={"yaml": "list: x\nwho: {field: account.contry, is: DE}"})

    assert answer.status_code == 422
    assert "who.field: &#34;account.contry&#34; is not a field here, did you mean" in answer.data.decode()


def test_accounts_chosen_by_hand_go_in_and_out(marketer: Any) -> None:
    marketer.post("/lists/-/by-hand", data={"title": "Chosen", "accounts": "X1 X3"})
    marketer.post("/lists/chosen/accounts", data={"account_id": "X0"})
    marketer.post("/lists/chosen/accounts/remove", data={"account_id": ["X1"]})

    assert _members("chosen") == {"X0", "X3"}


def test_a_selection_of_accounts_becomes_a_new_list(marketer: Any) -> None:
    marketer.post("/lists/-/selection", data={"account_id": ["X1", "X2"], "title": "Fair 2026"})

    assert _members("fair-2026") == {"X1", "X2"}


def test_searching_an_account_offers_it(marketer: Any) -> None:
    page = marketer.get("/lists/-/accounts?search=client 2&list=chosen").data.decode()

    assert "Client 2" in page
    assert "Client 1" not in page


def test_suggestions_are_values_that_the_data_has(marketer: Any) -> None:
    assert b'value="FR"' in marketer.get("/lists/-/values?field=account.country").data


def test_an_export_defuses_what_a_spreadsheet_would_run(marketer: Any) -> None:
    with db.transaction() as session:
        session.scalars(select(Account).where(Account.external_id == "X0")).one().name = "=HYPERLINK(1)"
    _save("list: germans\nwho: {field: account.country, is: DE}\n")

    csv = marketer.get("/lists/germans/members.csv").data.decode()

    assert "X0,'=HYPERLINK(1)," in csv
    assert marketer.get("/lists/germans/members.xlsx").data[:2] == b"PK"


def test_a_viewer_sees_lists_and_changes_none(client_as: Callable[..., Any]) -> None:
    _save(RULES)
    viewer = client_as("viewer")

    assert viewer.get("/lists/german-or-large").status_code == 200
    assert viewer.get("/lists/german-or-large/edit").status_code == 403
    assert viewer.post("/lists/german-or-large/delete").status_code == 403


def test_members_come_page_by_page_in_the_order_of_names(marketer: Any) -> None:
    with db.transaction() as session:
        for number in range(60):
            make_account(session, name=f"Firm {number:02}", country="DE")
    _save("list: germans\nwho: {field: account.country, is: DE}\n")
    first = marketer.get("/lists/germans").data.decode()
    start = first.index('rel="next"')
    next_url = first[first.rindex('href="', 0, start) + 6:start].split('"')[0].replace("&amp;", "&")

    second = marketer.get(next_url).data.decode()

    assert "Firm 47" in first
    assert "Firm 48" not in first
    assert "Firm 48" in second
    assert "Firm 47" not in second


def test_a_list_that_another_one_names_is_not_deleted(marketer: Any) -> None:
    _save(RULES)
    _save("list: outer\nwho: {in_list: german-or-large}\n")

    answer = marketer.post("/lists/german-or-large/delete")

    assert answer.status_code == 409
    assert b"used by the list outer" in answer.data


def test_a_hostile_name_is_shown_as_text(marketer: Any) -> None:
    with db.transaction() as session:
        make_account(session, name="<img src=x onerror=alert(1)>", country="DE")
    _save("list: germans\nwho: {field: account.country, is: DE}\n")

    assert b"<img src=x" not in marketer.get("/lists/germans").data
