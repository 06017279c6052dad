"""What the launch check says about a campaign's sender."""

from collections.abc import Callable

import pytest

from abm.company.actions import set_company_value
from abm.outreach.launching import launch_campaign
from abm.sending.actions import verify_identity
from abm.sending.queries import find_sender_findings
from core import clock
from core.db import Session
from core.errors import Refused
from tests.campaigns.campaign_factory import make_approved, make_people
from tests.sending_factory import make_identity

WRONG = [{"what": "spf", "level": "error", "text": "example.com has no SPF record", "fix": "publish one"}]


@pytest.fixture
def levels(session: Session) -> Callable[..., list[str]]:
    def look(email: str = "sales@example.com", *, is_strict: bool = False) -> list[str]:
        return [level for level, _sentence in find_sender_findings(session, email, is_strict=is_strict)]

    return look


def test_a_sender_through_the_operators_relay_counts_as_verified(levels: Callable[..., list[str]]) -> None:
    assert levels() == []


def test_a_free_mail_address_is_refused_unless_an_admin_vouches_for_it(session: Session,
                                                                      levels: Callable[..., list[str]]) -> None:
    assert levels("me@gmail.com") == ["refuse"]
    identity = make_identity(session, "me@gmail.com", checked_at=clock.now(), findings=[])
    verify_identity(session, identity_id=identity.id)
    assert levels("me@gmail.com") == []


def test_wrong_records_are_warned_of_and_refuse_only_where_sending_is_strict(session: Session,
                                                                            levels: Callable[..., list[str]]) -> None:
    identity = make_identity(session, findings=WRONG, checked_at=clock.now())
    assert levels() == ["warn"]
    assert levels(is_strict=True) == ["refuse", "refuse"]
    verify_identity(session, identity_id=identity.id)
    assert levels(is_strict=True) == ["warn"]


def test_strict_sending_refuses_the_launch_itself_until_somebody_vouches(session: Session) -> None:
    from abm.wiring import connect_engine

    connect_engine()
    make_people(session)
    html = '<p>Hello</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ sender.postal_address }}</p>'
    step = {"id": "hello", "channel": "email", "subject": "Hello", "html": html}
    campaign = make_approved(session, steps=[step])
    set_company_value(session, name="is_sending_strict", value=True)
    with pytest.raises(Refused, match="strict"):
        launch_campaign(session, campaign=campaign)
    verify_identity(session, identity_id=make_identity(session, findings=[], checked_at=clock.now()).id)
    assert launch_campaign(session, campaign=campaign).number == 1
