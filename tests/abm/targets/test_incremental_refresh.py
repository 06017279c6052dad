"""A refresh of only what changed ends where judging everybody would."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.catalogue.models import Product
from abm.contacts.models import Contact
from abm.orders.models import Order, OrderLine
from abm.targets import tracking
from abm.targets.actions import refresh_list, save_list
from abm.targets.files import read_definition
from abm.targets.membership import put_in, take_out
from abm.targets.models import AccountChange, ListMember, ListPending, ListSpell, ListVeto
from abm.targets.previews import select_by_rules
from abm.targets.queries import get_list
from abm.targets.refreshing import is_stale, spread_changes
from abm.targets.scopes import make_vocabulary, stored_rules
from abm.work.models import Task
from campaigns.models import Approval, Campaign, CampaignVersion, Delivery, Enrolment, Event, Run, Suppression, Touch
from core.db import is_postgres
from core.signing import keyed_digest
from tests.factories import make_account, make_contact, make_order, make_user

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
LISTS: dict[str, Any] = {
    "facts": {"any": [{"field": "account.employees", "at_least": 50}, {"field": "account.custom.s", "is": "gold"}]},
    "sites": {"field": "account.parent_id", "is_known": True},
    "mine": {"field": "account.owner_email", "contains": "anna"},
    "orders": {"has": "order", "where": {"field": "order.amount", "more_than": 50}, "at_least": 2},
    "silent": {"not": {"has": "order", "where": {"field": "order.ordered_on", "after": "30 days ago"}}},
    "lines": {"has": "order_line", "where": {"field": "order_line.product", "is": "Bolt"}},
    "people": {"has": "contact", "where": {"field": "contact.title", "contains": "buyer"}, "at_least": 2},
    "reachable": {"has": "contact", "where": {"field": "contact.can_email", "is": True}},
    "busy": {"has": "task", "where": {"field": "task.state", "is": "open"}},
    "answered": {"has": "campaign", "where": {"any": [
        {"field": "campaign.replied", "is": True}, {"field": "campaign.end_reason", "is": "met"},
        {"field": "campaign.state", "is": "paused"}]}},
    "sent": {"has": "campaign", "where": {"field": "campaign.last_sent_on", "is_known": True}},
    "pressed": {"any": [{"field": "campaign.points_7_days", "at_least": 3},
                        {"field": "campaign.days_since_last_touch", "at_most": 1}]},
    "classes": {"field": "analysis.abc", "is": "A"},
    "nested": {"all": [{"in_list": "facts"}, {"not": {"in_list": "chosen"}}, {"not": {"in_list": "best"}}]},
    "history": {"has": "list", "where": {"all": [{"field": "list.name", "is": "facts"},
                                                {"field": "list.left_on", "is_known": True}]}},
}
EVERY = (*LISTS, "best")
Change = Callable[[Session, list[int], int], None]


def _account(session: Session, accounts: list[int], n: int) -> Account:
    found = session.get(Account, accounts[n % len(accounts)])
    assert found is not None
    return found


def _add_account(session: Session, accounts: list[int], n: int) -> None:
    accounts.append(make_account(session, employees=n * 10, custom={"s": "gold" if n % 2 else "tin"}).id)


def _alter_account(session: Session, accounts: list[int], n: int) -> None:
    row = _account(session, accounts, n)
    row.employees, row.custom = n * 13 % 100, {"s": "gold" if n % 3 else "x"}
    row.parent_id = accounts[0] if n % 2 else None


def _remove_account(session: Session, accounts: list[int], n: int) -> None:
    if len(accounts) > 2:
        session.execute(delete(Account).where(Account.id == accounts.pop()))


def _give_owner(session: Session, accounts: list[int], n: int) -> None:
    user = make_user(session, email=f"bert{n}.{len(session.identity_map)}@example.com")
    _account(session, accounts, n).owner_id = user.id
    session.flush()
    user.email = f"anna{user.id}@example.com"


def _order(session: Session, accounts: list[int], n: int) -> None:
    order = make_order(session, _account(session, accounts, n), on=date(2026, 6, 1 + n % 14), amount=str(20 + n * 7))
    product = session.scalars(select(Product)).first()
    assert product is not None
    session.add(OrderLine(order_id=order.id, line_key="1", product_id=product.id, amount=order.amount))


def _alter_order(session: Session, accounts: list[int], n: int) -> None:
    own = select(Order.id).order_by(Order.id.desc()).limit(1).scalar_subquery()
    values: dict[str, Any] = [{"is_cancelled": True}, {"account_id": accounts[0]}, {"amount": 1}][n % 3]
    session.execute(update(Order).where(Order.id == own).values(**values))


def _remove_order(session: Session, accounts: list[int], n: int) -> None:
    session.execute(delete(Order).where(Order.account_id == accounts[n % len(accounts)]))


def _rename_product(session: Session, accounts: list[int], n: int) -> None:
    session.execute(update(Product).values(name="Nut" if n % 2 else "Bolt"))


def _contact(session: Session, accounts: list[int], n: int) -> None:
    make_contact(session, _account(session, accounts, n), title="Chief buyer", email=f"p{n}@firm{n % 3}.example")


def _alter_contact(session: Session, accounts: list[int], n: int) -> None:
    own = select(Contact.id).order_by(Contact.id.desc()).limit(1).scalar_subquery()
    mail = f"q{n}@firm{n % 2}.example"
    values: dict[str, Any] = [{"account_id": accounts[0]}, {"is_active": False}, {"lawful_basis": "none"},
                              {"email": mail, "email_key": mail}][n % 4]
    session.execute(update(Contact).where(Contact.id == own).values(**values, updated_at=NOW + timedelta(days=40)))


def _stop(session: Session, accounts: list[int], n: int) -> None:
    scope, key = [("domain", keyed_digest("domain", f"firm{n % 3}.example")), ("account", str(accounts[n % 2])),
                  ("address", keyed_digest("address", f"p{n}@firm{n % 3}.example"))][n % 3]
    active = select(Suppression).where(Suppression.key == key, Suppression.lifted_at.is_(None))
    known = session.scalars(active).first()
    if known is not None:
        known.lifted_at = NOW
    else:
        session.add(Suppression(scope=scope, key=key, reason="asked", created_at=NOW))


def _task(session: Session, accounts: list[int], n: int) -> None:
    session.execute(update(Task).where(Task.account_id == accounts[0]).values(state="done"))
    session.add(Task(title="Call", account_id=accounts[n % len(accounts)], created_at=NOW))


def _touch(session: Session, accounts: list[int], n: int) -> None:
    if n % 4 == 0:
        session.execute(delete(Touch).where(Touch.account_id == accounts[0]))
    session.add(Touch(account_id=accounts[n % len(accounts)], channel="call", points=2, at=NOW - timedelta(days=n % 9)))


def _enrol(session: Session, accounts: list[int], n: int) -> None:
    run, account = session.scalars(select(Run)).one(), accounts[n % len(accounts)]
    contact = 10_000 + len(session.scalars(select(Enrolment.id)).all())
    session.add(Enrolment(run_id=run.id, account_id=account, contact_id=contact, enrolled_at=NOW,
                          end_reason="met" if n % 5 == 0 else None))
    row = Delivery(run_id=run.id, version_id=run.version_id, enrolment_id=1, account_id=account, contact_id=contact,
                   position=0, step="hello", channel="email", due_at=NOW, planned_at=NOW, state="sent", sent_at=NOW)
    session.add(row)
    session.flush()
    session.add(Touch(account_id=account, channel="email", points=1, delivery_id=row.id, at=NOW))
    session.add(Event(event_key=f"k{contact}", delivery_id=row.id, account_id=account,
                      kind="reply" if n % 2 else "click", is_machine=n % 3 == 0, at=NOW))


def _pause(session: Session, accounts: list[int], n: int) -> None:
    session.execute(update(Campaign).values(state="paused" if n % 2 else "running"))


def _veto(session: Session, accounts: list[int], n: int) -> None:
    own = get_list(session, EVERY[n % len(EVERY)])
    known = session.scalars(select(ListVeto).where(ListVeto.list_id == own.id, ListVeto.ended_at.is_(None))).first()
    if known is not None:
        known.ended_at = NOW
    else:
        session.add(ListVeto(list_id=own.id, account_id=accounts[n % len(accounts)], reason="no", by_name="Anna",
                             until_on=date(2026, 8, 1), created_at=NOW))


def _choose(session: Session, accounts: list[int], n: int) -> None:
    row, account = get_list(session, "chosen"), accounts[n % len(accounts)]
    (take_out if session.get(ListMember, (row.id, account)) else put_in)(session, row, [account])


def _change_rules(session: Session, accounts: list[int], n: int) -> None:
    _save(session, "facts", {"field": "account.employees", "at_least": n * 5})


def _analyse(session: Session, accounts: list[int], n: int) -> None:
    run = AnalysisRun(state="done", period="month", value_kind="revenue", started_at=NOW)
    session.add(run)
    session.flush()
    session.add(AccountResult(run_id=run.id, account_id=accounts[n % len(accounts)], orders=1, value=1.0, abc="A",
                              order_days=1, rhythm="active"))


CHANGES: list[Change] = [
    _add_account, _alter_account, _remove_account, _give_owner, _order, _alter_order, _remove_order, _rename_product,
    _contact, _alter_contact, _stop, _task, _touch, _enrol, _pause, _veto, _choose, _change_rules, _analyse]
NAMES = {change.__name__: change for change in CHANGES}


def _save(session: Session, name: str, who: Any, **more: Any) -> None:
    save_list(session, definition=read_definition({"list": name, "who": who, **more}, make_vocabulary()))


def _set_up(session: Session) -> list[int]:
    session.add(Product(sku="B", name="Bolt", created_at=NOW, updated_at=NOW))
    campaign = Campaign(name="c", title="C", state="running", definition={}, definition_hash="", created_at=NOW,
                        updated_at=NOW)
    session.add(campaign)
    session.flush()
    version = CampaignVersion(campaign_id=campaign.id, number=1, definition={}, definition_hash="", created_at=NOW)
    session.add(version)
    session.flush()
    session.add(Run(campaign_id=campaign.id, version_id=version.id, approval_id=_approve(session, campaign, version),
                    number=1, purpose="m", launched_at=NOW))
    accounts = [make_account(session, employees=30 * n, owner_email="anna@example.com" if n else None).id
                for n in range(4)]
    save_list(session, definition=read_definition({"list": "chosen", "accounts": []}, make_vocabulary()))
    _save(session, "best", {"field": "account.employees", "is_known": True},
          top={"by": "account.employees", "count": "2"})
    for name, who in LISTS.items():
        _save(session, name, who)
    return accounts


def _approve(session: Session, campaign: Campaign, version: CampaignVersion) -> int:
    row = Approval(campaign_id=campaign.id, version_id=version.id, approved_by="Anna", approved_at=NOW)
    session.add(row)
    session.flush()
    return row.id


def _by_members(session: Session, name: str) -> set[int]:
    own = get_list(session, name).id
    return set(session.scalars(select(ListMember.account_id).where(ListMember.list_id == own)))


def _by_rules(session: Session, name: str) -> set[int]:
    row = get_list(session, name)
    rule, top = stored_rules(row)
    return set(session.scalars(select_by_rules(session, rule=rule, top=top, within=(name,), list_id=row.id)))


def _refresh(session: Session) -> None:
    """What the job does; again, since who left one list is a fact for others."""
    for _ in range(2):
        spread_changes(session)
        for name in [name for name in EVERY if is_stale(session, get_list(session, name))]:
            refresh_list(session, name=name)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.lists(st.lists(st.tuples(st.sampled_from(sorted(NAMES)), st.integers(0, 20)), min_size=1, max_size=8),
                       min_size=1, max_size=2), days=st.integers(0, 2))
def test_refreshing_what_changed_is_judging_everybody(session: Session, at: Any, days: int,
                                                      rounds: list[list[tuple[str, int]]]) -> None:
    at(NOW)
    with session.begin_nested() as savepoint:
        accounts = _set_up(session)
        for round_number, changes in enumerate(rounds):
            for name, number in changes:
                NAMES[name](session, accounts, number)
                session.flush()
            at(NOW + timedelta(days=days * round_number))
            _refresh(session)
            session.expire_all()
            kept = {name: _by_members(session, name) for name in EVERY}
            judged = {name: _by_rules(session, name) for name in EVERY}
            open_stays = {name: set(session.scalars(select(ListSpell.account_id).where(
                ListSpell.list_id == get_list(session, name).id, ListSpell.left_at.is_(None)))) for name in EVERY}
            assert kept == judged
            assert open_stays == kept
            assert {name: get_list(session, name).member_count for name in EVERY} == {
                name: len(members) for name, members in kept.items()}
        savepoint.rollback()


@pytest.fixture
def accounts(session: Session, at: Any) -> list[int]:
    at(NOW)
    accounts = _set_up(session)
    _refresh(session)
    return accounts


def test_after_any_change_no_list_is_left_behind(session: Session, accounts: list[int]) -> None:
    for change, number in [(change, number) for number in (1, 4) for change in CHANGES]:
        change(session, accounts, number)
        session.flush()
        _refresh(session)
        for name in EVERY:
            assert _by_members(session, name) == _by_rules(session, name), (change.__name__, name)


def test_only_the_account_that_changed_is_judged_again(session: Session, accounts: list[int]) -> None:
    facts = get_list(session, "facts")
    stranger = make_account(session, employees=1)
    refresh_list(session, name="facts")
    put_in(session, facts, [stranger.id])  # nobody else would put it in, and only judging everybody takes it out
    session.execute(delete(ListPending))
    _alter_account(session, accounts, 1)
    session.flush()

    refresh_list(session, name="facts")
    kept = stranger.id in _by_members(session, "facts")
    refresh_list(session, name="facts", everybody=True)

    assert kept
    assert stranger.id not in _by_members(session, "facts")


def test_a_statement_that_changes_very_many_leaves_no_list_behind(session: Session, accounts: list[int],
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "MANY", 1)
    tracking.install_tracking(session.connection())

    session.execute(update(Account).values(employees=Account.employees + 30))
    session.execute(update(Contact).values(title="Head buyer"))
    everybody = select(AccountChange.kind).where(AccountChange.account_id == tracking.EVERYBODY)
    noted = set(session.scalars(everybody))
    _refresh(session)

    assert noted == ({"account"} if is_postgres(session) else set())
    assert {name: _by_members(session, name) for name in EVERY} == {name: _by_rules(session, name) for name in EVERY}


def test_a_list_that_nothing_happened_to_is_left_alone(session: Session, accounts: list[int]) -> None:
    spread_changes(session)
    for name in EVERY:
        refresh_list(session, name=name)
    _task(session, accounts, 1)
    session.flush()
    spread_changes(session)

    assert [name for name in EVERY if is_stale(session, get_list(session, name))] == ["busy"]


def test_the_next_day_only_lists_that_ask_about_days_are_judged_again(session: Session, accounts: list[int],
                                                                     at: Any) -> None:
    """Relative days, and whether somebody may be written to: consent may end with a day."""
    at(NOW + timedelta(days=1))

    assert {name for name in EVERY if is_stale(session, get_list(session, name))} == {"silent", "pressed", "reachable"}
