"""A call that was given to a partner is made there: our own callers' queue leaves it out while the partner has it."""

from sqlalchemy import exists

from abm.partners.models import Partner, PartnerAccount, PartnerTask
from abm.work.call_queue import keep_off_the_desk
from abm.work.models import Task

keep_off_the_desk(exists().where(
    PartnerTask.task_id == Task.id, Partner.id == PartnerTask.partner_id, Partner.is_active,
    PartnerAccount.account_id == Task.account_id, PartnerAccount.partner_id == Partner.id).correlate(Task))
