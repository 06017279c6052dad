"""The figures of a campaign's books are sums of one count, and people are never counted twice."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from abm.outreach.account_results import get_unit_costs
from abm.outreach.messages import MessageFilter, count_messages, list_messages
from abm.outreach.result_pages import ASK_EVERY, seconds_until_next
from campaigns import tally
from campaigns.books import keep_books
from campaigns.costs import read_costs
from campaigns.models import Campaign, Delivery, Run
from campaigns.reports import campaign_status
from campaigns.states import CampaignState, Channel, DeliveryState, Reason
from campaigns.tally import (
    NEVER_MADE,
    NOBODY_THERE,
    TallyLine,
    count_people_by_line,
    count_people_reached,
    tally_messages,
)
from core.db import is_postgres
from tests.campaigns.campaign_factory import HELLO, deliveries, make_people, make_run

MORE = {**HELLO, "id": "more", "after": "0 days"}


@pytest.fixture(autouse=True)
def _engine_side(engine_side: Path) -> None:
    pass


@pytest.fixture
def run(session: Session) -> Run:
    """Three people; two have got both steps, the third one got the first alone."""
    make_people(session, 3)
    made = make_run(session, steps=[HELLO, MORE])
    first = deliveries(session, made)
    for row in first:
        row.state = DeliveryState.SENT
    session.add_all(_copy(row, position=1, step="more") for row in first[:2])
    session.flush()
    return made


def _copy(row: Delivery, **changed: object) -> Delivery:
    values = {column.name: getattr(row, column.name) for column in Delivery.__table__.columns
              if not (column.primary_key or column.computed)}
    return Delivery(**values | changed)


@contextmanager
def statements_of(session: Session) -> Iterator[list[str]]:
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement)

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    yield said
    event.remove(connection, "before_cursor_execute", note)


def _states(session: Session, run: Run, states: Sequence[str]) -> None:
    for row, state in zip(deliveries(session, run), states, strict=True):
        row.state = state
    session.flush()


def test_who_got_two_messages_is_one_person(session: Session, run: Run) -> None:
    found = tally_messages(session, run.campaign_id)
    assert found.by_state() == {DeliveryState.SENT: 5}
    assert count_people_by_line(session, found) == {(DeliveryState.SENT, ""): 3}
    assert count_people_reached(session, found) == 3


@pytest.mark.parametrize("step", ["", "hello", "more", "none"])
def test_messages_among_many_others_are_counted_alike(session: Session, run: Run, monkeypatch: pytest.MonkeyPatch,
                                                      step: str) -> None:
    make_people(session, 4)
    make_run(session, campaign="other", steps=[HELLO, MORE])
    near = tally_messages(session, run.campaign_id, step=step)
    monkeypatch.setattr(tally, "SPARSE", -1)
    assert set(tally_messages(session, run.campaign_id, step=step).lines) == set(near.lines)
    assert {line.run_id for line in near.lines} <= {run.id}


def test_of_one_step_the_books_hold_that_step_alone(session: Session, run: Run) -> None:
    books = keep_books(session, tally_messages(session, run.campaign_id, step="more"))
    assert (books.planned, [(line.messages, line.people) for line in books.lines]) == (2, [(2, 2)])


@pytest.mark.parametrize("states", [
    ["sent", "sent", "failed_permanent", "suppressed", "sent"], ["sent", "bounced_hard", "sent", "queued", "unknown"],
    ["suppressed"] * 5, ["sent", "delivered", "complained", "sent", "cancelled"]])
def test_people_and_messages_agree_with_a_count_of_the_rows(session: Session, run: Run, states: list[str]) -> None:
    _states(session, run, states)
    counted = {(row.state, row.messages, row.people) for row in session.execute(
        select(Delivery.state, func.count().label("messages"),
               func.count(Delivery.contact_id.distinct()).label("people"))
        .group_by(Delivery.state))}
    books = keep_books(session, tally_messages(session, run.campaign_id))
    assert {(line.state, line.messages, line.people) for line in books.lines} == counted
    assert books.is_balanced


def test_a_message_that_somebody_had_sent_again_is_one_more_of_the_same_person(session: Session, run: Run) -> None:
    session.add(_copy(deliveries(session, run)[0], generation=2))
    session.flush()
    found = tally_messages(session, run.campaign_id)
    assert (found.by_state()[DeliveryState.SENT], count_people_reached(session, found)) == (6, 3)


def test_what_the_page_shows_walks_through_the_messages_once_while_a_first_step_goes_out(session: Session) -> None:
    make_people(session, 3)
    campaign_id = make_run(session).campaign_id
    with statements_of(session) as said:
        found = tally_messages(session, campaign_id)
        read = read_costs(session, found)
        get_unit_costs(session, found, orders=campaign_status(session, "hello", found, read)["orders"], costs=read)
        keep_books(session, found)
    walks = [one for one in said if "FROM delivery" in one and "JOIN" not in one and "GROUP BY" in one]
    assert len(walks) == 1


def test_where_the_messages_lie_and_what_they_cost_is_asked_once_for_a_page(session: Session, run: Run) -> None:
    for row in deliveries(session, run):
        row.channel = "call"
    session.flush()
    with statements_of(session) as said:
        found, wanted = tally_messages(session, run.campaign_id), MessageFilter(words="jane")
        list_messages(session, found, wanted)
        count_messages(session, found, wanted)
    assert sum("min(delivery.id)" in one for one in said) == (0 if is_postgres(session) else 1)
    with statements_of(session) as said:
        read = read_costs(session, found)
        status = campaign_status(session, "hello", found, read)
        costs = get_unit_costs(session, found, orders=status["orders"], costs=read)
    assert sum("sum(touch.cost_amount)" in one for one in said) == 1
    assert float(costs.cost) == status["cost"]


@pytest.mark.parametrize(("state", "spent", "seconds"), [
    (CampaignState.RUNNING, 0.01, ASK_EVERY), (CampaignState.RUNNING, 1.5, 30), (CampaignState.FINISHED, 1.5, 0)])
def test_the_page_asks_again_the_less_often_the_longer_it_counts(state: CampaignState, spent: float,
                                                                  seconds: int) -> None:
    assert seconds_until_next(Campaign(state=state), spent) == seconds


def test_what_was_made_and_whom_it_reached_is_the_same_for_a_line_and_for_the_database(
        session: Session, run: Run) -> None:
    row = deliveries(session, run)[0]
    reasons = sorted({*Reason, *NEVER_MADE, *NOBODY_THERE, "", "call_reached", "letter_posted", "visit_met"})
    kinds = [*product(Channel, [DeliveryState.SENT], reasons), *product(Channel, DeliveryState, ["", "call_done"])]
    session.add_all(_copy(row, channel=channel, state=state, reason=reason or None, generation=2 + number,
                          address_key=None) for number, (channel, state, reason) in enumerate(kinds))
    session.flush()
    lines = [TallyLine(run.id, 0, "hello", channel, 2 + number, state, reason, 1)
             for number, (channel, state, reason) in enumerate(kinds)]
    for says, asked in ((TallyLine.is_made, tally.is_made()), (TallyLine.has_reached, tally.has_reached())):
        found = set(session.scalars(select(Delivery.generation).where(asked, Delivery.generation > 1)))
        assert found == {line.generation for line in lines if says.__get__(line)}
