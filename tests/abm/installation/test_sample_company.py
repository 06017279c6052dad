"""The sample company that a first start loads."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from abm.accounts.models import Account
from abm.company.queries import company_today
from abm.contacts.models import Contact
from abm.installation.sample import load_sample_company
from abm.installation.sample_sign_in import sample_sign_in
from abm.orders.models import Order
from abm.outreach.postal import get_postal_addresses
from abm.targets.models import TargetList
from core import db


def test_the_sample_company_orders_until_yesterday_and_is_loaded_once(database: Path) -> None:
    assert (load_sample_company(), load_sample_company()) == (True, False)
    with db.reading() as session:
        assert session.scalar(select(func.max(Order.ordered_on))) == company_today(session) - timedelta(days=1)
        assert session.scalar(select(func.count(Contact.email_key.distinct()))) > 91
        assert session.scalar(select(func.min(TargetList.member_count))) > 0
    with db.reading() as session:
        person = session.scalars(select(Contact).join(Account).where(Account.external_id == "ALFKI")).first()
        assert person is not None
        assert "Obere Str. 57" in get_postal_addresses(session, [person.id])[person.id]


def test_the_sample_users_passwords_are_for_the_owner_only(database: Path) -> None:
    load_sample_company()
    path = database / "sample-users.txt"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [line.split()[0] for line in path.read_text().splitlines()] == [
        "admin",
        "marketer",
        "sales",
        "sales",
        "viewer",
        "partner",
    ]
    assert path.read_text().split()[2] in sample_sign_in()


def test_a_load_that_was_cut_off_is_taken_up_again(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as cut:
        cut.setattr("abm.installation.sample.add_sample_work", _cut_off)
        with pytest.raises(KeyboardInterrupt):
            load_sample_company()
    assert load_sample_company()
    with db.reading() as session:
        assert session.scalar(select(func.count(TargetList.id))) == 2
        assert session.scalar(select(func.count(Order.id))) == 830
    assert not load_sample_company()


def _cut_off(_session: object) -> None:
    raise KeyboardInterrupt
