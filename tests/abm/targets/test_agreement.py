"""What sales says to a list: vetoes that end, sign-offs that a change of the rules voids; and who was in it when."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from abm.accounts.models import AccountEvent
from abm.audit.models import AuditEntry
from abm.cli import main
from abm.company.actions import set_company_value
from abm.targets.actions import add_accounts, save_list
from abm.targets.agreement_queries import find_sign_off
from abm.targets.capacity import reckon
from abm.targets.files import load_yaml, read_definition
from abm.targets.jobs import refresh_lists
from abm.targets.queries import find_account_ids, get_account_by_external_id, get_list, iterate_members
from abm.targets.scopes import get_vocabulary
from core import db
from tests.factories import make_account, make_user

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
GERMANS = "list: germans\ntitle: Germans\nwho: {field: account.country, is: DE}\n"
CHOSEN = "list: chosen\naccounts: [X0, X1]\n"


@pytest.fixture(autouse=True)
def _accounts(database: Any, at: Any) -> None:
    at(NOW)
    with db.transaction() as session:
        for number, country in enumerate(["DE", "FR", "DE"]):
            make_account(session, external_id=f"X{number}", name=f"Client {number}", country=country,
                         tier="12"[number % 2])
        make_user(session, email="anna@example.com", name="Anna", role="sales")
        make_user(session, email="max@example.com", name="Max", role="marketer")
    _apply(GERMANS)
    _apply(CHOSEN)


def _apply(text: str) -> None:
    with db.transaction() as session:
        save_list(session, definition=read_definition(load_yaml(text), get_vocabulary(session)))


def _members(name: str) -> set[str]:
    with db.reading() as session:
        return {row[0] for row in iterate_members(session, list_id=get_list(session, name).id)}


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["lists", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def _veto(capsys: pytest.CaptureFixture[str], name: str, *more: str) -> tuple[int, str, str]:
    return _run(capsys, "veto", name, "X0", "--reason", "In talks", "--until", "2026-06-20", *more)


@pytest.mark.parametrize("name", ["germans", "chosen"])
def test_a_vetoed_account_leaves_until_the_day_and_comes_back_after_it(name: str, at: Any,
                                                                       capsys: pytest.CaptureFixture[str]) -> None:
    before = _members(name)
    assert _veto(capsys, name, "--by", "anna@example.com")[0] == 0
    during = _members(name)
    at(datetime(2026, 6, 20, 23, tzinfo=UTC))
    refresh_lists()
    on_the_last_day = _members(name)
    at(datetime(2026, 6, 21, 1, tzinfo=UTC))
    refresh_lists()

    assert during == on_the_last_day == before - {"X0"}
    assert _members(name) == before


def test_a_lifted_veto_lets_the_account_back_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    _veto(capsys, "chosen")

    assert _run(capsys, "unveto", "chosen", "X0")[0] == 0
    assert _members("chosen") == {"X0", "X1"}
    assert _run(capsys, "unveto", "chosen", "X0")[0] == 2


@pytest.mark.parametrize("name", ["germans", "chosen"])
def test_explain_says_who_keeps_a_vetoed_account_out_until_when_and_why(name: str,
                                                                        capsys: pytest.CaptureFixture[str]) -> None:
    _veto(capsys, name, "--by", "anna@example.com")

    assert "Anna keeps it out until 2026-06-20: In talks" in _run(capsys, "explain", name, "X0")[1]
    told = json.loads(_run(capsys, "explain", name, "X0", "--json")[1])
    assert (told["is_in"], told["veto"]) == (False, {"reason": "In talks", "until": "2026-06-20", "by": "Anna"})


def test_a_list_that_names_another_does_without_its_vetoed(capsys: pytest.CaptureFixture[str]) -> None:
    _apply("list: outer\nwho: {in_list: germans}\n")
    _veto(capsys, "germans")
    refresh_lists()

    assert _members("outer") == {"X2"}


def test_a_vetoed_place_among_the_top_goes_to_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    _apply("list: best\nwho: {field: account.name, contains: client}\ntop: {by: account.created_at, count: 1}\n")
    first = _members("best")

    _run(capsys, "veto", "best", *first, "--reason", "no", "--until", "2026-06-20")

    assert len(_members("best")) == 1
    assert _members("best") != first


def test_a_vetoed_account_cannot_be_put_in_by_hand_and_enters_when_the_veto_ends(
        capsys: pytest.CaptureFixture[str]) -> None:
    _apply("list: chosen\naccounts: [X1]\n")
    _veto(capsys, "chosen")
    with db.transaction() as session:
        add_accounts(session, name="chosen", account_ids=list(find_account_ids(session, ["X0"]).values()))
    assert _members("chosen") == {"X1"}

    _run(capsys, "unveto", "chosen", "X0")

    assert _members("chosen") == {"X0", "X1"}


def test_a_veto_is_on_the_timeline_and_in_the_audit_log_under_its_author(capsys: pytest.CaptureFixture[str]) -> None:
    _veto(capsys, "germans", "--by", "anna@example.com")

    with db.transaction() as session:
        account = get_account_by_external_id(session, "X0")
        event = session.scalars(select(AccountEvent).where(AccountEvent.account_id == account.id)).one()
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "list.veto")).one()
        session.expunge_all()
    assert (event.title, event.text) == ("Vetoed for the list Germans until 2026-06-20", "In talks")
    assert (entry.actor, entry.subject_id) == ("Anna", "germans")


@pytest.mark.parametrize(("arguments", "said"), [
    (("--reason", "x", "--until", "2026-06-14"), "later"), (("--reason", " ", "--until", "2026-06-20"), "why"),
    (("--reason", "x", "--until", "2036-06-14"), "three years"),
    (("--reason", "x", "--until", "2026-06-20", "--by", "max@example.com"), "role sales"),
])
def test_a_veto_without_reason_day_or_right_is_refused(arguments: tuple[str, ...], said: str,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = _run(capsys, "veto", "germans", "X0", *arguments)

    assert code == 2
    assert said in error
    assert _members("germans") == {"X0", "X2"}


def _sign_off(name: str) -> Any:
    with db.reading() as session:
        signed = find_sign_off(session, list_id=get_list(session, name).id)
        session.expunge_all()
        return signed


def test_a_sign_off_says_who_and_for_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "sign-off", "germans", "--by", "anna@example.com", "--note", "Monday's meeting")

    signed = _sign_off("germans")
    assert (signed.by_name, signed.accounts, signed.note, signed.voided_at) == ("Anna", 2, "Monday's meeting", None)


@pytest.mark.parametrize(("name", "text", "is_voided"), [
    ("germans", GERMANS.replace("DE", "FR"), True), ("germans", GERMANS, False),
    ("germans", GERMANS.replace("title: Germans", "title: From Germany"), False),
    ("germans", GERMANS + "top: {by: account.employees, count: 5}\n", True),
    ("chosen", CHOSEN.replace("X1", "X2"), True), ("chosen", CHOSEN, False),
])
def test_only_a_change_of_the_rules_voids_a_sign_off(name: str, text: str, is_voided: bool,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "sign-off", name, "--by", "anna@example.com")

    _apply(text)

    assert (_sign_off(name).voided_at is not None) is is_voided


def test_new_members_by_the_data_do_not_void_a_sign_off(capsys: pytest.CaptureFixture[str]) -> None:
    _run(capsys, "sign-off", "germans")
    with db.transaction() as session:
        make_account(session, external_id="X9", country="DE")
    refresh_lists()

    assert _members("germans") == {"X0", "X2", "X9"}
    assert _sign_off("germans").voided_at is None


def test_changes_between_two_days_are_those_at_their_ends(at: Any, capsys: pytest.CaptureFixture[str]) -> None:
    at(NOW + timedelta(days=1))
    with db.transaction() as session:
        get_account_by_external_id(session, "X0").country = "FR"
        make_account(session, external_id="X8", name="New", country="DE")
    refresh_lists()
    at(NOW + timedelta(days=2))
    with db.transaction() as session:
        get_account_by_external_id(session, "X8").country = "FR"
    refresh_lists()

    first = json.loads(_run(capsys, "changes", "germans", "--from", "2026-06-15", "--to", "2026-06-16", "--json")[1])
    later = json.loads(_run(capsys, "changes", "germans", "--from", "2026-06-15", "--json")[1])
    assert [each["account_id"] for each in first["entered"]] == ["X8"]
    assert [each["account_id"] for each in first["left"]] == ["X0"]
    assert (later["accounts_from"], later["accounts_to"], later["to"]) == (2, 1, "2026-06-17")
    assert (later["entered"], [each["account_id"] for each in later["left"]]) == ([], ["X0"])


def test_a_day_ends_in_the_company_s_zone(at: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with db.transaction() as session:
        set_company_value(session, name="timezone", value="Asia/Tokyo")
    at(datetime(2026, 6, 15, 20, tzinfo=UTC))
    with db.transaction() as session:
        make_account(session, external_id="X8", country="DE")
    refresh_lists()

    found = json.loads(_run(capsys, "changes", "germans", "--from", "2026-06-15", "--to", "2026-06-16", "--json")[1])

    assert [each["account_id"] for each in found["entered"]] == ["X8"]


def test_days_the_wrong_way_round_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(capsys, "changes", "germans", "--from", "2026-06-15", "--to", "2026-06-14")[0] == 2


def test_capacity_is_accounts_times_hours_of_their_tier() -> None:
    found = reckon({"1": 10, "": 4, "9": 2}, {"1": {"sellers": 6, "callers": 1}, "": {"sellers": 0.5}},
                   {"sellers": 50, "callers": 20})

    assert [(line.label, line.hours["sellers"]) for line in found.lines] == [
        ("Tier 1", 60), ("Tier 9", 1), ("Without tier", 2)]
    assert found.needed == {"sellers": 63, "callers": 10, "marketers": 0}
    assert found.short == {"sellers": 13}
    assert found.sentence == ("Takes 63 h of sellers (50 h there), 10 h of callers (20 h there), 0 h of marketers "
                              "a month.")


def test_the_capacity_of_a_list_is_reckoned_from_its_members(capsys: pytest.CaptureFixture[str]) -> None:
    with db.transaction() as session:
        set_company_value(session, name="available_hours", value={"sellers": 10})

    found = json.loads(_run(capsys, "capacity", "germans", "--json")[1])

    assert found["needed"]["sellers"] == 12
    assert found["short"] == {"sellers": 2}
