"""What rules are read and judged by, from the database: the fields there are, today, the latest analysis, lists."""

import json
from dataclasses import replace
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, ColumnElement, Select, func, select, type_coerce
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.queries import latest_run_id
from abm.company.queries import get_company
from abm.contacts.models import Contact
from abm.targets import account_fields, campaign_fields, list_fields, related_fields, scorecard_fields
from abm.targets.compile import select_account_ids
from abm.targets.countries import country_names
from abm.targets.models import ListMember, ListVeto, TargetList
from abm.targets.rule_tree import Rule, Top, lists_in
from abm.targets.rules import read_rules
from abm.targets.sources import Registered, Scope, list_family_keys, make_vocabulary, registered
from abm.targets.vocabulary import Vocabulary, is_custom_name
from core import clock
from core.db import is_postgres
from core.errors import NotFound, Refused

# Importing them makes their fields known.
BUILT_IN = (account_fields, related_fields, campaign_fields, list_fields, scorecard_fields)


def get_vocabulary(session: Session) -> Vocabulary:
    """Every field that rules may speak of now, with the custom fields and lists that there are."""
    custom = {"account": _custom_names(session, Account), "contact": _custom_names(session, Contact)}
    lists = frozenset(session.scalars(select(TargetList.name)))
    return make_vocabulary(custom=custom, lists=lists, keys=list_family_keys(session))


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


def make_scope(session: Session, *, within: tuple[str, ...] = (), only: tuple[int, ...] | None = None) -> Scope:
    """What holds now. `within`: the lists that are being looked into; one that holds itself is Refused. `only`: judge
    just these accounts."""
    zone = ZoneInfo(get_company(session).timezone)
    today = clock.now().astimezone(zone).date()
    run_id = session.scalar(select(latest_run_id()))
    scope = Scope(today, zone, run_id, lambda name: select_list_accounts(session, name), country_names,
                  is_postgres(session))
    return narrow_scope(session, scope, within=within, only=only)


def narrow_scope(session: Session, scope: Scope, *, within: tuple[str, ...] = (),
                 only: tuple[int, ...] | None = None) -> Scope:
    """The same moment, seen from inside the lists `within` and for some accounts only."""
    def members_of(name: str) -> Select[Any]:
        return select_list_accounts(session, name, within=within, only=only, scope=scope)

    return replace(scope, lists=members_of, only=only)


def select_list_accounts(session: Session, name: str, *, within: tuple[str, ...] = (),
                         only: tuple[int, ...] | None = None, scope: Scope | None = None) -> Select[Any]:
    """SELECT of who is in the list now: by hand as kept, by rules as the data says at this moment, without the vetoed.

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
    inner = narrow_scope(session, scope or make_scope(session), within=(*within, name), only=only)
    return select_account_ids(rule, top, inner, is_not_vetoed(found.id, inner))


def see_cut_lists_as_kept(session: Session, scope: Scope) -> Scope:
    """The same scope, where lists cut to their top ones hold who was in them when they were last judged: judging them
    anew for one account would judge everybody."""
    def members_of(name: str) -> Select[Any]:
        found = session.execute(select(TargetList).where(TargetList.name == name)).scalar_one_or_none()
        if found is not None and found.top:
            return select(ListMember.account_id).where(ListMember.list_id == found.id)
        return scope.lists(name)

    return replace(scope, lists=members_of)


def is_not_vetoed(list_id: int, scope: Scope) -> ColumnElement[bool]:
    """That sales keeps the account out of the list by no veto of today."""
    vetoed = select(ListVeto.account_id).where(ListVeto.list_id == list_id, ListVeto.ended_at.is_(None),
                                               ListVeto.until_on >= scope.today)
    return Account.id.not_in(vetoed)


def find_rules(session: Session, name: str) -> tuple[Rule | None, Top | None] | None:
    """The rules of a list as saved; None for one by hand, and for one that is not there."""
    found = session.scalars(select(TargetList).where(TargetList.name == name)).first()
    return stored_rules(found) if found is not None and found.kind == "dynamic" else None


def stored_rules(found: TargetList) -> tuple[Rule | None, Top | None]:
    """The tree of a list as saved. Names of custom fields and lists are not asked again: data come and go."""
    rule = _read_stored(json.dumps(found.who), registered()) if found.who else None
    top = Top(found.top["by"], found.top["count"]) if found.top else None
    return rule, top


@lru_cache(maxsize=500)
def _read_stored(who: str, _known: Registered) -> Rule:
    return read_rules(json.loads(who), make_vocabulary())


def refuse_circle(session: Session, *, name: str, rule: Rule | None) -> None:
    """Refused when one of the lists that the rule names holds the list `name`, however deep."""
    for other in sorted(lists_in(rule)):
        select_list_accounts(session, other, within=(name,))
