"""The account on two printed pages, for a meeting or the way to a call."""

from flask import Blueprint, g, render_template

from abm.accounts.panels import read_headlines
from abm.accounts.queries import get_account
from abm.accounts.timeline import list_events
from abm.contacts.buying_centre import ATTITUDES
from abm.contacts.centre_pages import SIGNS, centre_of
from abm.dossier.family import read_family
from abm.dossier.panels import FRAME, chart_of, known_until, today_of
from abm.dossier.peers import read_grid
from abm.dossier.queries import list_competitors, list_tenders
from abm.dossier.relationship import read_relationship
from abm.dossier.words import REASONS, RESULTS, STAGES, TEXTS
from abm.web.access import requires
from abm.web.permissions import Permission
from abm.work.queries import list_account_tasks
from core import clock


def add_to(pages: Blueprint) -> None:
    pages.add_url_rule("/accounts/<int:account_id>/sheet", view_func=sheet)


@requires(Permission.SEE)
def sheet(account_id: int) -> str:
    account, today = get_account(g.session, account_id), today_of(g.session)
    chart = chart_of(g.session, account)
    return render_template(
        "dossier/sheet.html", account=account, headlines=read_headlines(g.session, account), chart=chart, today=today,
        frame=FRAME, centre=centre_of(g.session, account.id),
        found=read_relationship(g.session, account.id, chart=chart, now=clock.now()), attitudes=ATTITUDES, signs=SIGNS,
        family=read_family(g.session, account.id, today=known_until(g.session), now=clock.now()),
        grid=read_grid(g.session, account, today=known_until(g.session)), tenders=list_tenders(g.session, account.id),
        competitors=list_competitors(g.session, account.id), tasks=list_account_tasks(g.session, account.id),
        events=list_events(g.session, account.id, limit=8), stages=STAGES, results=RESULTS, reasons=REASONS,
        texts=TEXTS)
