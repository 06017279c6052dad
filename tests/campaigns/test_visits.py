"""People and programs told apart: by their own signs, by what happens around them, and again whenever it is asked."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.cli import main
from campaigns import jobs, visits
from campaigns.machine_rules import MachineRules, Visit, find_machines
from campaigns.models import Delivery, Event
from campaigns.tracking import click_url, read_click
from core import clock
from core.db import reading, transaction
from tests.campaigns.campaign_factory import deliveries, make_people, make_run

BROWSER = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15"
SENT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = SENT + timedelta(hours=1)


def click(number: int, seconds: float, *, link: int | None = None, **values: Any) -> Visit:
    given = {"agent": BROWSER, "seconds": 3600 + seconds}
    return Visit(number, "click", LATER + timedelta(seconds=seconds), link_id=link or number, **{**given, **values})


@pytest.mark.parametrize(
    ("visits_made", "machines"),
    [
        ([click(1, 0), click(2, 1), click(3, 2)], {1, 2, 3}),
        ([click(1, 0), click(2, 1), click(3, 2.1)], set()),
        ([click(1, 0), click(2, 1), click(3, 1, link=1)], set()),
        ([click(1, 0), click(2, 1), click(3, 2), click(4, 60)], {1, 2, 3}),
        ([click(1, 0), click(2, 20, is_trap=True), click(3, 40)], {1, 2, 3}),
        ([click(1, 0), click(2, 20, is_trap=True), click(3, 60)], {1, 2}),
        ([click(1, 0, agent="Barracuda Sentinel"), click(2, 30)], {1}),
        ([click(1, 0, agent="", is_raw=False, was_machine=False)], set()),
        ([click(1, 0, agent="", is_raw=False, was_machine=True)], {1}),
        ([Visit(1, "open", LATER, 3600.0, BROWSER, "17.58.1.2")], {1}),
        ([Visit(1, "open", LATER, 3600.0, BROWSER, "203.0.113.9")], set()),
        ([Visit(1, "open", LATER, 3600.0, "Mozilla/5.0")], {1}),
        ([Visit(1, "open", LATER, 3600.0, BROWSER), click(2, 10, is_trap=True)], {1, 2}),
    ],
)  # fmt: skip
def test_signs_around_a_visit_count_too(visits_made: list[Visit], machines: set[int]) -> None:
    assert find_machines(visits_made, MachineRules()) == machines


@given(order=st.permutations([click(1, 0), click(2, 1), click(3, 2), click(4, 90), click(5, 91, is_trap=True)]))
def test_the_order_in_which_visits_are_known_is_of_no_account(order: list[Visit]) -> None:
    assert find_machines(order, MachineRules()) == {1, 2, 3, 4, 5}


@pytest.fixture
def sent_id(engine_side: Any, at: Callable[[datetime], None]) -> int:
    at(SENT)
    with transaction() as session:
        make_people(session)
        delivery = deliveries(session, make_run(session))[0]
        delivery.state, delivery.sent_at = "sent", SENT
        return delivery.id


def follow(session: Session, url: str, agent: str = BROWSER) -> None:
    found = read_click(url.rsplit("/", 1)[1])
    assert found is not None
    visits.record_click(session, click=found, visitor=visits.Visitor(agent, "203.0.113.9", clock.now()))


def flags() -> list[bool]:
    with reading() as session:
        return list(session.scalars(select(Event.is_machine).order_by(Event.id)))


def test_the_third_link_within_two_seconds_marks_all_three(sent_id: int, at: Callable[[datetime], None]) -> None:
    for number in range(3):
        at(LATER + timedelta(seconds=number))
        with transaction() as session:
            follow(session, click_url(sent_id, f"https://example.com/{number}"))
        assert flags() == [number == 2] * (number + 1)


def test_the_hidden_link_marks_what_was_visited_with_it(sent_id: int, at: Callable[[datetime], None]) -> None:
    at(LATER)
    with transaction() as session:
        follow(session, click_url(sent_id, "https://example.com/"))
        visits.record_trap(session, delivery_id=sent_id, visitor=visits.Visitor(BROWSER, "203.0.113.9", clock.now()))

    assert flags() == [True, True]
    with reading() as session:
        assert session.scalars(select(Event.link_id).order_by(Event.id)).all()[1] is None


def test_the_hidden_link_alone_marks_the_open_before_it(sent_id: int, at: Callable[[datetime], None]) -> None:
    at(LATER)
    visitor = visits.Visitor(BROWSER, "203.0.113.9", LATER)
    with transaction() as session:
        visits.record_open(session, delivery_id=sent_id, visitor=visitor)
        visits.record_trap(session, delivery_id=sent_id, visitor=visitor)
    assert flags() == [True, True]


def test_visits_are_judged_again_by_command(
    sent_id: int, at: Callable[[datetime], None], capsys: pytest.CaptureFixture[str]
) -> None:
    at(LATER)
    with transaction() as session:
        follow(session, click_url(sent_id, "https://example.com/"), agent="Barracuda Sentinel")
        follow(session, click_url(sent_id, "https://example.com/"))
        for event in session.scalars(select(Event)):
            event.is_machine = not event.is_machine
    assert main(["campaigns", "reclassify", "hello", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert main(["campaigns", "reclassify", "--json"]) == 0
    second = json.loads(capsys.readouterr().out)

    assert first == {"judged": 2, "to_machine": 1, "to_person": 1}
    assert second == {"judged": 2, "to_machine": 0, "to_person": 0}
    assert flags() == [True, False]


def test_addresses_and_programs_are_kept_for_90_days_and_the_judgement_for_ever(
    sent_id: int, at: Callable[[datetime], None]
) -> None:
    for days, agent in ((0, ""), (2, BROWSER)):
        at(LATER + timedelta(days=days))
        with transaction() as session:
            follow(session, click_url(sent_id, "https://example.com/"), agent=agent)
    at(LATER + timedelta(days=91))
    jobs.forget()
    with transaction() as session:
        raws = session.scalars(select(Event.raw).order_by(Event.id)).all()
        visits.reclassify(session)

    assert raws == [None, {"agent": BROWSER, "ip": "203.0.113.9"}]
    assert flags() == [True, False]


def test_another_campaigns_visits_are_left_alone(sent_id: int, at: Callable[[datetime], None]) -> None:
    at(LATER)
    with transaction() as session:
        follow(session, click_url(sent_id, "https://example.com/"), agent="")
        session.scalars(select(Event)).one().is_machine = False
        other = session.get(Delivery, sent_id).run_id + 1
        assert visits.reclassify(session, run_ids=[other]).judged == 0

    assert flags() == [False]


def test_by_what_programs_are_known_is_set_and_visits_are_judged_anew(
    sent_id: int, tmp_path: Any, capsys: pytest.CaptureFixture[str], at: Callable[[datetime], None]
) -> None:
    at(SENT + timedelta(hours=1))
    with transaction() as session:
        follow(session, click_url(sent_id, "https://example.com/"))
    assert flags() == [False]
    file = tmp_path / "networks.txt"
    file.write_text("# a data centre\n203.0.113.0/24  # where the click came from\n")
    assert main(["campaigns", "programs", "--networks", str(file), "--seconds", "1.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"seconds": 1.5, "networks": ["203.0.113.0/24"]}
    assert main(["campaigns", "reclassify"]) == 0
    assert flags() == [True]
    file.write_text("203.0.113.0/99\n")
    assert main(["campaigns", "programs", "--networks", str(file)]) == 2
