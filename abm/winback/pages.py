"""Win-back in the browser: losses, cases, results."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Answered

from abm.company.queries import company_today
from abm.offers.kinds import CAUSES, RUNGS
from abm.offers.queries import find_grant, get_offer, list_fitting_offers
from abm.users.queries import list_active_users
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.menu import register_count
from abm.web.permissions import Permission
from abm.winback import actions, panels
from abm.winback.losses import GROUPS, list_loss_groups, list_loss_months, update_loss_months
from abm.winback.models import Case
from abm.winback.proof import count_by_cause, count_outcomes, list_comparisons
from abm.winback.queries import (
    EXPORT_COLUMNS,
    PAGE,
    STATES,
    CaseFilter,
    count_attention,
    count_cases,
    count_looked_at,
    export_cases,
    find_look_after,
    get_case,
    latest_look_id,
    list_case_facets,
    list_cases,
    list_log,
    list_order_days,
)
from core.errors import InvalidInput, Refused
from core.jobs import ring

__all__ = ["pages", "panels"]

pages = Blueprint("winback", __name__)
AT_ONCE = 5000  # accounts with orders that a request may look at; about a second
Answer = str | Answered | tuple[str, int]
register_count("Win-back", count_attention)


@pages.get("/win-back")
@requires(Permission.SEE)
def index() -> Answer:
    by = request.args.get("by", "industry")
    by = by if by in GROUPS else "industry"
    return render_template(
        "winback/index.html", months=list_loss_months(g.session), groups=list_loss_groups(g.session, by), by=by,
        group_names={name: title for name, (title, _) in GROUPS.items()}, outcomes=count_outcomes(g.session),
        dearest=list_cases(g.session, CaseFilter())[:5])


@pages.post("/win-back/detect")
@requires(Permission.WIN_BACK)
def detect() -> Answer:
    """At once where that takes a moment; with many accounts in the background, with progress."""
    if count_looked_at(g.session, at_most=AT_ONCE) >= AT_ONCE and ring("winback.detect"):
        return redirect(url_for("winback.index", looking=latest_look_id(g.session)))
    try:
        found = actions.detect_lapses(g.session)
    except Refused as nothing:
        flash(str(nothing), "error")
        return redirect(url_for("winback.index"))
    update_loss_months(g.session, last_day=found.as_of)
    flash(f"{found.lapsed} accounts are lapsed as of {found.as_of}: {found.opened} cases opened, "
          f"{found.won_back} won back", "success")
    return redirect(url_for("winback.index"))


@pages.get("/win-back/look")
@requires(Permission.SEE)
def look() -> Answer:
    """The fragment that asks again until a look later than `after` has ended."""
    after = request.args.get("after", 0, type=int)
    return render_template("winback/_look.html", after=after, found=find_look_after(g.session, after))


def _filter() -> CaseFilter:
    args = request.args
    return CaseFilter(
        state=args.get("state", "unclosed"), owner_id=args.get("owner", type=int), cause=args.get("cause", ""),
        industry=args.get("industry", ""), country=args.get("country", ""), text=args.get("q", "").strip(),
        offset=max(0, args.get("offset", 0, type=int)), sort=args.get("sort", "value"))


@pages.get("/win-back/cases")
@requires(Permission.SEE)
def cases() -> Answer:
    chosen = _filter()
    total, value = count_cases(g.session, chosen)
    return render_template(
        "winback/cases.html", cases=list_cases(g.session, chosen), chosen=chosen, total=total, value=value, page=PAGE,
        facets=list_case_facets(g.session), users=list_active_users(g.session), causes=CAUSES, states=STATES,
        url=lambda **changes: url_for("winback.cases", **{**request.args.to_dict(), **changes}))


@exports(pages, "/win-back/cases")
def export() -> Table:
    return Table("win-back-cases", columns=EXPORT_COLUMNS, rows=export_cases(g.session, _filter()))


@exports(pages, "/win-back/losses")
def export_losses() -> Table:
    rows = ((month.ended_on, month.lapsed, month.yearly_value) for month in list_loss_months(g.session))
    return Table("losses", columns=("ended_on", "lapsed", "yearly_value"), rows=rows)


@exports(pages, "/win-back/groups")
def export_groups() -> Table:
    by = request.args.get("by", "industry")
    by = by if by in GROUPS else "industry"
    rows = ((one.name, one.cases, one.accounts, one.share, one.yearly_value)
            for one in list_loss_groups(g.session, by, most=100_000))
    return Table(f"losses-by-{by}", columns=(by, "cases", "accounts", "share", "yearly_value"), rows=rows)


@exports(pages, "/win-back/comparisons")
def export_comparisons() -> Table:
    rows = ((one.campaign, one.title, one.treated.accounts, one.treated.won, one.held_out.accounts, one.held_out.won,
             *(one.interval or (None, None, None))) for one in list_comparisons(g.session))
    return Table("win-back-results", columns=("campaign", "title", "written_to", "won_back", "left_alone",
                                              "came_back", "difference", "low", "high"), rows=rows)


@exports(pages, "/win-back/causes")
def export_causes() -> Table:
    return Table("win-back-causes", columns=("cause", "cases", "won_back", "let_go"), rows=count_by_cause(g.session))


@pages.get("/win-back/cases/<int:case_id>")
@requires(Permission.SEE)
def show(case_id: int) -> Answer:
    return _case_page(get_case(g.session, case_id), {}, {})


def _case_page(case: Case, typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    today = company_today(g.session)
    days = list_order_days(g.session, case.account_id)
    offer = get_offer(g.session, case.offer_id) if case.offer_id else None
    return render_template(
        "winback/case.html", case=case, errors=errors, causes=CAUSES, rungs=RUNGS, days=days,
        typed=typed or {"cause": case.cause, "cause_note": case.cause_note, "offer_id": case.offer_id,
                        "owner_id": case.owner_id},
        strip=_strip(case, days), offer=offer, users=list_active_users(g.session), log=list_log(g.session, case.id),
        grant=find_grant(g.session, offer_id=offer.id, account_id=case.account_id) if offer else None,
        fitting=list_fitting_offers(g.session, cause=case.cause, on_day=today) if case.closed_at is None else [])


def _strip(case: Case, days: list[Any]) -> dict[str, Any]:
    """Positions between the first order day and the last day shown, for the picture of the rhythm."""
    expected = case.last_order_on + timedelta(days=case.median_gap_days)
    first, last = (days[0] if days else case.last_order_on), max([case.as_of, expected, *days[-1:]])
    span = max((last - first).days, 1)
    return {"days": [(day - first).days / span for day in days], "today": (case.as_of - first).days / span,
            "expected": (expected - first).days / span, "first": first, "expected_on": expected}


def _change(case_id: int, change: Callable[[], object], said: str) -> Answer:
    """Do one change and come back to the case; a refused one is shown beside its field, with what was typed."""
    try:
        change()
    except InvalidInput as error:
        return _case_page(get_case(g.session, case_id), request.form, error.fields), 422
    flash(said, "success")
    return redirect(url_for("winback.show", case_id=case_id))


def _typed(name: str) -> str:
    return request.form.get(name, "").strip()


def _typed_id(name: str) -> int:
    return request.form.get(name, 0, type=int)


@pages.post("/win-back/cases/<int:case_id>/cause")
@requires(Permission.WIN_BACK)
def save_cause(case_id: int) -> Answer:
    return _change(case_id, lambda: actions.set_cause(
        g.session, case_id=case_id, cause=_typed("cause"), note=_typed("cause_note")), "Cause saved")


@pages.post("/win-back/cases/<int:case_id>/owner")
@requires(Permission.WIN_BACK)
def assign(case_id: int) -> Answer:
    return _change(case_id, lambda: actions.assign_case(g.session, case_id=case_id, owner_id=_typed_id("owner_id")),
                   "Owner saved")


@pages.post("/win-back/cases/<int:case_id>/offer")
@requires(Permission.WIN_BACK)
def choose_offer(case_id: int) -> Answer:
    return _change(case_id, lambda: actions.choose_offer(g.session, case_id=case_id, offer_id=_typed_id("offer_id")),
                   "Offer chosen; a campaign or a call may promise it now")


@pages.post("/win-back/cases/<int:case_id>/code")
@requires(Permission.WIN_BACK)
def give_code(case_id: int) -> Answer:
    return _change(case_id, lambda: actions.give_code(g.session, case_id=case_id), "The account has its code")


@pages.post("/win-back/cases/<int:case_id>/let-go")
@requires(Permission.WIN_BACK)
def let_go(case_id: int) -> Answer:
    return _change(case_id, lambda: actions.let_go_case(g.session, case_id=case_id, reason=_typed("reason")),
                   "Let go; a new case opens only after another order and another silence")


@pages.post("/win-back/cases/<int:case_id>/note")
@requires(Permission.WIN_BACK)
def note(case_id: int) -> Answer:
    return _change(case_id, lambda: actions.note_case(g.session, case_id=case_id, text=_typed("text")), "Noted")


@pages.get("/win-back/results")
@requires(Permission.SEE)
def results() -> Answer:
    return render_template("winback/results.html", outcomes=count_outcomes(g.session), causes=CAUSES,
                           comparisons=list_comparisons(g.session), by_cause=count_by_cause(g.session))
