"""Qualifying by the clock: span by span, with the same outcome, holding nobody up."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import event, select

from abm.accounts.spans import list_spans
from abm.analysis.actions import run_analysis
from abm.plans import qualifying
from abm.plans.actions import answer_question
from abm.plans.models import Qualification
from abm.plans.qualifying import qualify_accounts, qualify_accounts_apart
from abm.plans.queries import is_stale
from core import db
from tests.factories import make_account, make_contact, make_order


@pytest.fixture
def company(database):
    with db.transaction() as session:
        head = make_account(session, industry="Food", employees=900)
        accounts = [make_account(session, industry="Food", employees=10 * n, parent_id=head.id if n < 3 else None)
                    for n in range(1, 7)]
        for n, account in enumerate(accounts):
            for role in ("decision_maker", "champion", "user")[: n % 4]:
                make_contact(session, account, buying_role=role)
            if n % 2:
                make_order(session, account, on=date(2026, 5, 1), amount=str(10**n))
        run_analysis(session)
        answer_question(session, account_id=head.id, question="partnership", answer="yes", evidence="Said so")


def rows() -> dict[int, dict[str, object]]:
    names = [column.name for column in Qualification.__table__.columns if column.name != "computed_at"]
    with db.reading() as session:
        return {row.account_id: {name: getattr(row, name) for name in names}
                for row in session.scalars(select(Qualification))}


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_span_by_span_comes_to_the_same_as_all_at_once(company, at_once):
    assert qualify_accounts_apart(at_once=at_once) == 7
    apart = rows()
    with db.transaction() as session:
        session.query(Qualification).delete()
        qualify_accounts(session)
    assert apart == rows()
    assert {row["kind_proposed"] for row in apart.values()} >= {"prospect"}


def test_every_span_is_committed_before_the_next_begins(company):
    written: list[int] = []

    def note(connection) -> None:
        written.append(connection.exec_driver_sql("SELECT count(*) FROM qualification").scalar())

    with db.transaction() as session:
        session.query(Qualification).delete()
    event.listen(db.engine(), "commit", note)
    try:
        qualify_accounts_apart(at_once=2)
    finally:
        event.remove(db.engine(), "commit", note)
    assert written[:4] == [2, 4, 6, 7]


@pytest.mark.parametrize("size", [1, 3, 7, 50])
def test_spans_hold_every_account_once(company, size):
    with db.reading() as session:
        spans = list_spans(session, size=size)
    assert len(spans) == -(-7 // size)
    assert all(last < first for (_, last), (first, _) in pairwise(spans))


def test_what_changes_while_it_computes_is_computed_again(company, at, monkeypatch):
    moment = datetime(2026, 6, 1, 12, tzinfo=UTC)
    at(moment)

    def list_and_change(session, *, size):
        found = list_spans(session, size=size)
        at(moment + timedelta(seconds=1))
        with db.transaction() as other:
            make_account(other)
        at(moment + timedelta(seconds=2))
        return found

    monkeypatch.setattr(qualifying, "list_spans", list_and_change)
    qualify_accounts_apart()
    with db.reading() as session:
        assert is_stale(session)
