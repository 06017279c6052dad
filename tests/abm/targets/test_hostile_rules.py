"""Rules made by an attacker are refused or are only values: nothing of them becomes SQL."""

import random
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.targets.files import load_yaml, read_definition
from abm.targets.previews import select_by_rules
from abm.targets.rules import DEEPEST, MOST_TERMS, read_rules
from abm.targets.scopes import make_vocabulary
from abm.targets.vocabulary import Operator
from core.errors import InvalidInput
from tests.factories import make_account

MARK = "zq9"
PAYLOADS = (
    "' OR '1'='1' -- {m}", "{m}'; DROP TABLE account; --", "') OR SLEEP(5)#{m}", "1 AND 1=CAST((SELECT {m}) AS int)",
    "{m}' UNION SELECT password_hash FROM app_user --", "'||(SELECT pg_sleep(5))||'{m}", "{m}%", "{m}_", "\\{m}'",
    "{m}\" OR \"\"=\"", "1;SELECT {m}", "{m}') WAITFOR DELAY '0:0:5'--", "%27{m}", "0x27{m}", "{m}/**/OR/**/1=1",
    "$${m}$$", "{m}:x", "%({m})s", "?{m}", "{m}\u2019 OR 1=1", "(select {m} from account)", "account.name) -- {m}",
)
FIELDS = sorted(name for subject in make_vocabulary().subjects.values() for name in subject.fields)


def _payload(draw: random.Random) -> str:
    return draw.choice(PAYLOADS).format(m=MARK) + draw.choice(("", "'", "--", ")", " ", "\u0000"[:0], "`"))


def _tree(draw: random.Random, depth: int = 0) -> Any:
    kind = draw.choice(("field",) * 5 + ("all", "any", "not", "has", "in_list", "odd"))
    if depth > 4:
        kind = "field"
    match kind:
        case "field":
            odd = draw.choice(("account.custom.", "")) + _payload(draw)
            field = draw.choice(FIELDS) if draw.random() < 0.7 else odd
            operator = draw.choice(list(Operator)).value if draw.random() < 0.8 else _payload(draw)
            value: Any = draw.choice((_payload(draw), [_payload(draw), _payload(draw)], draw.randint(-9, 9), True, None,
                                      {"x": _payload(draw)}, "180 days ago"))
            return {"field": field, operator: value}
        case "all" | "any":
            return {kind: [_tree(draw, depth + 1) for _ in range(draw.randint(0, 3))]}
        case "not":
            return {"not": _tree(draw, depth + 1)}
        case "has":
            return {"has": draw.choice(("contact", "order", "task", "campaign", "touch", "list", _payload(draw))),
                    "where": _tree(draw, depth + 1), "at_least": draw.choice((1, 2, _payload(draw)))}
        case "in_list":
            return {"in_list": _payload(draw)}
    return draw.choice((_payload(draw), [], {}, None, 5, {_payload(draw): _payload(draw)}))


def test_ten_thousand_hostile_rules_are_refused_or_bound_as_values(session: Session) -> None:
    make_account(session, external_id="X1", industry="Retail")
    draw, vocabulary, accepted = random.Random(20260615), make_vocabulary(lists=frozenset()), 0
    dialects = (sqlite.dialect(), postgresql.dialect())
    for _ in range(10_000):
        try:
            rule = read_rules(_tree(draw), vocabulary)
        except InvalidInput:
            continue
        accepted += 1
        found = select_by_rules(session, rule=rule, top=None) if accepted % 3 == 0 else None
        if found is not None:
            for dialect in dialects:
                assert MARK not in str(found.compile(dialect=dialect))
            session.scalar(select(func.count()).select_from(found.subquery()))

    assert accepted > 300
    assert session.scalar(select(func.count()).select_from(Account)) == 1


@pytest.mark.parametrize("payload", [each.format(m=MARK) for each in PAYLOADS])
def test_a_hostile_name_of_a_field_operator_or_ranking_is_refused(payload: str) -> None:
    for raw in ({"list": "x", "who": {"field": payload, "is": 1}}, {"list": "x", "top": {"by": payload, "count": 5}},
                {"list": "x", "who": {"field": "account.name", payload: 1}}):
        with pytest.raises(InvalidInput):
            read_definition(raw, make_vocabulary())


def test_rules_too_deep_or_too_many_are_refused() -> None:
    leaf = {"field": "account.name", "is": "x"}
    deep: Any = leaf
    for _ in range(DEEPEST):
        deep = {"not": deep}

    with pytest.raises(InvalidInput, match="deep"):
        read_rules(deep, make_vocabulary())
    with pytest.raises(InvalidInput, match="conditions"):
        read_rules({"all": [leaf] * MOST_TERMS}, make_vocabulary())


@pytest.mark.parametrize("text", ["list: x\nwho: &a {all: [*a]}", "list: x\nwho: !!python/object/apply:os.system [ls]",
                                  "list: x\nwho: {<<: {field: account.name}, is: x}", "a: " + "[" * 2000])
def test_yaml_that_would_run_or_never_end_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_definition(load_yaml(text), make_vocabulary())
