"""What the dossier adds to the account page: figures above the tabs, and panels on the overview, orders and dossier."""

from datetime import date, timedelta

from flask import g, render_template, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import Headline, register_headline, register_panel
from abm.accounts.queries import get_account
from abm.analysis.models import AccountResult, AnalysisRun
from abm.analysis.queries import find_result, latest_run
from abm.catalogue.queries import list_categories
from abm.company.queries import company_today
from abm.dossier.family import find_top, read_family
from abm.dossier.known import SILENT, orders_known_until
from abm.dossier.order_chart import BOTTOM, HEIGHT, LEFT, WIDTH, OrderChart
from abm.dossier.peers import read_grid
from abm.dossier.queries import find_dossier, list_competitors, list_links, list_tenders
from abm.dossier.relationship import read_chart, read_relationship
from abm.dossier.words import REASONS, RESULTS, STAGES, STRENGTHS, TEXTS
from abm.web.words import chip
from abm.work.desk import register_desk_card
from campaigns.models import Touch
from core import clock

FRAME = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "bottom": BOTTOM}


def today_of(session: Session) -> date:
    """The company's day, asked for once per request."""
    if "company_today" not in g:
        g.company_today = company_today(session)
    return g.company_today  # type: ignore[no-any-return]


def known_until(session: Session) -> date:
    """Until when orders are known, asked for once per request."""
    if "orders_known_until" not in g:
        g.orders_known_until = orders_known_until(session, today=today_of(session))
    return g.orders_known_until  # type: ignore[no-any-return]


def chart_of(session: Session, account: Account) -> OrderChart | None:
    """The account's order chart, drawn once per request."""
    kept: dict[int, OrderChart | None] = g.setdefault("order_charts", {})
    if account.id not in kept:
        kept[account.id] = read_chart(session, account.id, today=today_of(session),
                                      known_until=known_until(session))
    return kept[account.id]


def _result(session: Session, account: Account) -> tuple[AnalysisRun, AccountResult] | None:
    """The account in the latest analysis, read once per request."""
    if "account_result" not in g:
        run = latest_run(session)
        found = find_result(session, run_id=run.id, account_id=account.id) if run else None
        g.account_result = (run, found) if found else None
    return g.account_result  # type: ignore[no-any-return]


def read_class(session: Session, account: Account) -> Headline | None:
    found = _result(session, account)
    if found is None:
        return Headline("–", note="no orders in the latest analysis")
    run, result = found
    link = url_for("analysis.why_class", account_id=account.id)
    worth = {"units": f"{result.value:,.0f} units in all", "orders": f"{result.value:,.0f} orders in all",
             "margin": f"margin {result.value:,.0f} {g.company.currency} in all"}
    note = worth.get(run.value_kind, f"worth {result.value:,.0f} {g.company.currency} in all")
    return Headline(result.cell or "not ranked", link, note)


def read_rhythm(session: Session, account: Account) -> Headline | None:
    found = _result(session, account)
    if found is None:
        return None
    run, result = found
    word = chip(result.rhythm).word if result.rhythm != "unknown" else "Not known yet"
    ratio = f"{result.overdue_ratio:.1f} × its usual gap" if result.overdue_ratio is not None else "too few orders"
    if run.as_of and run.as_of < today_of(session) - SILENT:
        ratio += f" on {_short(run.as_of)}"
    return Headline(word, url_for("analysis.why_rhythm", account_id=account.id), ratio)


def read_next_order(session: Session, account: Account) -> Headline | None:
    chart = chart_of(session, account)
    if chart is None or chart.expected_on is None:
        return None
    late = (chart.today - chart.expected_on).days
    note = f"{late} days overdue" if late > 0 else f"in {-late} days" if late else "today"
    if chart.is_past:
        note = f"orders known until {_short(chart.today)}"
    return Headline(_short(chart.expected_on), url_for("accounts.show", account_id=account.id, part="orders"), note,
                    is_page=True)


def _short(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def read_pressure(session: Session, account: Account) -> Headline | None:
    after = clock.now() - timedelta(days=30)
    used = session.scalar(select(func.coalesce(func.sum(Touch.points), 0)).where(
        Touch.account_id == account.id, Touch.at > after)) or 0
    _, limit = g.company.points_of_tier(account.tier)
    return Headline(f"{used} of {limit}" if limit else str(used),
                    url_for("accounts.show", account_id=account.id, part="outreach"), "touch points in 30 days",
                    is_page=True)


def relationship_panel(session: Session, account: Account) -> str:
    found = read_relationship(session, account.id, chart=chart_of(session, account), now=clock.now())
    return render_template("dossier/_relationship.html", account=account, found=found, stages=STAGES,
                           never=date.max, today=today_of(session), known_until=known_until(session))


def chart_panel(session: Session, account: Account) -> str:
    chart = chart_of(session, account)
    if chart is None:
        return ""
    return render_template("dossier/_order_chart.html", account=account, chart=chart, frame=FRAME)


def white_space_panel(_session: Session, account: Account) -> str:
    """Only a place: the grid is read once somebody looks at it."""
    return render_template("dossier/_white_space_place.html", account=account)


def products_panel(session: Session, account: Account) -> str:
    categories = list_categories(session)
    return render_template("dossier/_products.html", account=account, categories=categories) if categories else ""


def texts_panel(session: Session, account: Account) -> str:
    return render_template("dossier/_texts.html", account=account, dossier=find_dossier(session, account.id),
                           texts=TEXTS, links=list_links(session, account.id), typed={}, errors={})


def family_panel(session: Session, account: Account) -> str:
    top_id = find_top(session, account.id)
    family = read_family(session, account.id, today=known_until(session), now=clock.now())
    if family.count <= 1 and top_id == account.id:
        return ""
    top = get_account(session, top_id) if top_id != account.id else None
    return render_template("dossier/_family.html", account=account, family=family, top=top)


def tenders_panel(session: Session, account: Account) -> str:
    tenders = list_tenders(session, account.id)
    return render_template("dossier/_tenders.html", account=account, tenders=tenders, results=RESULTS, reasons=REASONS)


def competitors_panel(session: Session, account: Account) -> str:
    return render_template("dossier/_competitors.html", account=account, strengths=STRENGTHS,
                           competitors=list_competitors(session, account.id))


def gaps_for_callers(session: Session, account: Account, _contact_id: int | None) -> str:
    """What peers buy and this account does not, beside the script of a call; the most worth first."""
    grid = read_grid(session, account, today=known_until(session))
    return render_template("dossier/_gaps.html", account=account, grid=grid) if grid.gaps else ""


register_desk_card(gaps_for_callers)
register_headline("Class", 10, read_class)
register_headline("Rhythm", 20, read_rhythm)
register_headline("Next order", 30, read_next_order)
register_headline("Contact pressure", 50, read_pressure)
register_panel("Relationship", 5, relationship_panel)
register_panel("Order chart", 10, chart_panel, part="orders")
register_panel("White space", 40, white_space_panel, part="orders")
register_panel("Product knowledge", 50, products_panel, part="orders")
register_panel("Dossier", 10, texts_panel, part="dossier")
register_panel("Sites", 20, family_panel, part="dossier")
register_panel("Tenders", 30, tenders_panel, part="dossier")
register_panel("Competitors", 40, competitors_panel, part="dossier")
