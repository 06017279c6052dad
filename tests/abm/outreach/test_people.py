"""What the engine is told about people: who is meant, where they live, which values content may use."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import case, event, select, type_coerce
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.zones import zone_of_account, zone_of_person
from abm.outreach import people
from abm.outreach.engine_side import engine_side
from core.db import UtcDateTime
from tests.abm.outreach.companies import make_list
from tests.factories import make_account, make_contact, make_order, make_user


def members(session: Session, *, roles: tuple[str, ...] = (), per_account: int | None = None) -> list[int]:
    chosen = people.select_list_people(list_name="silent", roles=roles, per_account=per_account)
    return [row.contact_id for row in session.execute(chosen.order_by("contact_id"))]


def test_everybody_still_at_a_listed_account_is_meant(session: Session) -> None:
    listed, other = make_account(session), make_account(session)
    make_list(session, listed)
    here = make_contact(session, listed)
    make_contact(session, listed, is_active=False)
    make_contact(session, other)
    assert members(session) == [here.id]


def test_roles_choose_and_rank_people_of_an_account(session: Session) -> None:
    account = make_account(session)
    make_list(session, account)
    champion = make_contact(session, account, buying_role="champion", influence=5)
    decider = make_contact(session, account, buying_role="decision_maker", influence=1)
    make_contact(session, account, buying_role="user", influence=5)
    assert members(session, roles=("decision_maker", "champion")) == [champion.id, decider.id]
    assert members(session, roles=("decision_maker", "champion"), per_account=1) == [decider.id]


def test_influence_decides_between_people_of_one_role(session: Session) -> None:
    account = make_account(session)
    make_list(session, account)
    make_contact(session, account, buying_role="user", influence=None)
    weighty = make_contact(session, account, buying_role="user", influence=4)
    make_contact(session, account, buying_role="user", influence=2)
    assert members(session, per_account=1) == [weighty.id]


def test_a_site_belongs_to_the_family_of_its_parent(session: Session) -> None:
    parent = make_account(session, tier="1")
    site = make_account(session, parent_id=parent.id, tier="2")
    make_list(session, parent, site)
    make_contact(session, parent)
    make_contact(session, site)
    rows = session.execute(people.select_list_people(list_name="silent", roles=(), per_account=None)).all()
    assert {(row.family_id, row.stratum) for row in rows} == {(parent.id, "1"), (parent.id, "2")}


@pytest.mark.parametrize(("own", "country", "account", "zone"), [
    ("Asia/Tokyo", "DE", "Europe/Paris", "Asia/Tokyo"),
    (None, "DE", "Europe/Paris", "Europe/Berlin"),
    ("Nowhere/Land", "Atlantis", "Europe/Paris", "Europe/Paris"),
    (None, None, None, "Europe/Oslo"),
    ("", "us", "", "America/New_York"),
])
def test_the_zone_is_the_persons_then_the_countrys_then_the_accounts_then_ours(
        own: str | None, country: str | None, account: str | None, zone: str) -> None:
    assert zone_of_person(own=own, country=country, account=account, company="Europe/Oslo") == zone


def test_an_accounts_own_zone_goes_before_its_countrys() -> None:
    assert zone_of_account(own="Atlantic/Canary", country="ES", company="UTC") == "Atlantic/Canary"


def test_values_name_person_account_owner_and_the_last_counted_order(session: Session) -> None:
    owner = make_user(session, name="Olga", phone="123")
    account = make_account(session, name="Acme", owner_id=owner.id, custom={"segment": "gold"})
    person = make_contact(session, account, first_name="Ana")
    make_order(session, account, on=date(2026, 1, 5), amount="10")
    make_order(session, account, on=date(2026, 2, 5), amount="20.5")
    make_order(session, account, on=date(2026, 3, 5), amount="99", is_cancelled=True)
    values = people.get_content_values(session, [person.id])[person.id]
    assert values["last_order"] == {"on": date(2026, 2, 5), "amount": Decimal("20.5"), "currency": "EUR"}
    assert (values["contact"]["first_name"], values["account"]["name"], values["account"]["custom"]["segment"],
            values["owner"]["name"]) == ("Ana", "Acme", "gold", "Olga")


def test_values_of_many_people_cost_as_many_queries_as_those_of_one(session: Session) -> None:
    ids = [make_contact(session).id for _number in range(30)]
    session.flush()
    statements: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *given: statements.append(given[2]))
    people.get_content_values(session, ids)
    people.get_recipients(session, ids)
    assert len(statements) <= 4


def test_somebody_erased_is_missing_and_nobody_else(session: Session) -> None:
    person = make_contact(session, make_account(session, country="DE", tier="1"))
    found = people.get_recipients(session, [person.id, person.id + 1])
    assert list(found) == [person.id]
    assert (found[person.id].country, found[person.id].zone, found[person.id].tier) == ("DE", "Europe/Berlin", "1")


def test_an_order_counts_from_the_moments_own_day_on(session: Session) -> None:
    before, same, none = (make_account(session) for _number in range(3))
    make_order(session, before, on=date(2026, 3, 2))
    make_order(session, same, on=date(2026, 3, 3))
    moment = datetime(2026, 3, 3, 15, tzinfo=UTC)
    since = {account.id: moment for account in (before, same, none)}
    assert engine_side().people.ordered_since(session, since) == {same.id}


def test_an_address_finds_everybody_who_has_it_whatever_its_case(session: Session) -> None:
    one = make_contact(session, email="Jane@Example.com")
    two = make_contact(session, email="jane@example.com")
    found = people.find_contacts_by_address(session, " JANE@example.COM ")
    assert found == [(one.id, one.account_id), (two.id, two.account_id)]


def test_the_policy_is_the_companys(session: Session) -> None:
    policy = engine_side().company.policy(session)
    assert (policy.zone, policy.person_touches_7_days, policy.channel_points["call"]) == ("UTC", 2, 2)
    assert timedelta(hours=8) == datetime.combine(date.min, policy.working_to) - datetime.combine(
        date.min, policy.working_from)


def test_orders_are_counted_from_each_accounts_own_day_on(session: Session) -> None:
    early, late = make_account(session), make_account(session)
    for account in (early, late):
        make_order(session, account, on=date(2026, 3, 3))
        make_order(session, account, on=date(2026, 3, 5))
    begun_late = case((Account.id == early.id, datetime(2026, 3, 3, 20, tzinfo=UTC)),
                      else_=datetime(2026, 3, 4, tzinfo=UTC))
    since = select(Account.id.label("account_id"), type_coerce(begun_late, UtcDateTime()).label("since"))
    assert engine_side().people.count_orders_since(session, since) == 3


def test_exports_name_the_source_systems_own_ids(session: Session) -> None:
    person = make_contact(session, make_account(session, external_id="ACC-7"), external_id="CON-9", email=None)
    assert engine_side().people.external_ids(session, [person.id]) == {person.id: ("CON-9", "ACC-7", "")}
