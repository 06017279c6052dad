"""How fields of accounts are added to list rules by who knows them: scores, engagement, and whatever comes later.

Static fields of a joined table, one row per account:

    POINTS = Join("engagement", EngagementTotal.__table__, lambda scope: EngagementTotal.account_id == Account.id)
    add_account_fields({"engagement.points": (Field("engagement.points", "engagement points", FieldType.NUMBER,
                                                    "Engagement"),
                                              Column(EngagementTotal.__table__.c.points, join=POINTS))})

Fields named by the data (`scorecard.<name>`): a family with the column behind one key, and the keys there are.

    add_field_family(FamilySource(Family("scorecard.", "Scorecards"), column=score_column, list_keys=scorecard_titles))

`score_column(key)` is asked once per key; where each key needs its own join, give that join the name of the key and an
alias of the table. Without `join` the column may be a scalar subquery correlated with `Account`. A value that depends
on the day is a function of the `Scope` (`scope.today`). Say in `follows` which tracked tables change the value, or the
lists that ask for it are judged anew as a whole.

A module of an area above calls these when it is imported and stands in `abm.wiring.LIST_FIELD_MODULES`; fields of areas
below have a module here, named in `abm.targets.scopes.BUILT_IN`. Things an account has many of (`has: visit`) are a
subject of their own: `abm.targets.sources.register`, as `abm/work/list_fields.py` does for tasks.
"""

from collections.abc import Mapping
from dataclasses import replace

from abm.targets import account_fields
from abm.targets.sources import Column, FamilySource, get_source, register, register_family
from abm.targets.vocabulary import Field

__all__ = ["account_fields", "add_account_fields", "add_field_family"]


def add_account_fields(added: Mapping[str, tuple[Field, Column]]) -> None:
    """Let rules speak of these fields of accounts, by full name; a name given again replaces the former."""
    source = get_source("account")
    fields = {**source.subject.fields, **{name: field for name, (field, _) in added.items()}}
    columns = {**source.columns, **{name: column for name, (_, column) in added.items()}}
    register(replace(source, subject=replace(source.subject, fields=fields), columns=columns))


def add_field_family(source: FamilySource) -> None:
    """Let rules speak of the fields `prefix` + key of accounts."""
    register_family(source)
