"""Why not: the gate's rules about a person, on a page and by command; touches logged by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abm.cli import main
from abm.company.actions import set_company_value
from campaigns.models import Touch
from core import db
from tests.factories import make_account, make_contact


@pytest.fixture
def person(database: Path) -> int:
    with db.transaction() as session:
        return make_contact(session, make_account(session, country="GB"), email="jane@example.com").id


def test_somebody_against_whom_nothing_speaks_may_be_written_to_now(person: int, client_as: Callable[..., Any]) -> None:
    assert "Yes, now." in client_as("viewer").get(f"/people/{person}/why-not").text


def test_the_rule_that_says_no_is_shown_with_who_can_lift_it(person: int, client_as: Callable[..., Any]) -> None:
    main(["suppress", "jane@example.com", "--reason", "asked"])
    page = client_as("viewer").get(f"/people/{person}/why-not").text
    assert "only an audited unsuppress lifts this" in page
    assert "Yes, now." not in page


def test_a_touch_by_hand_counts_and_the_next_one_is_over_the_cap(person: int, client_as: Callable[..., Any]) -> None:
    with db.transaction() as session:
        set_company_value(session, name="person_touches_7_days", value=1)
    seller = client_as("sales")
    visit = {"channel": "visit", "note": "Fair"}
    page = seller.post(f"/people/{person}/touches", data=visit, follow_redirects=True).text
    assert "4 points" in page
    assert "The person has used 1 of 1 touches in 7 days" in page
    with db.reading() as session:
        assert session.query(Touch).filter_by(contact_id=person, channel="visit", points=4).count() == 1


def test_a_viewer_logs_no_touch(person: int, client_as: Callable[..., Any]) -> None:
    assert client_as("viewer").post(f"/people/{person}/touches", data={"channel": "call"}).status_code == 403


def test_why_answers_by_command_as_json(person: int, capsys: pytest.CaptureFixture[str]) -> None:
    main(["suppress", "jane@example.com", "--reason", "asked"])
    capsys.readouterr()
    assert main(["contact", "why", "jane@example.com", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["people"]
    assert (found["answer"], found["reason"]) == ("block", "suppressed")
    assert [rule["holds"] for rule in found["rules"]] == [False, True, True, True]


def test_nobody_with_the_address_is_said(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contact", "why", "nobody@example.com"]) == 2
    assert "nobody@example.com" in capsys.readouterr().err
