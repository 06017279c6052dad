"""A list's agreement with sales: sign-off, vetoes, capacity; and what changed between two days."""

from datetime import date, timedelta
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for

from abm.accounts.queries import find_account_by_external_id
from abm.company.actions import set_company_value
from abm.company.queries import company_today
from abm.targets import agreement, agreement_queries, queries
from abm.targets.blueprint import Answer, pages
from abm.targets.capacity_form import read_capacity, typed_capacity
from abm.targets.history import COLUMNS, count_recent, find_differences
from abm.targets.models import TargetList
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import InvalidInput, Refused

_RECENT_DAYS = 7


def head_of(row: TargetList) -> dict[str, Any]:
    """What stands above every page of a list."""
    entered, left = count_recent(g.session, list_id=row.id,
                                 since=company_today(g.session) - timedelta(days=_RECENT_DAYS - 1))
    return {"row": row, "sentence": queries.say_stored(row), "entered": entered, "left": left,
            "signed": agreement_queries.find_sign_off(g.session, list_id=row.id),
            "vetoed": agreement_queries.count_vetoes(g.session, list_id=row.id),
            "users": queries.list_users_of(g.session, row.name)}


@pages.get("/lists/<name>/agreement")
@requires(Permission.SEE)
def agree(name: str) -> Answer:
    return _agreement(queries.get_list(g.session, name), {"account_id": request.args.get("account", "")[:200]}, {})


def _agreement(row: TargetList, typed: Any, errors: Any) -> str:
    return render_template("targets/agreement.html", typed=typed, errors=errors, today=company_today(g.session),
                           vetoes=agreement_queries.list_vetoes(g.session, list_id=row.id, limit=200),
                           capacity=queries.get_capacity(g.session, list_id=row.id), **head_of(row))


@pages.get("/lists/<name>/capacity")
@requires(Permission.SEE)
def capacity_line(name: str) -> Answer:
    """The line for the list's page, asked for after it is there: it counts all members."""
    row = queries.get_list(g.session, name)
    return render_template("targets/_capacity_figure.html", row=row,
                           capacity=queries.get_capacity(g.session, list_id=row.id))


@pages.post("/lists/<name>/vetoes")
@requires(Permission.AGREE_TO_LISTS)
def veto(name: str) -> Answer:
    row, wanted = queries.get_list(g.session, name), request.form.get("account_id", "").strip()
    account = find_account_by_external_id(g.session, wanted)
    if account is None:
        return _agreement(row, request.form, {"account_id": "No account has this id; search for it by name."}), 422
    try:
        kept = agreement.set_veto(g.session, row=row, account=account, reason=request.form.get("reason", ""),
                                  until=_day(request.form.get("until", "")))
    except InvalidInput as error:
        return _agreement(row, request.form, error.fields), 422
    flash(f"{account.name} stays out of the list until {kept.until_on.isoformat()}", "success")
    return redirect(url_for("targets.agree", name=name))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


@pages.post("/lists/<name>/vetoes/lift")
@requires(Permission.AGREE_TO_LISTS)
def lift(name: str) -> Answer:
    row = queries.get_list(g.session, name)
    account = queries.get_account_by_external_id(g.session, request.form.get("account_id", ""))
    agreement.lift_veto(g.session, row=row, account=account)
    flash(f"The veto for {account.name} is lifted", "success")
    return redirect(url_for("targets.agree", name=name))


@pages.post("/lists/<name>/sign-off")
@requires(Permission.AGREE_TO_LISTS)
def sign(name: str) -> Answer:
    row = queries.get_list(g.session, name)
    try:
        agreement.sign_off(g.session, row=row, note=request.form.get("note", ""))
    except InvalidInput as error:
        return _agreement(row, request.form, error.fields), 422
    except Refused as error:
        return _agreement(row, request.form, {"note": str(error)}), 422
    flash(f"Signed off with {row.member_count:,} accounts", "success")
    return redirect(url_for("targets.agree", name=name))


def _days() -> tuple[date, date]:
    """The two days asked for; a week and today when none are."""
    today = company_today(g.session)
    last = min(_day(request.args.get("to", "")) or today, today)
    return min(_day(request.args.get("from", "")) or last - timedelta(days=_RECENT_DAYS), last), last


@pages.get("/lists/<name>/changes")
@requires(Permission.SEE)
def changes(name: str) -> Answer:
    row = queries.get_list(g.session, name)
    first, last = _days()
    found = find_differences(g.session, list_id=row.id, first=first, last=last, limit=200)
    return render_template("targets/changes.html", first=first, last=last, found=found, **head_of(row))


@exports(pages, "/lists/<name>/changes/export")
def export_changes(name: str) -> Table:
    row = queries.get_list(g.session, name)
    first, last = _days()
    found = find_differences(g.session, list_id=row.id, first=first, last=last, limit=None)
    rows = [(what, each.account_id, each.name, each.at, each.how)
            for what, moved in (("entered", found.entered_rows), ("left", found.left_rows)) for each in moved]
    return Table(f"{name}-changes", columns=COLUMNS, rows=rows)


@exports(pages, "/lists/<name>/vetoes/export")
def export_vetoes(name: str) -> Table:
    row = queries.get_list(g.session, name)
    rows = ((external_id, title, each.reason, each.until_on, each.by_name, each.created_at)
            for each, external_id, title in agreement_queries.list_vetoes(g.session, list_id=row.id))
    return Table(f"{name}-vetoes", columns=("account_id", "name", "reason", "until", "by", "since"), rows=rows)


@pages.get("/lists/-/capacity")
@requires(Permission.SEE)
def capacity_settings() -> Answer:
    return render_template("targets/capacity_settings.html", typed=typed_capacity(g.company), errors={})


@pages.post("/lists/-/capacity")
@requires(Permission.ADMINISTER)
def save_capacity() -> Answer:
    try:
        for name, value in read_capacity(request.form).items():
            if getattr(g.company, name) != value:
                set_company_value(g.session, name=name, value=value)
    except InvalidInput as error:
        return render_template("targets/capacity_settings.html", typed=request.form, errors=error.fields), 422
    flash("Saved", "success")
    return redirect(url_for("targets.capacity_settings"))
