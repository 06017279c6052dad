"""Whatever table speaks of an account or a person: its rows follow a merge and come back exactly."""

import pytest
from sqlalchemy import select

from abm.all_models import metadata
from abm.identity.merging import merge_accounts, merge_contacts
from abm.identity.moving import find_column, unique_partners
from abm.identity.rules import ACCOUNT_RULES, CONTACT_RULES, RULES, Rule
from abm.identity.unmerging import unmerge
from tests.abm.identity.any_rows import make_row, snapshot
from tests.factories import make_account, make_contact

HISTORY = ("merge", "merge_step", "audit_entry", "audit_detail", "account_event", "stop_epoch", "account_key",
           "account_day", "account_change", "list_pending")
# Made from other tables, or the two themselves: tested elsewhere.
SKIPPED = {"account.parent_id", "account_day.account_id", "contact.reports_to_id", "contact.account_id"}
MERGE = {"account": merge_accounts, "contact": merge_contacts}


def two(session, subject):
    if subject == "account":
        return make_account(session).id, make_account(session).id
    account = make_account(session)
    return make_contact(session, account).id, make_contact(session, account).id


def cases():
    for subject, rules in (("account", ACCOUNT_RULES), ("contact", CONTACT_RULES)):
        for name, rule in rules.items():
            if rule not in (Rule.LEAVE, Rule.DERIVED) and name not in SKIPPED:
                yield subject, name


def fill(session, subject, name, kept, dropped):
    """A row of the dropped one, and one of the kept one that would collide with it where a unique set allows."""
    column = find_column(name)
    more = {"kind": "name"} if name == "account_alias.account_id" else {}
    if name == "account_result.account_id":  # no foreign key ties a result to its run
        more = {"run_id": make_row(session, metadata.tables["analysis_run"])["id"]}
    made = make_row(session, column.table, **{column.name: dropped}, **more)
    row = session.execute(select(column.table).where(
        *(column.table.c[key] == value for key, value in made.items()))).mappings().one()
    sets = list(unique_partners(column))
    if sets and rule_of(subject, name) in (Rule.MOVE_UNLESS_PRESENT, Rule.FILL, Rule.SPECIAL):
        partners, _conditions = sets[-1]
        shared = {partner: row[partner] for partner in partners if partner != "id"}
        make_row(session, column.table, **{**shared, column.name: kept})


def rule_of(subject, name):
    return RULES[subject][name]


@pytest.mark.parametrize(("subject", "name"), list(cases()))
def test_its_rows_follow_and_come_back(session, subject, name):
    kept, dropped = two(session, subject)
    fill(session, subject, name, kept, dropped)
    before = snapshot(session, metadata, but=HISTORY)
    column = find_column(name)
    merge = MERGE[subject](session, keep_id=kept, drop_id=dropped)
    left = session.execute(select(column.table).where(column == dropped)).all()
    came = session.execute(select(column.table).where(column == kept)).all()
    assert left == []
    assert came != []
    unmerge(session, merge_id=merge.id)
    assert snapshot(session, metadata, but=HISTORY) == before
