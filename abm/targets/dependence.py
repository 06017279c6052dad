"""What can change who is in a list: the rules themselves, tables that are tracked, the latest analysis, the day."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from abm.targets.dates import Day
from abm.targets.rule_tree import Condition, Has, InList, Rule, Top, to_raw, walk
from abm.targets.sources import Scope, Source, find_column, get_source
from abm.targets.values import Value

Rules = tuple[Rule | None, Top | None]
FindRules = Callable[[str], Rules | None]
_OF_EVERY_LIST = frozenset({"account", "list_veto"})


@dataclass(frozen=True)
class Dependence:
    """`follows`: the tracked tables. `is_tracked` False: some field's changes are told by nobody. `is_local` False: an
    account's place depends on others (a cut to the top), so that a change anywhere means judging all."""

    follows: frozenset[str] = _OF_EVERY_LIST
    is_tracked: bool = True
    is_local: bool = True
    by_day: bool = False
    by_run: bool = False
    said: tuple[str, ...] = ()

    def __or__(self, other: "Dependence") -> "Dependence":
        return Dependence(self.follows | other.follows, self.is_tracked and other.is_tracked,
                          self.is_local and other.is_local, self.by_day or other.by_day, self.by_run or other.by_run,
                          self.said + other.said)

    def digest(self, scope: Scope) -> str:
        """Changes whenever everybody must be judged anew, whatever the data."""
        parts = [*self.said, str(scope.zone), str(scope.run_id) if self.by_run else "",
                 scope.today.isoformat() if self.by_day else ""]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def depends_on(rules: Rules, find_rules: FindRules) -> Dependence:
    """Everything that bears on a list, through the lists that its rules name. `find_rules`: None for one by hand."""
    rule, top = rules
    said = json.dumps([to_raw(rule) if rule is not None else None, [top.by, top.count] if top else None])
    found = Dependence(said=(said,), is_local=top is None)
    if top is not None:
        found |= _of_field(top.by, None, get_source("account"))
    for subject, each in _with_subjects(rule, "account"):
        found |= _of_node(each, get_source(subject), find_rules)
    return found


def _with_subjects(rule: Rule | None, subject: str) -> Iterable[tuple[str, Rule]]:
    """Every node with whose it is."""
    for each in walk(rule, inside_has=False):
        yield subject, each
        if isinstance(each, Has):
            yield from _with_subjects(each.where, each.subject)


def _of_node(node: Rule, source: Source, find_rules: FindRules) -> Dependence:
    match node:
        case Condition():
            return _of_field(node.field, node.value, source)
        case Has():
            follows = get_source(node.subject).follows
            return Dependence(frozenset(follows or ()), is_tracked=follows is not None)
        case InList():
            inner = find_rules(node.name)
            by_hand = Dependence(frozenset({"list_spell"}), said=(node.name,))
            return by_hand if inner is None else by_hand | depends_on(inner, find_rules)
    return Dependence()


def _of_field(name: str, value: Value, source: Source) -> Dependence:
    column = find_column(source, name)
    follows = column.follows if column is not None else None
    if follows is None:  # one of the subject's own columns, or a custom field
        is_own = column is None or source.subject.name != "account"
        follows = (source.follows or ("account",)) if is_own else None
    days = value if isinstance(value, tuple) else (value,)
    by_day = any(isinstance(each, Day) and each.fixed is None for each in days)
    return Dependence(frozenset(follows or ()), is_tracked=follows is not None,
                      by_day=by_day or (column is not None and column.changes_by_day),
                      by_run=column is not None and column.join is not None and column.join.name == "analysis")
