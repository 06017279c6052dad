"""Qualification as fields of accounts in list rules: `qualification.state`, `qualification.kind`, …"""

from abm.accounts.models import Account
from abm.plans.gates import CHASES, GATES, KINDS, QUESTIONS, STATES
from abm.plans.models import Qualification
from abm.targets.extending import add_account_fields
from abm.targets.sources import Column, Join, make_fields
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
_TABLE = Qualification.__table__
_OWN = Join("qualification", _TABLE, lambda _scope: Qualification.account_id == Account.id)

add_account_fields({name: (field, Column(_TABLE.c[name.removeprefix("qualification.")], join=_OWN,
                                         follows=("qualification",))) for name, field in FIELDS.items()})
