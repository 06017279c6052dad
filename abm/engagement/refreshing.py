"""Bringing engagement up to date part by part, each in a short transaction of its own: with 100,000 accounts it takes
seconds, and nobody who saves or sends is to wait for them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from abm.accounts.spans import AT_ONCE, list_spans, turn, within
from abm.engagement.actions import judge_accounts
from abm.engagement.ledger import SOURCES, add_entries, drop_entries, list_missing, list_obsolete
from abm.engagement.queries import count_engagement, present_rules
from core import clock, db


def refresh_engagement_apart(*, at_once: int = AT_ONCE) -> dict[str, int]:
    """As `refresh_engagement`. Where other rules are published meanwhile, it ends: their own refresh follows."""
    now = clock.now()
    with db.reading() as session:
        rules, version = present_rules(session)
        obsolete = list_obsolete(session, rules_id=version, now=now)
        missing = {source: list_missing(session, source=source, rules_id=version, now=now) for source in SOURCES}
    for ids in _parts(obsolete, at_once):
        with turn() as session:
            if present_rules(session)[1] == version:
                drop_entries(session, ids)
    for source, found in missing.items():
        for ids in _parts(found, at_once):
            with turn() as session:
                if present_rules(session)[1] == version:
                    add_entries(session, source=source, ids=ids, rules=rules, rules_id=version, now=now)
    changed = _judge_all(rules, version, now, at_once)
    with db.reading() as session:
        return {**count_engagement(session), "changed": changed}


def _judge_all(rules: dict[str, Any], version: int, now: datetime, at_once: int) -> int:
    with db.reading() as session:
        spans = list_spans(session, size=at_once)
    changed = 0
    for span in spans:
        with turn() as session:
            if present_rules(session)[1] == version:
                changed += judge_accounts(session, rules=rules, version=version, now=now, whose=within(span))
    return changed


def _parts(ids: Sequence[int], at_once: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), at_once):
        yield ids[start:start + at_once]
