"""The partner that looks after an account, as fields of accounts in list rules: `partner.name`, `partner.kind`, …"""

from sqlalchemy import select

from abm.accounts.models import Account
from abm.partners.forms import KINDS
from abm.partners.models import Partner, PartnerAccount
from abm.targets.extending import add_account_fields
from abm.targets.sources import Column, Join, make_fields
from abm.targets.tracking import Tracked, track
from abm.targets.vocabulary import FieldType

FIELDS = make_fields(
    "partner", "Partner",
    ("name", "partner", FieldType.TEXT), ("kind", "kind of partner", FieldType.TEXT, tuple(KINDS)),
    ("region", "region of the partner", FieldType.TEXT), ("assigned_at", "day it went to the partner", FieldType.DATE),
)
_TABLE = (select(PartnerAccount.account_id, PartnerAccount.assigned_at, Partner.name, Partner.kind, Partner.region)
          .join(Partner, Partner.id == PartnerAccount.partner_id).where(Partner.is_active).subquery("own_partner"))
_OWN = Join("own_partner", _TABLE, lambda _scope: _TABLE.c.account_id == Account.id)

add_account_fields({name: (field, Column(_TABLE.c[name.removeprefix("partner.")], join=_OWN,
                                         is_moment=name.endswith("_at"), follows=("partner_account", "partner")))
                    for name, field in FIELDS.items()})
track(
    Tracked("partner_account", key=("account_id",)),
    Tracked("partner", ("id",), "p.account_id", "partner_account p", "p.partner_id = r.id", is_one=False,
            watched=("name", "kind", "region", "is_active"), events=("update",)),
)
