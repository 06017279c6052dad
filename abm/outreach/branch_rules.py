"""Branches of campaigns that ask about a field or a score, in the words of target lists."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.targets.compile import accounts_with, holds
from abm.targets.rule_tree import Rule, fields_in
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary, make_scope
from abm.targets.sources import get_source, make_vocabulary
from abm.targets.vocabulary import Vocabulary
from campaigns.raw_fields import Complaints, nearest
from core.errors import InvalidInput
from core.id_lists import is_among

_SCORES = "scorecard."


def find_fitting(session: Session, rule: Mapping[str, Any], contact_ids: Sequence[int]) -> set[int]:
    """Of these people those whom the rule fits now: a rule about people asks them, any other their account."""
    vocabulary, scope = make_vocabulary(), make_scope(session)
    raw = _without_score(rule, vocabulary)
    if _is_about_people(raw, vocabulary):
        tree = _read_about_people(raw, vocabulary)
        query = select(Contact.id).where(holds(tree, scope, source=get_source("contact")))
    else:
        tree = read_rules(raw, vocabulary)
        accounts = select(Account.id).select_from(accounts_with(fields_in(tree), scope)).where(holds(tree, scope))
        query = select(Contact.id).where(Contact.account_id.in_(accounts))
    return set(session.scalars(query.where(is_among(Contact.id, contact_ids))))


def list_rule_fields(session: Session) -> list[str]:
    """Names of fields that a branch may ask about: of accounts and of people."""
    vocabulary = get_vocabulary(session)
    return [*_account_names(vocabulary), *vocabulary.names(vocabulary.subjects["contact"])]


def find_rule_complaints(session: Session, rule: Mapping[str, Any], place: str) -> dict[str, str]:
    """A sentence per wrong place, with the nearest right name; empty when the rule can be asked."""
    vocabulary, complaints = get_vocabulary(session), Complaints()
    raw = _without_score(rule, vocabulary)
    if "score" in raw:
        known = [name.removeprefix(_SCORES) for name in _account_names(vocabulary) if name.startswith(_SCORES)]
        return {f"{place}.score": f'there is no score "{raw["score"]}"{nearest(str(raw["score"]), known)}'}
    if _is_about_people(raw, vocabulary):
        try:
            _read_about_people(raw, vocabulary)
        except InvalidInput as error:
            return {where.replace("who.where", place, 1): sentence for where, sentence in error.fields.items()}
        return {}
    read_rules(raw, vocabulary, place=place, complaints=complaints)
    return complaints.by_place


def _without_score(rule: Mapping[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    """`{score: golden-key, at_least: 60}` as the rule about the field that holds that score."""
    if "score" not in rule:
        return dict(rule)
    name = str(rule["score"]).strip()
    field = next((one for one in (_SCORES + name, name) if vocabulary.find_field(vocabulary.accounts, one)), None)
    rest = {word: value for word, value in rule.items() if word != "score"}
    return {"field": field, **rest} if field else dict(rule)


def _account_names(vocabulary: Vocabulary) -> list[str]:
    return vocabulary.names(vocabulary.accounts)


def _is_about_people(raw: Mapping[str, Any], vocabulary: Vocabulary) -> bool:
    """Whether the first field that is named is one of people."""
    for word, inner in raw.items():
        if word == "field":
            subject = vocabulary.subject_of(str(inner))
            return subject is not None and subject.name == "contact"
        for one in inner if isinstance(inner, list) else [inner]:
            if word != "has" and isinstance(one, Mapping):
                return _is_about_people(one, vocabulary)
    return False


def _read_about_people(raw: Mapping[str, Any], vocabulary: Vocabulary) -> Rule:
    has: Any = read_rules({"has": "contact", "where": raw}, vocabulary)
    inner: Rule = has.where
    return inner
