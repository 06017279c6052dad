"""The dry run at the sender's limits, over every kind of step, and who else is at the accounts."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from abm.company.actions import set_company_value
from campaigns.conflicts import find_conflicts
from campaigns.dry_days import DryRun, Line, Lines
from campaigns.dry_run import dry_run
from campaigns.gate import record_touch
from campaigns.headroom import measure_headroom
from campaigns.launch_check import Level, report_launch
from core.db import Session
from tests.campaigns.campaign_factory import CALL, HELLO, make_campaign, make_people, make_run, put_in_list
from tests.factories import make_account, make_contact
from tests.sending_factory import make_identity

WEDNESDAY = datetime(2026, 3, 11, 12, tzinfo=UTC)
OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00", "zone": "company"}
CHANNELS: list[dict[str, Any]] = [
    HELLO, {**CALL, "after": "0 days"}, {"id": "post", "channel": "letter", "after": "1 day", "body": "Dear all"},
    {"id": "pause", "channel": "wait", "after": "2 days"},
    {"id": "fork", "branch": {"if": "replied", "then": [{**HELLO, "id": "thanks"}],
                              "else": [{"id": "see", "channel": "visit", "brief": "Go", "after": "1 day"}]}},
    {"id": "tell", "channel": "webhook", "url": "https://example.com/", "after": "1 day"}]


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: Callable[..., None]) -> None:
    at(WEDNESDAY)


def goes(run: DryRun) -> dict[str, int]:
    return {row["day"]: row["goes"] for row in run.totals() if row["goes"]}


def test_every_kind_of_step_has_its_day_and_its_cost(session: Session) -> None:
    set_company_value(session, name="account_points_7_days", value=0)
    set_company_value(session, name="account_points_30_days", value=0)
    set_company_value(session, name="person_touches_7_days", value=0)
    set_company_value(session, name="person_touches_30_days", value=0)
    person = make_people(session, 1, phone="+44 20 7946 0000")[0]
    person.account.custom, person.account.city = {"street": "1 Road"}, "Town"
    lines: list[Line] = []
    run = dry_run(session, campaign=make_campaign(session, steps=CHANNELS), keep=lines.extend)
    assert [(line.day.day, line.channel) for line in lines] == [
        (11, "email"), (11, "call"), (12, "letter"), (15, "visit"), (16, "webhook")]
    assert float(sum(day.cost for day in run.by_day.values())) == pytest.approx(0.05 + 18 + 2 + 400)
    assert run.finishes_at == WEDNESDAY + timedelta(days=5)


LETTER = {"id": "letter", "channel": "letter", "after": "0 days", "roles": ["champion"],
          "subject": "For {{ account.name }}", "body": "Dear {{ contact.title }}"}


def test_who_cannot_get_a_letter_is_counted_before_the_launch_and_blocked_in_the_dry_run(session: Session) -> None:
    people = make_people(session, 3, buying_role="champion", title="Chief")
    make_people(session, 2, buying_role="user")
    people[0].account.custom, people[0].account.city, people[0].title = {"Street": "1 Road"}, "Town", None
    campaign = make_campaign(session, steps=[LETTER, HELLO])
    found = {one.what: (one.level, one.count) for one in report_launch(session, campaign=campaign).findings}
    assert (found["no_postal_address"], found["missing_value"]) == ((Level.WARN, 2), (Level.WARN, 1))
    lines: Lines = Lines()
    dry_run(session, campaign=campaign, keep=lines.update)
    letters = Counter((line.outcome, line.reason) for line in lines.elements() if line.step == "letter")
    assert letters == {("goes", ""): 1, ("blocked", "no_address"): 2}


def test_a_senders_daily_limit_spreads_the_messages_over_its_working_days(session: Session) -> None:
    make_identity(session, per_day=4)
    make_people(session, 14)
    run = dry_run(session, campaign=make_campaign(session, window=OFFICE))
    assert goes(run) == {"2026-03-11": 4, "2026-03-12": 4, "2026-03-13": 4, "2026-03-16": 2}
    assert run.totals()[0]["reasons"] == {"sending_limit": 10}
    assert run.finishes_at == datetime(2026, 3, 16, 9, tzinfo=UTC)


def test_the_finish_is_told_although_it_lies_after_the_days_shown(session: Session) -> None:
    make_identity(session, per_day=1)
    make_people(session, 10)
    run = dry_run(session, campaign=make_campaign(session), days=3)
    assert sum(goes(run).values()) == 4
    assert run.finishes_at is not None
    assert (run.finishes_at.date(), run.finishes_within) == (date(2026, 3, 20), False)


def test_a_warm_up_and_a_limit_per_recipient_domain_are_kept(session: Session) -> None:
    make_identity(session, warm_up_from=date(2026, 3, 11), warm_up_first=2, warm_up_growth=100)
    make_people(session, 7)
    assert goes(dry_run(session, campaign=make_campaign(session))) == {
        "2026-03-11": 2, "2026-03-12": 4, "2026-03-13": 1}


def test_a_limit_per_recipient_domain_holds_back_that_domain_alone(session: Session) -> None:
    make_identity(session, per_domain_day=1)
    people = [make_contact(session, make_account(session), email=f"p{number}@{domain}.example")
              for number, domain in enumerate(("one", "one", "one", "two"))]
    put_in_list(session, [person.account for person in people])
    assert goes(dry_run(session, campaign=make_campaign(session))) == {
        "2026-03-11": 2, "2026-03-12": 1, "2026-03-13": 1}


def test_a_relays_pace_moves_the_finish(session: Session) -> None:
    make_identity(session, per_second=2)
    make_people(session, 11)
    assert dry_run(session, campaign=make_campaign(session)).finishes_at == WEDNESDAY + timedelta(seconds=5)


def test_many_people_behind_a_low_limit_are_simulated_quickly(session: Session) -> None:
    make_identity(session, per_day=10)
    make_people(session, 600)
    run = dry_run(session, campaign=make_campaign(session, window=OFFICE), days=120)
    assert sum(goes(run).values()) == 600
    assert sum(row["deferred"] for row in run.totals()) == 590


def test_other_campaigns_under_way_are_named_with_what_they_share(session: Session) -> None:
    people = make_people(session, 3)
    make_contact(session, people[0].account)
    make_run(session, campaign="urgent", priority=1, title="Urgent one")
    make_run(session, campaign="quiet", priority=9, list="key-accounts", people={"per_account": 1})
    found = find_conflicts(session, make_campaign(session))
    assert [(one.campaign, one.accounts, one.people, one.goes_first) for one in found] == [
        ("quiet", 3, 3, False), ("urgent", 3, 4, True)]


def test_a_campaign_alone_has_no_conflict(session: Session) -> None:
    make_people(session, 2)
    run = make_run(session, campaign="elsewhere")
    run.state = "finished"
    session.flush()
    assert find_conflicts(session, make_campaign(session)) == []


def test_the_budget_left_at_the_accounts_is_told(session: Session) -> None:
    people = make_people(session, 3)
    record_touch(session, account_id=people[0].account_id, contact_id=None, channel="visit", at=WEDNESDAY, note="")
    record_touch(session, account_id=people[0].account_id, contact_id=None, channel="call", at=WEDNESDAY, note="")
    found = measure_headroom(session, make_campaign(session, steps=[HELLO, CALL]), at=WEDNESDAY)
    assert found is not None
    assert (found.accounts, found.full, found.first_step, found.needed) == (3, 1, 1, 3)
    assert (found.left_7_days, found.left_30_days) == (6, 16)
    assert measure_headroom(session, make_campaign(session, caps="exempt"), at=WEDNESDAY) is None
