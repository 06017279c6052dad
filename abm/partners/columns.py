"""What partners add to the pages of accounts: a column of the list, and a panel with the partner and its open tasks."""

from typing import Any

from flask import render_template
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from abm.accounts.columns import Contribution, ListColumn, contribute
from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.partners.models import Partner, PartnerAccount, PartnerTask
from abm.partners.queries import find_partner_of, list_partners
from abm.work.models import Task

COLUMNS = (ListColumn("partner", "Partner", Partner.name, is_filter=True, is_usual=False,
                      occurring=select(Partner.name).order_by(Partner.name)),)


def add_to_account_pages() -> None:
    """Register both; a repeat changes nothing."""
    contribute(Contribution(COLUMNS, _join_partner))
    register_panel("Partner", 60, partner_panel)


def _join_partner(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    return (query.outerjoin(PartnerAccount, PartnerAccount.account_id == Account.id)
            .outerjoin(Partner, Partner.id == PartnerAccount.partner_id))


def partner_id_of(session: Session, account_id: int) -> int | None:
    return session.scalar(select(PartnerAccount.partner_id).where(PartnerAccount.account_id == account_id))


def partner_panel(session: Session, account: Account) -> str:
    """Who looks after the account beside us; nothing where there are no partners at all."""
    partners = list_partners(session, only_active=True)
    found = find_partner_of(session, account.id)
    if not partners and found is None:
        return ""
    tasks = session.scalars(
        select(Task).join(PartnerTask, PartnerTask.task_id == Task.id)
        .where(Task.account_id == account.id, Task.state == "open").order_by(Task.due_on, Task.id).limit(5)).all()
    return render_template("partners/_panel.html", account=account, partners=partners, tasks=tasks,
                           partner=found[0] if found else None, given=found[1] if found else None)
