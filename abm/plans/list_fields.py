"""Qualification as fields of accounts in list rules: `qualification.state`, `qualification.kind`, …"""

from sqlalchemy import select

from abm.accounts.models import Account
from abm.plans.gates import CHASES, GATES, KINDS, QUESTIONS, STATES
from abm.plans.models import Qualification
from abm.targets.families import Family, register_family
from abm.targets.sources import Column, make_fields
from abm.targets.vocabulary import FieldType

_ANSWERS = ("yes", "no", "ask")
FIELDS = make_fields(
    "qualification", "Key account",
    ("state", "standing as a key account", FieldType.TEXT, tuple(STATES)),
    ("gates_passed", "gates passed of three", FieldType.NUMBER),
    ("kind", "kind of key account", FieldType.TEXT, tuple(KINDS)),
    ("kind_proposed", "kind proposed", FieldType.TEXT, tuple(KINDS)),
    ("chase", "whether it may be targeted", FieldType.TEXT, tuple(CHASES)),
    *((name, (GATES.get(name) or QUESTIONS[name].rstrip("?")).lower(), FieldType.TEXT, _ANSWERS) for name in QUESTIONS),
)


def make_column(name: str) -> Column:
    value = Qualification.__table__.c[name.removeprefix("qualification.")]
    return Column(select(value).where(Qualification.account_id == Account.id).correlate(Account).scalar_subquery())


register_family(Family("qualification.", FIELDS.get, make_column, lambda _session: FIELDS.values()))
