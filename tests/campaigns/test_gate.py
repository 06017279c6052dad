from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from abm.company.actions import set_company_value
from abm.contacts.models import Contact
from campaigns import caps, gate
from campaigns.editing import cancel, pause
from campaigns.keys import address_key, domain_key
from campaigns.locks import holds_up
from campaigns.models import Campaign, ConversationLock, Event, HoldoutAccount, Run, Suppression
from campaigns.outside import outside
from campaigns.runs import get_run_facts
from campaigns.states import DeliveryState, EnrolmentState, Reason
from campaigns.verdict import Answer, Verdict
from core import clock
from core.db import Session
from tests.campaigns.campaign_factory import CALL, HELLO, deliveries, due_of, enrolments, make_people, make_run
from tests.factories import make_order

WEDNESDAY = datetime(2026, 3, 11, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _wednesday_noon(engine_side: Path, at: Any) -> None:
    at(WEDNESDAY)


def verdict(session: Session, run: Run, *, at: datetime = WEDNESDAY) -> Verdict:
    """The gate's word on the run's last delivery."""
    session.flush()
    row = deliveries(session, run)[-1]
    facts = get_run_facts(session, run.id)
    recipients = outside().people.recipients(session, [row.contact_id])
    return gate.judge(session, [due_of(row)], run=facts, recipients=recipients, at=at)[row.id]


def suppress(session: Session, scope: str, key: str, *, purpose: str = "*", reason: str = "manual") -> None:
    session.add(Suppression(scope=scope, key=key, purpose=purpose, reason=reason, created_at=clock.now()))


def started(session: Session, **values: Any) -> tuple[Contact, Run]:
    return make_people(session, email="jane@example.com")[0], make_run(session, **values)


def test_somebody_against_whom_nothing_speaks_is_written_to(session: Session) -> None:
    assert verdict(session, started(session)[1]).is_allowed


@pytest.mark.parametrize("scope", ["address", "domain", "contact", "account"])
def test_a_stop_set_between_planning_and_sending_is_obeyed(session: Session, scope: str) -> None:
    person, run = started(session)
    keys = {
        "address": address_key(" JANE@example.com "),
        "domain": domain_key("Example.com"),
        "contact": str(person.id),
        "account": str(person.account_id),
    }
    suppress(session, scope, keys[scope])
    found = verdict(session, run)
    assert (found.answer, found.reason, found.state) == (Answer.BLOCK, Reason.SUPPRESSED, DeliveryState.SUPPRESSED)


def test_an_unsubscription_holds_for_its_purpose_and_no_other(session: Session) -> None:
    _person, run = started(session, purpose="win-back")
    suppress(session, "address", address_key("jane@example.com"), purpose="newsletter", reason="unsubscribed")
    assert verdict(session, run).is_allowed
    suppress(session, "address", address_key("jane@example.com"), purpose="win-back", reason="unsubscribed")
    assert verdict(session, run).reason == Reason.UNSUBSCRIBED


def test_a_stop_that_was_lifted_stops_nobody(session: Session) -> None:
    person, run = started(session)
    session.add(
        Suppression(
            scope="contact",
            key=str(person.id),
            purpose="*",
            reason="manual",
            created_at=clock.now(),
            lifted_at=clock.now(),
        )
    )
    assert verdict(session, run).is_allowed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lawful_basis": "none"}, Reason.NO_BASIS),
        ({"is_active": False}, Reason.LEFT_COMPANY),
        ({"email": None}, Reason.NO_ADDRESS),
        ({"email": "  "}, Reason.NO_ADDRESS),
    ],
)
def test_what_changed_about_the_person_since_planning_counts(
    session: Session, change: dict[str, Any], reason: Reason
) -> None:
    person, run = started(session)
    for name, value in change.items():
        setattr(person, name, value)
    assert verdict(session, run).reason == reason


def test_an_erased_person_is_not_written_to(session: Session) -> None:
    person, run = started(session)
    session.delete(person)
    assert verdict(session, run).reason == Reason.ERASED


@pytest.mark.parametrize(
    ("basis", "country", "is_allowed"),
    [
        ("legitimate_interest", "DE", False),
        ("contract", "DE", False),
        ("consent", "DE", True),
        ("legitimate_interest", "FR", True),
    ],
)
def test_where_the_law_asks_for_consent_only_consent_will_do(
    session: Session, basis: str, country: str, is_allowed: bool
) -> None:
    person, run = started(session)
    person.lawful_basis, person.account.country = basis, country
    found = verdict(session, run)
    assert (found.is_allowed, found.reason) == (is_allowed, None if is_allowed else Reason.CONSENT_NEEDED)


def test_a_held_out_account_is_left_alone(session: Session) -> None:
    person, run = started(session, holdout="1%")
    row = session.get(HoldoutAccount, (run.campaign_id, person.account_id))
    assert row is not None
    row.is_held_out = True
    assert verdict(session, run).reason == Reason.HELD_OUT


def test_a_conversation_with_the_account_holds_all_others_back_until_its_day(session: Session) -> None:
    person, run = started(session)
    until = WEDNESDAY + timedelta(days=14)
    session.add(ConversationLock(account_id=person.account_id, reason="reply", until=until))
    found = verdict(session, run)
    assert (found.answer, found.reason, found.until) == (Answer.DEFER, Reason.CONVERSATION_LOCKED, until)
    assert verdict(session, run, at=until).is_allowed


def test_the_run_that_has_the_conversation_goes_on(session: Session) -> None:
    person, run = started(session)
    session.add(
        ConversationLock(
            account_id=person.account_id, reason="reply", exempt_run_id=run.id, until=WEDNESDAY + timedelta(days=14)
        )
    )
    assert verdict(session, run).is_allowed


@pytest.mark.parametrize(("channel", "is_the_one", "waits"), [("call", True, False), ("visit", True, False),
                                                              ("email", True, True), ("call", False, True)])
def test_only_the_talk_with_the_one_who_answered_goes_on_in_their_run(
    session: Session, channel: str, is_the_one: bool, waits: bool
) -> None:
    lock = ConversationLock(account_id=1, exempt_run_id=7, detail={"answered": [5]})
    assert holds_up(lock, run_id=7, contact_id=5 if is_the_one else 6, channel=channel) is waits
    assert holds_up(lock, run_id=8, contact_id=5, channel=channel)
    assert holds_up(lock, run_id=None, contact_id=5, channel=channel)


def test_outside_the_window_it_waits_for_the_next_opening_in_the_persons_zone(session: Session) -> None:
    person, run = started(session, window={"days": ["mon", "fri"], "from": "09:00", "to": "17:00"})
    person.timezone = "America/New_York"
    found = verdict(session, run)
    assert (found.answer, found.reason) == (Answer.DEFER, Reason.OUTSIDE_WINDOW)
    assert found.until == datetime(2026, 3, 13, 13, tzinfo=UTC)


def test_a_lock_that_ends_at_night_defers_to_the_morning(session: Session) -> None:
    person, run = started(session, window={"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "17:00"})
    session.add(
        ConversationLock(account_id=person.account_id, reason="reply", until=datetime(2026, 3, 13, 23, tzinfo=UTC))
    )
    assert verdict(session, run).until == datetime(2026, 3, 16, 9, tzinfo=UTC)


def test_over_the_cap_it_waits_and_says_the_numbers(session: Session) -> None:
    person, run = started(session)
    for _ in range(6):
        gate.record_touch(session, account_id=person.account_id, contact_id=None, channel="email", at=WEDNESDAY)
    found = verdict(session, run)
    assert (found.reason, found.until) == (Reason.OVER_CAP, WEDNESDAY + caps.SHORT)
    assert "6 of 6 points in 7 days" in found.detail


def test_an_exempt_campaign_ignores_caps_but_never_a_stop(session: Session) -> None:
    person, run = started(session, caps="exempt")
    for _ in range(6):
        gate.record_touch(session, account_id=person.account_id, contact_id=person.id, channel="email", at=WEDNESDAY)
    assert verdict(session, run).is_allowed
    suppress(session, "contact", str(person.id))
    assert verdict(session, run).reason == Reason.SUPPRESSED


def test_a_pause_defers_and_a_cancellation_ends(session: Session) -> None:
    _person, run = started(session)
    campaign = session.get_one(Campaign, run.campaign_id)
    pause(session, campaign=campaign)
    assert verdict(session, run).reason == Reason.PAUSED
    cancel(session, campaign=campaign)
    assert verdict(session, run).state == DeliveryState.CANCELLED


def test_when_all_sending_is_paused_everything_waits(session: Session) -> None:
    _person, run = started(session)
    set_company_value(session, name="is_sending_paused", value=True)
    assert verdict(session, run).answer == Answer.DEFER


def test_what_waited_beyond_its_expiry_expires(session: Session) -> None:
    _person, run = started(session)
    found = verdict(session, run, at=WEDNESDAY + timedelta(days=31))
    assert (found.reason, found.state) == (Reason.WAITED_TOO_LONG, DeliveryState.EXPIRED)


def test_who_was_stopped_meanwhile_gets_nothing(session: Session) -> None:
    _person, run = started(session)
    row = enrolments(session, run)[0]
    row.state, row.end_reason = EnrolmentState.STOPPED, Reason.REPLIED
    assert verdict(session, run).reason == Reason.REPLIED


def test_an_order_since_enrolment_stops_a_campaign_that_says_so(session: Session) -> None:
    person, run = started(session, stop_when=["order"])
    make_order(session, person.account, on=WEDNESDAY.date() - timedelta(days=1))
    assert verdict(session, run).is_allowed
    make_order(session, person.account, on=WEDNESDAY.date() + timedelta(days=1))
    assert verdict(session, run).reason == Reason.ORDERED


@pytest.mark.parametrize(("condition", "kind"), [("replied", "reply"), ("clicked", "click"), ("met", "meeting")])
def test_a_step_is_skipped_when_its_condition_is_so(session: Session, condition: str, kind: str) -> None:
    person, run = started(session, steps=[{**HELLO, "unless": condition}])
    for is_machine in (True, False):
        session.add(
            Event(
                event_key=f"{kind}{is_machine}",
                kind=kind,
                contact_id=person.id,
                account_id=person.account_id,
                is_machine=is_machine,
                at=WEDNESDAY,
            )
        )
        assert verdict(session, run).is_allowed is is_machine
    assert verdict(session, run).reason == Reason.CONDITION


def test_a_call_needs_a_number_and_not_an_address(session: Session) -> None:
    person, run = started(session, steps=[{**CALL, "after": "0 days"}])
    assert verdict(session, run).reason == Reason.NO_ADDRESS
    person.phone = "+33 1 23"
    assert verdict(session, run).is_allowed


def test_the_gate_reads_a_batch_in_a_few_queries_whatever_its_size(session: Session) -> None:
    from sqlalchemy import event

    make_people(session, 40)
    run = make_run(
        session, stop_when=["order"], holdout="1%", steps=[{**HELLO, "unless": ["replied", "clicked", "met"]}]
    )
    rows = [due_of(row) for row in deliveries(session, run)]
    recipients = outside().people.recipients(session, [row.contact_id for row in rows])
    facts = get_run_facts(session, run.id)
    seen: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: seen.append(given[2]))
    gate.judge(session, rows, run=facts, recipients=recipients, at=WEDNESDAY)
    assert len(seen) <= 12


def test_every_refusal_says_why_in_a_sentence(session: Session) -> None:
    person, run = started(session, window={"from": "13:00", "to": "14:00"})
    assert verdict(session, run).detail.endswith(".")
    person.lawful_basis = "none"
    assert "lawful basis" in verdict(session, run).detail


def test_consent_that_expires_between_planning_and_sending_ends_it_the_day_after(session: Session) -> None:
    person, run = started(session)
    person.lawful_basis, person.consent_kind, person.account.country = "consent", "implied_inquiry", "CA"
    person.basis_at = datetime(2025, 9, 11, 18, tzinfo=UTC)  # 6 months: to the end of Wednesday
    assert verdict(session, run).is_allowed
    found = verdict(session, run, at=WEDNESDAY + timedelta(days=1))
    assert (found.reason, found.state) == (Reason.CONSENT_EXPIRED, DeliveryState.SUPPRESSED)
    assert "expired on 2026-03-11" in found.detail


def test_the_operators_table_of_countries_is_asked(session: Session) -> None:
    person, run = started(session)
    person.account.country = "CH"
    assert verdict(session, run).is_allowed
    set_company_value(session, name="country_bases", value={"CH": ["consent"]})
    assert verdict(session, run).reason == Reason.CONSENT_NEEDED
