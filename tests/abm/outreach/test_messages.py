"""The table of a campaign's messages: filters, words, pages."""

from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from abm.outreach import messages
from abm.outreach.messages import MessageFilter, count_messages, list_messages
from abm.wiring import connect_engine
from campaigns.models import Run
from campaigns.states import DeliveryState
from campaigns.tally import tally_messages
from tests.campaigns.campaign_factory import deliveries, make_run, put_in_list
from tests.factories import make_account, make_contact

PEOPLE = (("Blauer See", "Hanna", "Moos"), ("Antonio Moreno", "Antonio", "Moreno"),
          ("Around the Horn", "Thomas", "Hardy"))


@pytest.fixture
def run(database: Path, session: Session) -> Run:
    connect_engine()
    for number, (account, first, last) in enumerate(PEOPLE):
        firm = make_account(session, name=account)
        make_contact(session, firm, first_name=first, last_name=last, email=f"{first}.{number}@firm.example")
        put_in_list(session, [firm])
    made = make_run(session)
    for row, state in zip(deliveries(session, made), ("sent", "suppressed", "sent"), strict=True):
        row.state = state
    deliveries(session, made)[1].reason = "no_basis"
    session.flush()
    return made


@pytest.mark.parametrize(("wanted", "found"), [
    (MessageFilter(), [0, 1, 2]), (MessageFilter(book="sent"), [0, 2]), (MessageFilter(state="suppressed"), [1]),
    (MessageFilter(reason="no_basis"), [1]), (MessageFilter(reason="-"), [0, 2]), (MessageFilter(step="other"), []),
    (MessageFilter(words="blauer"), [0]), (MessageFilter(words="Hardy Thomas"), [2]),
    (MessageFilter(words="horn"), [2]),
    (MessageFilter(words="HANNA.0@firm"), [0]), (MessageFilter(words="a_tonio"), []),
    (MessageFilter(words="moreno", book="sent"), [])])
def test_what_a_filter_finds_is_what_it_counts(session: Session, run: Run, wanted: MessageFilter,
                                               found: list[int]) -> None:
    rows = deliveries(session, run)
    page = list_messages(session, tally_messages(session, run.campaign_id), wanted)
    assert [row.Delivery.id for row in page.rows] == [rows[place].id for place in found]
    assert count_messages(session, tally_messages(session, run.campaign_id), wanted) == len(found)


def test_an_address_that_was_written_to_is_found_after_it_has_changed(session: Session, run: Run) -> None:
    row = deliveries(session, run)[0]
    row.address = "hanna@before.example"
    session.flush()
    found = list_messages(session, tally_messages(session, run.campaign_id), MessageFilter(words="before.example"))
    assert [one.Delivery.id for one in found.rows] == [row.id]


def test_pages_follow_each_other_to_the_end(session: Session, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "PAGE", 2)
    first = list_messages(session, tally_messages(session, run.campaign_id), MessageFilter())
    assert first.next_after is not None
    second = list_messages(session, tally_messages(session, run.campaign_id), MessageFilter(), after=first.next_after)
    assert ([len(page.rows) for page in (first, second)], second.next_after) == ([2, 1], None)
    assert {row.Delivery.state for row in second.rows} == {DeliveryState.SENT}
