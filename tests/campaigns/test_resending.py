"""Messages in doubt, settled by a person: sent once more, or known to have arrived."""

from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import update

from campaigns.dispatch import drain
from campaigns.models import Campaign, Delivery, Run
from campaigns.resending import confirm_arrival, list_in_doubt, resend
from core import clock
from core.db import reading, transaction
from core.errors import Refused
from core.settings import settings
from tests.outbox_factory import Running, deliveries, running_campaign, states


@pytest.fixture
def in_doubt(engine_side: Path) -> Running:
    """A finished campaign of one message, of which nobody knows whether it arrived."""
    running = running_campaign(1)
    drain()
    for file in settings().outbox_dir.glob("*.eml"):
        file.unlink()
    with transaction() as session:
        session.execute(update(Delivery).values(state="unknown_final", sent_at=None, ended_at=clock.now()))
        session.execute(update(Run).values(state="finished", finished_at=clock.now()))
        session.execute(update(Campaign).values(state="finished"))
    return running


def _resend() -> None:
    with transaction() as session:
        resend(session, delivery_id=deliveries()[0].id, by="Mia")


def test_a_message_sent_again_leaves_the_house_once_with_an_id_of_its_own(in_doubt: Running) -> None:
    _resend()
    drain()
    (file,) = settings().outbox_dir.glob("*.eml")
    first, again = deliveries()
    assert message_from_bytes(file.read_bytes())["Message-ID"].strip("<>") == again.message_id.strip("<>")
    assert again.message_id != first.message_id
    assert states() == {"unknown_final": 1, "sent": 1}


def test_the_finished_run_goes_on_until_the_message_has_found_its_end(in_doubt: Running) -> None:
    _resend()
    with reading() as session:
        assert session.get_one(Run, in_doubt.run_id).state == "active"
        assert session.get_one(Campaign, in_doubt.campaign_id).state == "running"


def test_a_message_is_sent_again_only_once(in_doubt: Running) -> None:
    _resend()
    with pytest.raises(Refused, match="sent again already"):
        _resend()
    assert len(deliveries()) == 2


def test_a_message_that_is_not_in_doubt_is_not_sent_again(engine_side: Path) -> None:
    running_campaign(1)
    drain()
    with pytest.raises(Refused, match="not in doubt"):
        _resend()


def test_nothing_of_a_cancelled_campaign_is_sent_again(in_doubt: Running) -> None:
    with transaction() as session:
        session.execute(update(Run).values(state="cancelled"))
    with pytest.raises(Refused, match="cancelled"):
        _resend()


def test_a_suppressed_person_gets_no_second_message(in_doubt: Running) -> None:
    from campaigns.consent import suppress_address

    with transaction() as session:
        suppress_address(session, address="jane1@example.com", reason="asked", source="test")
    _resend()
    drain()
    assert list(settings().outbox_dir.glob("*.eml")) == []
    assert states() == {"unknown_final": 1, "suppressed": 1}


def test_what_a_person_knows_to_have_arrived_counts_as_sent(in_doubt: Running) -> None:
    with transaction() as session:
        confirm_arrival(session, delivery_id=deliveries()[0].id, by="Mia")
    assert states() == {"sent": 1}
    with reading() as session:
        assert list_in_doubt(session, in_doubt.campaign_id) == []


def test_only_what_nobody_has_decided_about_is_listed(in_doubt: Running) -> None:
    with reading() as session:
        assert [row.id for row in list_in_doubt(session, in_doubt.campaign_id)] == [deliveries()[0].id]
    _resend()
    with reading() as session:
        assert list_in_doubt(session, in_doubt.campaign_id) == []
