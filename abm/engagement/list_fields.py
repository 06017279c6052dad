"""What list rules may ask about engagement, and where scorecards find its measures."""

from abm.accounts.models import Account
from abm.engagement.models import AccountEngagement
from abm.scorecards.further import add_measures_of
from abm.targets.extending import add_account_fields
from abm.targets.sources import Column, Join, make_fields
from abm.targets.vocabulary import FieldType

_OWN = AccountEngagement.__table__.c
_JOIN = Join("engagement", AccountEngagement.__table__, lambda _scope: AccountEngagement.account_id == Account.id)
_FIELDS = make_fields(
    "engagement", "Engagement",
    ("points", "engagement points", FieldType.NUMBER), ("people", "engaged people in 30 days", FieldType.NUMBER),
    ("is_qualified", "qualified account", FieldType.TRUTH), ("touches", "touches in 90 days", FieldType.NUMBER),
    ("answers", "answers in 90 days", FieldType.NUMBER), ("decay", "signs of a fading relation", FieldType.TEXT),
)

add_account_fields({name: (field, Column(_OWN[name.removeprefix("engagement.")], join=_JOIN))
                    for name, field in _FIELDS.items()})
add_measures_of("abm.engagement.measures")
