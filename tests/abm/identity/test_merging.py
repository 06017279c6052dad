"""Merging while a campaign runs, with stops, holdouts, offers and locks: the stricter holds, nobody hears twice."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from abm.contacts.models import Contact
from abm.identity.jobs import sweep_late_rows
from abm.identity.merging import merge_accounts, merge_contacts
from abm.identity.models import DuplicatePair
from abm.identity.unmerging import unmerge
from abm.offers.models import Offer, OfferGrant, Redemption
from abm.offers.redeeming import redeem_code
from abm.winback.models import Case
from campaigns.keys import address_key
from campaigns.models import (
    ConversationLock,
    Delivery,
    Enrolment,
    HoldoutAccount,
    Suppression,
    Touch,
)
from campaigns.states import DeliveryState
from core import clock, db
from core.errors import InvalidInput, NotFound, Refused
from tests.abm.identity.any_rows import make_row
from tests.factories import make_account, make_contact, make_order
from tests.outbox_factory import running_campaign

MOMENT = datetime(2026, 3, 9, 10, tzinfo=UTC)


def two_accounts(session):
    return make_account(session), make_account(session)


def draw(session, campaign_id, account, *, held):
    session.add(HoldoutAccount(campaign_id=campaign_id, account_id=account.id, is_held_out=held, drawn_at=MOMENT))
    session.flush()


def held(session, campaign_id):
    rows = session.execute(select(HoldoutAccount.account_id, HoldoutAccount.is_held_out).where(
        HoldoutAccount.campaign_id == campaign_id))
    return {account_id: is_held for account_id, is_held in rows}


@pytest.fixture
def campaign_id(session):
    return make_row(session, Delivery.metadata.tables["campaign"])["id"]


@pytest.mark.parametrize("keeps_held", [True, False])
def test_a_held_out_account_is_never_written_to_because_of_a_merge(session, campaign_id, keeps_held):
    kept, dropped = two_accounts(session)
    site = make_account(session, parent_id=kept.id)
    draw(session, campaign_id, kept, held=keeps_held)
    draw(session, campaign_id, site, held=keeps_held)
    draw(session, campaign_id, dropped, held=not keeps_held)
    merge = merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    assert held(session, campaign_id) == {kept.id: True, site.id: True}
    unmerge(session, merge_id=merge.id)
    assert sorted(held(session, campaign_id).values()) == sorted([keeps_held, keeps_held, not keeps_held])


def test_a_family_drawn_only_under_the_dropped_account_holds_for_the_kept_one(session, campaign_id):
    kept, dropped = two_accounts(session)
    draw(session, campaign_id, dropped, held=True)
    merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    assert held(session, campaign_id) == {kept.id: True}


def stop(session, scope, key, purpose="*"):
    session.add(Suppression(scope=scope, key=str(key), purpose=purpose, reason="asked", created_at=MOMENT))
    session.flush()


def active_stops(session, scope):
    rows = session.execute(select(Suppression.key, Suppression.purpose).where(
        Suppression.scope == scope, Suppression.lifted_at.is_(None)))
    return sorted(tuple(row) for row in rows)


def test_a_stop_of_either_account_stays_in_force(session):
    kept, dropped = two_accounts(session)
    stop(session, "account", dropped.id)
    stop(session, "account", dropped.id, "news")
    stop(session, "account", kept.id, "news")
    merge = merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    assert active_stops(session, "account") == [(str(kept.id), "*"), (str(kept.id), "news")]
    unmerge(session, merge_id=merge.id)
    assert len(active_stops(session, "account")) == 3


def test_another_address_does_not_open_the_way_to_somebody_who_unsubscribed(session):
    account = make_account(session)
    one = make_contact(session, account, email="stopped@a.example", email_key="stopped@a.example")
    two = make_contact(session, account, email="open@a.example", email_key="open@a.example")
    stop(session, "address", address_key("stopped@a.example"), "news")
    merge = merge_contacts(session, keep_id=one.id, drop_id=two.id, choices={"email": "drop"})
    assert session.get(Contact, merge.kept_id).email == "open@a.example"
    assert active_stops(session, "contact") == [(str(merge.kept_id), "news")]
    unmerge(session, merge_id=merge.id)
    assert active_stops(session, "contact") == []


def test_who_has_left_under_one_record_is_not_written_to_under_the_other(session):
    account = make_account(session)
    one, two = make_contact(session, account), make_contact(session, account, is_active=False)
    merge = merge_contacts(session, keep_id=one.id, drop_id=two.id)
    assert session.get(Contact, merge.kept_id).is_active is False


def test_people_of_two_accounts_are_not_merged(session):
    one, two = make_contact(session), make_contact(session)
    with pytest.raises(Refused, match="different accounts"):
        merge_contacts(session, keep_id=one.id, drop_id=two.id)


def test_a_conversation_stays_locked_until_the_later_day(session):
    kept, dropped = two_accounts(session)
    for account, days, owner in ((kept, 1, 7), (dropped, 5, 8)):
        session.add(ConversationLock(account_id=account.id, owner_id=owner, reason="reply",
                                     until=MOMENT + timedelta(days=days)))
    session.flush()
    merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    locks = session.scalars(select(ConversationLock)).all()
    assert [(lock.owner_id, lock.until) for lock in locks] == [(8, MOMENT + timedelta(days=5))]


def grants(session, *accounts):
    offer = session.get(Offer, make_row(session, Offer.__table__, valid_from=date(2020, 1, 1),
                                        valid_until=date(2030, 1, 1), granted_count=len(accounts))["id"])
    for number, account in enumerate(accounts):
        session.add(OfferGrant(offer_id=offer.id, account_id=account.id, code=f"CODE{number}", granted_at=MOMENT,
                               expires_on=date(2030, 1, 1)))
    session.flush()
    return offer


def test_a_code_that_was_promised_to_the_dropped_account_still_works_once(session):
    kept, dropped = two_accounts(session)
    grants(session, kept, dropped)
    first = make_order(session, kept, on=date(2026, 4, 1))
    second = make_order(session, kept, on=date(2026, 4, 2))
    merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    redeem_code(session, code="CODE1", order_number=first.external_id)
    with pytest.raises(InvalidInput):
        redeem_code(session, code="CODE0", order_number=second.external_id)
    assert session.scalar(select(func.count()).select_from(Redemption)) == 1


def test_a_redeemed_code_is_the_one_that_stays(session):
    kept, dropped = two_accounts(session)
    grants(session, kept, dropped)
    order = make_order(session, dropped, on=date(2026, 4, 1))
    redeem_code(session, code="CODE1", order_number=order.external_id)
    merge = merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    assert session.scalars(select(OfferGrant.code)).all() == ["CODE1"]
    assert session.scalar(select(Redemption.account_id)) == kept.id
    unmerge(session, merge_id=merge.id)
    assert sorted(session.scalars(select(OfferGrant.code))) == ["CODE0", "CODE1"]


def test_of_two_open_cases_the_one_with_an_offer_stays_open(session):
    kept, dropped = two_accounts(session)
    make_row(session, Case.__table__, account_id=kept.id, state="open")
    make_row(session, Case.__table__, account_id=dropped.id, state="offered")
    merge = merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    assert session.execute(select(Case.account_id, Case.state)).all() == [(kept.id, "offered")]
    unmerge(session, merge_id=merge.id)
    assert session.scalar(select(func.count()).select_from(Case)) == 2


def test_a_person_with_two_records_in_one_run_gets_each_step_once_and_the_books_balance(database):
    running_campaign(people=2)
    with db.transaction() as session:
        one, two = session.scalars(select(Contact.id).order_by(Contact.id)).all()
        account = session.get(Contact, one).account_id
        session.execute(update(Contact).values(account_id=account))
        planned = session.scalar(select(func.count()).select_from(Delivery))
        merge_id = merge_contacts(session, keep_id=one, drop_id=two).id
    with db.reading() as session:
        assert session.scalars(select(Delivery.contact_id)).all() == [one] * planned
        states = sorted(session.scalars(select(Delivery.state)))
        assert states == [DeliveryState.CANCELLED, DeliveryState.QUEUED]
        assert session.scalar(select(func.count()).select_from(Enrolment)) == 1
    with db.transaction() as session:
        unmerge(session, merge_id=merge_id)
        assert session.scalars(select(Delivery.state)).all() == [DeliveryState.QUEUED] * planned
        assert session.scalar(select(func.count()).select_from(Enrolment)) == 2


def test_a_message_that_is_being_handed_over_takes_the_place_of_the_other_records_same_step(database):
    running_campaign(people=2)
    with db.transaction() as session:
        one, two = session.scalars(select(Contact.id).order_by(Contact.id)).all()
        session.execute(update(Contact).values(account_id=session.get(Contact, one).account_id))
        session.execute(update(Delivery).where(Delivery.contact_id == two).values(state=DeliveryState.HANDING))
        merge_contacts(session, keep_id=one, drop_id=two)
        way = session.scalar(select(Enrolment.id))
        rows = session.execute(select(Delivery.state, Delivery.enrolment_id).order_by(Delivery.state)).all()
    assert [state for state, _way in rows] == [DeliveryState.CANCELLED, DeliveryState.HANDING]
    assert rows[1][1] == way


def test_what_a_worker_writes_late_about_the_dropped_account_is_moved(database):
    with db.transaction() as session:
        kept, dropped = two_accounts(session)
        kept_id, dropped_id = kept.id, dropped.id
        make_account(session)  # so that the number is not given away again
        merge_accounts(session, keep_id=kept_id, drop_id=dropped_id)
    with db.transaction() as session:
        session.add(Touch(account_id=dropped_id, channel="email", points=1, at=clock.now()))
    sweep_late_rows()
    with db.reading() as session:
        assert session.scalars(select(Touch.account_id)).all() == [kept_id]


def test_of_two_people_who_merge_at_once_one_is_told_that_it_was_done(database):
    with db.transaction() as session:
        kept, dropped = two_accounts(session)
        pair = (kept.id, dropped.id)
    told = []

    def merge(keep, drop):
        try:
            with db.transaction() as session:
                merge_accounts(session, keep_id=keep, drop_id=drop)
            told.append("done")
        except NotFound:
            told.append("gone")

    threads = [threading.Thread(target=merge, args=args) for args in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["done", "gone"]


def test_what_was_said_not_to_be_the_same_holds_for_the_merged_account(session):
    kept, dropped, other = make_account(session), make_account(session), make_account(session)
    for one, two, state in ((kept, dropped, "open"), (dropped, other, "dismissed"), (kept, other, "open")):
        session.add(DuplicatePair(subject="account", first_id=min(one.id, two.id), second_id=max(one.id, two.id),
                                  score=90, reasons=[], state=state, found_at=MOMENT, seen_at=MOMENT))
    session.flush()
    merge = merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    rows = session.execute(select(DuplicatePair.first_id, DuplicatePair.second_id, DuplicatePair.state)).all()
    assert sorted(tuple(row) for row in rows) == sorted([
        (kept.id, merge.dropped_id, "merged"), (kept.id, other.id, "dismissed")])


def test_a_merge_is_undone_once_and_not_past_a_later_one(session):
    kept, one, two = (make_account(session).id for _ in range(3))
    first = merge_accounts(session, keep_id=kept, drop_id=one)
    second = merge_accounts(session, keep_id=kept, drop_id=two)
    with pytest.raises(Refused, match="undo that merge first"):
        unmerge(session, merge_id=first.id)
    unmerge(session, merge_id=second.id)
    unmerge(session, merge_id=first.id)
    with pytest.raises(Refused, match="already"):
        unmerge(session, merge_id=first.id)


def test_what_was_moved_elsewhere_since_stays_there_when_a_merge_is_undone(session):
    kept, dropped, third = make_account(session), make_account(session), make_account(session)
    person = make_contact(session, dropped)
    merge = merge_accounts(session, keep_id=kept.id, drop_id=dropped.id)
    session.execute(update(Contact).where(Contact.id == person.id).values(account_id=third.id))
    unmerge(session, merge_id=merge.id)
    assert session.scalar(select(Contact.account_id)) == third.id


def test_the_number_of_a_dropped_account_given_away_since_does_not_stop_the_undoing(session):
    kept, dropped = two_accounts(session)
    make_contact(session, dropped)
    number, name = dropped.id, dropped.name
    merge = merge_accounts(session, keep_id=kept.id, drop_id=number)
    make_account(session, id=number)
    unmerge(session, merge_id=merge.id)
    restored = session.scalar(select(Contact.account_id))
    assert restored != number
    assert session.scalar(select(Delivery.metadata.tables["account"].c.name).where(
        Delivery.metadata.tables["account"].c.id == restored)) == name
