"""What rules are read and judged by, from the database: the fields there are, today, the latest analysis, lists."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, Select, func, select, type_coerce
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.queries import latest_run
from abm.company.queries import get_company
from abm.contacts.models import Contact
from abm.targets import account_fields, related_fields, scorecard_fields
from abm.targets.compile import Scope, select_account_ids
from abm.targets.countries import country_names
from abm.targets.families import family_fields
from abm.targets.models import ListMember, TargetList
from abm.targets.rule_tree import Rule, Top, lists_in
from abm.targets.rules import read_rules
from abm.targets.sources import make_vocabulary
from abm.targets.vocabulary import Field, Vocabulary, is_custom_name
from core import clock
from core.db import is_postgres
from core.errors import NotFound, Refused

# Importing them makes their fields known.
BUILT_IN = (account_fields.ACCOUNTS, related_fields.BASES, scorecard_fields.FAMILY)


def get_vocabulary(session: Session) -> Vocabulary:
    """Every field that rules may speak of now, with the custom fields and lists that there are."""
    custom = {"account": _custom_names(session, Account), "contact": _custom_names(session, Contact)}
    lists = frozenset(session.scalars(select(TargetList.name)))
    return with_fields(make_vocabulary(custom=custom, lists=lists), family_fields(session))


def with_fields(vocabulary: Vocabulary, more: Mapping[str, Field]) -> Vocabulary:
    """The same with these fields of accounts beside the fixed ones, and no other of their families."""
    accounts = replace(vocabulary.accounts, fields={**vocabulary.accounts.fields, **more})
    return replace(vocabulary, subjects={**vocabulary.subjects, accounts.name: accounts})


def _custom_names(session: Session, table: type[Account] | type[Contact]) -> frozenset[str]:
    if is_postgres(session):
        keys = func.jsonb_object_keys(table.custom).table_valued("value", name="keys").render_derived()
        found = select(keys.c.value).select_from(table).join(keys, table.id.is_not(None)).distinct()
        found = found.where(func.jsonb_typeof(table.custom) == "object")
    else:
        pairs = func.json_each(type_coerce(table.custom, JSON)).table_valued("key")
        found = select(pairs.c.key).select_from(table).join(pairs, table.id.is_not(None)).distinct()
        found = found.where(table.custom.is_not(None))
    return frozenset(key for key in session.scalars(found) if isinstance(key, str) and is_custom_name(key))


def make_scope(session: Session, *, within: tuple[str, ...] = ()) -> Scope:
    """What holds now. `within`: the lists that are being looked into; one that holds itself is Refused."""
    run = latest_run(session)
    zone = ZoneInfo(get_company(session).timezone)

    def members_of(name: str) -> Select[Any]:
        return select_list_accounts(session, name, within=within)

    today = clock.now().astimezone(zone).date()
    return Scope(today, zone, run.id if run else None, members_of, country_names, is_postgres(session))


def select_list_accounts(session: Session, name: str, *, within: tuple[str, ...] = ()) -> Select[Any]:
    """SELECT of who is in the list now: by hand as kept, by rules as the data says at this moment.

    Raises NotFound for an unknown list, Refused for one that holds itself.
    """
    if name in within:
        raise Refused(f"The list {name} would hold itself ({' → '.join((*within, name))}); take one of them out")
    found = session.execute(select(TargetList).where(TargetList.name == name)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no list called {name}; `abm lists` and the page Lists show those there are")
    if found.kind == "static":
        return select(ListMember.account_id).where(ListMember.list_id == found.id)
    rule, top = stored_rules(found)
    return select_account_ids(rule, top, make_scope(session, within=(*within, name)))


def stored_rules(found: TargetList) -> tuple[Rule | None, Top | None]:
    """The tree of a list as saved. Names of custom fields and lists are not asked again: data come and go."""
    rule = read_rules(found.who, make_vocabulary()) if found.who else None
    top = Top(found.top["by"], found.top["count"]) if found.top else None
    return rule, top


def refuse_circle(session: Session, *, name: str, rule: Rule | None) -> None:
    """Refused when one of the lists that the rule names holds the list `name`, however deep."""
    for other in sorted(lists_in(rule)):
        select_list_accounts(session, other, within=(name,))
