"""Stays in lists, for `has: list`: who is in which list since when, who entered and who left. As kept at the last
refresh, unlike `in_list`, which judges the other list's rules at this moment."""

from sqlalchemy import join

from abm.targets.models import ListSpell, TargetList
from abm.targets.sources import Column, Source, make_fields, register
from abm.targets.vocabulary import FieldType, Subject

_T, _D, _B = FieldType.TEXT, FieldType.DATE, FieldType.TRUTH
_spell, _list = ListSpell.__table__.c, TargetList.__table__.c

_FIELDS = make_fields(
    "list", "Lists",
    ("name", "list", _T), ("member_since", "member since", _D), ("entered_on", "day of entering", _D),
    ("left_on", "day of leaving", _D), ("is_member", "still a member", _B), ("left_how", "how it left", _T,
                                                                          ("rule", "hand", "veto")),
)
# Past stays count where a rule asks when or how they began or ended; else only present ones.
_PAST_TOO = frozenset({"list.left_on", "list.left_how", "list.is_member", "list.entered_on"})
register(Source(
    Subject("list", "stay in a list", "stays in lists", _FIELDS),
    join(ListSpell.__table__, TargetList.__table__, ListSpell.list_id == TargetList.id), _spell.account_id,
    {"list.name": Column(_list.name), "list.member_since": Column(_spell.entered_at, is_moment=True),
     "list.entered_on": Column(_spell.entered_at, is_moment=True),
     "list.left_on": Column(_spell.left_at, is_moment=True), "list.is_member": Column(_spell.left_at.is_(None)),
     "list.left_how": Column(_spell.left_how)},
    usual=_spell.left_at.is_(None), lifted_by=_PAST_TOO, follows=("list_spell",),
))
