"""When two accounts, or two records of a person, become one, every table that speaks of them has a rule."""

import pytest
from sqlalchemy import ForeignKeyConstraint

from abm.all_models import metadata
from abm.identity import contact_special, special
from abm.identity.moving import find_column
from abm.identity.rules import ACCOUNT_RULES, CONTACT_RULES, LATE, RULES, Rule


def references(subject):
    """Columns that a foreign key ties to the subject, and those that bear its name without one."""
    found = set()
    for table in metadata.sorted_tables:
        found |= {f"{table.name}.{column.name}" for column in table.columns if column.name == f"{subject}_id"}
        found |= {f"{table.name}.{element.parent.name}" for constraint in table.constraints
                  if isinstance(constraint, ForeignKeyConstraint) for element in constraint.elements
                  if element.column.table.name == subject}
    return found


@pytest.mark.parametrize("subject", ["account", "contact"])
def test_every_column_that_refers_to_it_has_a_rule(subject):
    """Yours is missing? Add a line to abm/identity/rules.py; most MOVE, or MOVE_UNLESS_PRESENT with a unique set."""
    assert references(subject) - RULES[subject].keys() == set()


@pytest.mark.parametrize("rules", [ACCOUNT_RULES, CONTACT_RULES])
def test_every_rule_is_about_a_column_that_exists(rules):
    assert [name for name in rules if find_column(name) is None] == []


def test_every_special_rule_has_its_function():
    by_merging = {"account_alias.account_id", "contact_alias.contact_id"}
    named = {name for rules in RULES.values() for name, rule in rules.items() if rule is Rule.SPECIAL}
    assert named - by_merging == {*special.SPECIAL, *contact_special.SPECIAL}


def test_what_has_no_foreign_key_is_looked_after_when_a_worker_was_late():
    free = {name for name in references("account") if name.split(".")[0] in metadata.tables
            and not find_column(name).foreign_keys and ACCOUNT_RULES[name] is Rule.MOVE}
    assert free - set(LATE["account"]) - {"approved_member.account_id"} == set()
