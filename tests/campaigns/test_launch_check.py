from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from abm.contacts.models import Contact
from campaigns.consent import suppress_address
from campaigns.dry_run import dry_run
from campaigns.gate import record_touch
from campaigns.launch_check import Level, launch_check, report_launch
from campaigns.models import ConversationLock, Delivery, HoldoutAccount
from campaigns.states import Reason
from core.db import Session
from tests.campaigns.campaign_factory import CALL, HELLO, make_campaign, make_people
from tests.factories import make_contact

WEDNESDAY = datetime(2026, 3, 11, 12, tzinfo=UTC)
OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"}


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: Any) -> None:
    at(WEDNESDAY)


def found(session: Session, **values: Any) -> dict[str, tuple[str, int]]:
    findings = launch_check(session, campaign=make_campaign(session, **values))
    return {finding.what: (finding.level.value, finding.count) for finding in findings if finding.what != "not_tested"}


def test_a_campaign_against_which_nothing_speaks_has_no_findings(session: Session) -> None:
    make_people(session, 3)
    assert found(session) == {}


@pytest.mark.parametrize(
    ("person", "what", "level"),
    [
        ({"email": None}, "no_address", "warn"),
        ({"lawful_basis": "none"}, "no_basis", "warn"),
        ({"first_name": None}, "missing_value", "warn"),
    ],
)
def test_people_who_would_get_nothing_are_counted_by_reason(
    session: Session, person: dict[str, Any], what: str, level: str
) -> None:
    make_people(session, 2)
    make_people(session, **person)
    assert found(session, steps=[{**HELLO, "subject": "Dear {{ contact.first_name }}"}]) == {what: (level, 1)}


def test_a_missing_value_is_named_with_an_example(session: Session) -> None:
    person = make_people(session, first_name=None)[0]
    findings = launch_check(
        session, campaign=make_campaign(session, steps=[{**HELLO, "html": "{{ contact.first_name }}"}])
    )
    finding = next(one for one in findings if one.what == "missing_value")
    assert "contact.first_name (1)" in finding.sentence
    assert finding.sample == (person.external_id,)


def test_a_missing_value_is_found_however_many_people_come_before(session: Session) -> None:
    first = make_people(session, 1)[0]
    row = {"account_id": first.account_id, "first_name": "Jane", "lawful_basis": "legitimate_interest",
           "created_at": WEDNESDAY, "updated_at": WEDNESDAY}
    session.execute(insert(Contact), [{**row, "external_id": f"many-{number}", "email": f"many{number}@example.com",
                                       "email_key": f"many{number}@example.com"} for number in range(5_000)])
    last = make_people(session, first_name=None)[0]
    campaign = make_campaign(session, steps=[{**HELLO, "subject": "Dear {{ contact.first_name }}"}])
    missing = next(one for one in launch_check(session, campaign=campaign) if one.what == "missing_value")
    assert (missing.count, missing.sample) == (1, (last.external_id,))


def test_a_value_that_only_a_variant_prints_is_found_too(session: Session) -> None:
    make_people(session, title="Chief")
    make_people(session, title=None)
    tried = {**HELLO, "variants": {"b": {"share": "50%", "subject": "For a {{ contact.title }}"}}}
    assert found(session, steps=[tried]) == {"missing_value": ("warn", 1)}


def test_stops_consent_mailboxes_and_holdouts_are_found(session: Session) -> None:
    make_people(session, email="stopped@example.com")
    suppress_address(session, address="stopped@example.com", reason="manual", source="test")
    make_people(session, email="both@example.com")
    german = make_people(session, email="BOTH@example.com")[0]
    assert found(session) == {"suppressed": ("note", 1), "same_mailbox": ("note", 1)}
    german.account.country = "DE"
    assert found(session)["consent_needed"] == ("warn", 1)
    make_people(session, 17)
    assert found(session, holdout="50%")["held_out"] == ("note", 10)
    assert session.query(HoldoutAccount).count() == 0


def test_who_is_over_the_cap_or_outside_the_window_would_wait(session: Session) -> None:
    tired = make_people(session)[0]
    make_people(session, timezone="Asia/Tokyo")
    for _ in range(6):
        record_touch(session, account_id=tired.account_id, contact_id=None, channel="email", at=WEDNESDAY)
    assert found(session, window=OFFICE) == {"over_cap": ("warn", 1), "outside_window": ("note", 1)}


def test_who_follows_in_a_later_wave_is_not_said_to_wait_for_the_window(session: Session) -> None:
    champion = make_people(session, buying_role="champion")[0]
    chief = make_contact(session, champion.account, buying_role="decision_maker")
    waves = [{"roles": ["champion"]}, {"roles": ["decision_maker"], "after": "2 hours"}]
    findings = launch_check(session, campaign=make_campaign(session, people={"waves": waves}, window=OFFICE))
    told = {one.what: one for one in findings if one.what != "not_tested"}
    assert set(told) == {"later_wave"}
    assert told["later_wave"].contact_ids == (chief.id,)


def test_nobody_to_write_to_and_no_postal_address_refuse_the_launch(session: Session) -> None:
    report = report_launch(session, campaign=make_campaign(session, sender={"email": "sales@example.com"}))
    assert report.is_refused
    assert {one.what for one in report.findings if one.level is Level.REFUSE} == {"no_members", "postal_address"}


def test_content_that_cannot_be_rendered_refuses_the_launch(session: Session) -> None:
    make_people(session)
    assert found(session, steps=[{**HELLO, "html": "{{ contact.__class__ }}"}])["content"][0] == "refuse"


def test_the_report_counts_people_and_accounts(session: Session) -> None:
    make_people(session, 3)
    make_people(session, lawful_basis="none")
    report = report_launch(session, campaign=make_campaign(session))
    assert (report.people, report.accounts, report.starting, [(one.reason, one.count) for one in report.left_out]) == (
        4,
        4,
        3,
        [("no_basis", 1)],
    )


def days(
    session: Session, from_on: date | None = None, length: int = 30, **values: Any
) -> dict[str, tuple[int, int, int]]:
    run = dry_run(session, campaign=make_campaign(session, **values), from_on=from_on, days=length)
    return {row["day"]: (row["goes"], row["deferred"], row["blocked"]) for row in run.totals()}


def test_a_dry_run_shows_what_goes_on_which_day(session: Session) -> None:
    make_people(session, 2, phone="+33 1")
    make_people(session, lawful_basis="none")
    steps = [HELLO, CALL, {**HELLO, "id": "offer", "after": "7 days"}]
    assert days(session, steps=steps, window=OFFICE) == {
        "2026-03-11": (2, 0, 1),
        "2026-03-16": (2, 0, 0),
        "2026-03-23": (2, 0, 0),
    }
    assert session.query(Delivery).count() == 0


def test_a_dry_run_begins_on_the_day_asked_for_and_ends_in_time(session: Session) -> None:
    make_people(session)
    steps = [HELLO, {**HELLO, "id": "more", "after": "7 days"}]
    assert days(session, from_on=date(2026, 3, 14), length=7, steps=steps, window=OFFICE) == {
        "2026-03-14": (0, 1, 0), "2026-03-16": (1, 0, 0)}


def test_a_dry_run_defers_what_is_over_the_cap_to_the_day_it_fits(session: Session) -> None:
    make_people(session)
    steps = [HELLO, {**HELLO, "id": "b", "after": "1 day"}, {**HELLO, "id": "c", "after": "1 day"}]
    assert days(session, steps=steps) == {
        "2026-03-11": (1, 0, 0),
        "2026-03-12": (1, 0, 0),
        "2026-03-13": (0, 1, 0),
        "2026-03-18": (1, 0, 0),
    }


def test_a_dry_run_says_what_a_holiday_or_the_weekend_puts_off(session: Session) -> None:
    (person,) = make_people(session)
    person.account.country = "FR"
    session.flush()
    campaign = make_campaign(session, steps=[HELLO, {**HELLO, "id": "more", "after": "1 day"}],
                             window={**OFFICE, "holidays": "skip"})
    found = dry_run(session, campaign=campaign, from_on=date(2026, 12, 25), days=10).totals()
    closed = {Reason.OUTSIDE_WINDOW: 1}
    assert [(row["day"], row["goes"], row["deferred"], row["reasons"]) for row in found] == [
        ("2026-12-25", 0, 1, closed), ("2026-12-28", 1, 0, {}), ("2026-12-29", 1, 0, {})]
    found = dry_run(session, campaign=campaign, from_on=date(2026, 12, 31), days=10).totals()
    assert [(row["day"], row["goes"], row["deferred"]) for row in found] == [
        ("2026-12-31", 1, 0), ("2027-01-01", 0, 1), ("2027-01-04", 1, 0)]


def test_a_dry_run_waits_for_a_conversation_to_end(session: Session) -> None:
    person = make_people(session)[0]
    session.add(ConversationLock(account_id=person.account_id, reason="reply", until=WEDNESDAY + timedelta(days=2)))
    assert days(session) == {"2026-03-11": (0, 1, 0), "2026-03-13": (1, 0, 0)}


def test_a_dry_run_says_the_cost_and_the_callers_load(session: Session) -> None:
    make_people(session, 2, phone="+33 1")
    campaign = make_campaign(session, steps=[{**CALL, "after": "0 days"}])
    row = dry_run(session, campaign=campaign, days=5).totals()[0]
    assert (row["calls"], row["cost"]) == (2, 36.0)
