"""The account page's panel of open tasks."""

from flask import render_template
from markupsafe import Markup
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import register_panel
from abm.company.queries import company_today
from abm.work.queries import list_account_tasks


def render_tasks(session: Session, account: Account) -> Markup:
    """The account's open tasks and calls, with a way to add one."""
    return Markup(render_template("work/_panel.html", account=account, tasks=list_account_tasks(session, account.id),  # noqa: S704 — rendered with autoescape
                                  today=company_today(session)))


register_panel("Tasks", 15, render_tasks)
