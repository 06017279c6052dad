"""Accounts that are left alone on purpose: drawn once per family of accounts, spread over the strata, and kept."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import floor
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from campaigns.inserting import insert_ignoring
from campaigns.models import HoldoutAccount
from campaigns.outside import outside


class Member(NamedTuple):
    """An account with its family (parent and sites together) and its stratum (tier; the value comes to it)."""

    account_id: int
    family_id: int
    stratum: str


def _place(*parts: object) -> float:
    """A number in [0, 1) that is always the same for the same parts and evenly spread over different ones."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class Preview(NamedTuple):
    """The accounts a launch now would leave alone; how many families there are, and how many of them are those."""

    accounts: frozenset[int]
    families: int
    held_out: int


def value_bands(values: Mapping[int, float]) -> dict[int, int]:
    """0 for families without value, else the quarter by value among those with one, 1 the lowest. Ties by id."""
    ranked = sorted((value, family) for family, value in values.items() if value > 0)
    bands = {family: 1 + 4 * place // len(ranked) for place, (_value, family) in enumerate(ranked)}
    return {family: bands.get(family, 0) for family in values}


def draw_families(strata: Mapping[int, str], *, percent: int, salt: object) -> frozenset[int]:
    """The families held out, out of `strata` (family id to stratum).

    Systematic sampling with a random start over the families ordered by stratum and, within it, by hash: every family
    has the same chance, each stratum gets its share within one, and so does the whole. The same salt draws the same.
    """
    ordered = sorted(strata, key=lambda family: (strata[family], _place("holdout", salt, family), family))
    share, start = percent / 100, _place("holdout start", salt, len(strata))
    return frozenset(family for place, family in enumerate(ordered)
                     if floor((place + 1) * share + start) > floor(place * share + start))


def draw_holdout(session: Session, *, campaign_id: int, percent: int, members: Select[Any], at: datetime) -> None:
    """Draw for every account of `members` that has no draw yet and keep it. A family that was drawn stays as it is,
    new sites included."""
    if not percent:
        return
    accounts = read_members(session, members)
    kept = held_by_account(session, campaign_id)
    held = _held_families(session, accounts, kept, percent, campaign_id)
    rows = [{"campaign_id": campaign_id, "account_id": account_id, "is_held_out": family in held, "drawn_at": at}
            for account_id, family in _accounts_and_heads(accounts) if account_id not in kept]
    insert_ignoring(session, HoldoutAccount, sorted(rows, key=lambda row: row["account_id"]))


def preview_holdout(session: Session, *, campaign_id: int, percent: int, members: Select[Any]) -> Preview:
    """What a launch now would hold out; draws nothing."""
    accounts = read_members(session, members)
    families = {member.family_id for member in accounts}
    if not percent:
        return Preview(frozenset(), len(families), 0)
    held = _held_families(session, accounts, held_by_account(session, campaign_id), percent, campaign_id)
    return Preview(frozenset(member.account_id for member in accounts if member.family_id in held), len(families),
                   len(families & held))


def read_members(session: Session, members: Select[Any]) -> list[Member]:
    people = members.subquery()
    rows = session.execute(select(people.c.account_id, people.c.family_id, people.c.stratum).distinct())
    return [Member(*row) for row in rows]


def held_by_account(session: Session, campaign_id: int) -> dict[int, bool]:
    """What was drawn before, by account id; the heads of families have a row too."""
    rows = session.execute(select(HoldoutAccount.account_id, HoldoutAccount.is_held_out)
                           .where(HoldoutAccount.campaign_id == campaign_id))
    return dict(rows.all())


def _held_families(session: Session, accounts: Iterable[Member], kept: Mapping[int, bool], percent: int,
                   salt: object) -> frozenset[int]:
    drawn: dict[int, bool] = {}
    strata: dict[int, str] = {}
    for member in accounts:
        for account_id in (member.account_id, member.family_id):
            if account_id in kept:
                drawn[member.family_id] = drawn.get(member.family_id, False) or kept[account_id]
        is_head = member.account_id == member.family_id
        strata[member.family_id] = member.stratum if is_head else strata.get(member.family_id, member.stratum)
    new = {family: stratum for family, stratum in strata.items() if family not in drawn}
    if new:
        bands = value_bands(outside().people.family_values(session, sorted(new)))
        new = {family: f"{stratum}\x1f{bands.get(family, 0)}" for family, stratum in new.items()}
    return draw_families(new, percent=percent, salt=salt) | {family for family, is_held in drawn.items() if is_held}


def _accounts_and_heads(accounts: Iterable[Member]) -> set[tuple[int, int]]:
    """Account and family, the families' heads included, so that a site found later follows its family."""
    pairs = {(member.account_id, member.family_id) for member in accounts}
    return pairs | {(family, family) for _account, family in pairs}
