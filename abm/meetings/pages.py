"""The weekly meeting in the browser."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_name
from abm.company.queries import company_today
from abm.meetings import actions
from abm.meetings.agenda import arrange, build_agenda, find_moves, next_meeting_day, with_last_values
from abm.meetings.calendar import find_subscriber, token_of, write_calendar
from abm.meetings.decisions import KINDS
from abm.meetings.forms import parse_decision, parse_meeting
from abm.meetings.mailing import list_participants
from abm.meetings.models import Meeting
from abm.meetings.queries import (
    DECISION_COLUMNS,
    count_decisions,
    decision_row,
    find_closed_actions,
    find_last_meeting,
    get_meeting,
    list_decisions,
    list_meetings,
    list_reviews_due,
    measure_health,
    since_moment,
)
from abm.outreach.queries import list_by_change
from abm.users.queries import list_active_users
from abm.web.access import public, requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from core.errors import InvalidInput
from core.settings import settings

pages = Blueprint("meetings", __name__)
Answer = str | Response | tuple[str, int]
# The decisions that an item's rows offer at once.
QUICK = {"hand_offs": {"accept_lead": "Accept", "reject_lead": "Reject", "nurture": "Nurture"},
         "experiment": {"keep_experiment": "Keep", "stop_experiment": "Stop", "extend_experiment": "Extend"}}


@pages.get("/meetings")
@requires(Permission.SEE)
def index() -> Answer:
    return _list({}, {})


def _list(typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    meetings, today = list_meetings(g.session), company_today(g.session)
    proposed = next_meeting_day(meetings[0].held_on, today) if meetings else today
    return render_template("meetings/index.html", meetings=meetings, decisions=count_decisions(g.session),
                           typed=typed or {"held_on": proposed}, errors=errors,
                           feed=settings().base_url + url_for("meetings.calendar", token=token_of(g.user.id)),
                           health=measure_health(g.session, today=today))


@exports(pages, "/meetings/export")
def export() -> Table:
    decisions = count_decisions(g.session)
    rows = ((one.held_on, one.title, one.state, decisions.get(one.id, 0), one.created_by, one.frozen_at, one.closed_at)
            for one in list_meetings(g.session, limit=10_000))
    return Table("meetings", columns=("held_on", "title", "state", "decisions", "created_by", "frozen_at", "closed_at"),
                 rows=rows)


@exports(pages, "/meetings/<int:meeting_id>/decisions")
def export_decisions(meeting_id: int) -> Table:
    meeting = get_meeting(g.session, meeting_id)
    return Table(f"decisions-{meeting.held_on}", columns=DECISION_COLUMNS,
                 rows=map(decision_row, list_decisions(g.session, meeting_id)))


@pages.get("/meetings/calendar/<token>.ics")
@public
def calendar(token: str) -> Answer:
    """For calendar programs: the token is a colleague's own."""
    if find_subscriber(g.session, token) is None:
        return abort(404)
    found = write_calendar(list_meetings(g.session), base_url=settings().base_url)
    return Response(found, content_type="text/calendar; charset=utf-8")


@pages.post("/meetings")
@requires(Permission.RUN_MEETINGS)
def plan() -> Answer:
    try:
        meeting = actions.plan_meeting(g.session, values=parse_meeting(request.form))
    except InvalidInput as error:
        return _list(request.form, error.fields), 422
    return redirect(url_for("meetings.show", meeting_id=meeting.id))


@pages.get("/meetings/<int:meeting_id>")
@requires(Permission.SEE)
def show(meeting_id: int) -> Answer:
    account = g.session.get(Account, request.args.get("account_id", 0, type=int))
    typed = {"item": request.args.get("item", ""), "account": account.name if account else "",
             "owner_id": (account.owner_id if account else None) or g.user.id,
             "campaign_id": request.args.get("campaign_id", ""), "kind": request.args.get("kind", "")}
    return _room(get_meeting(g.session, meeting_id), typed, {})


def _room(meeting: Meeting, typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    last = find_last_meeting(g.session, before=meeting)
    present = None
    if meeting.agenda is None or (request.args.get("moved") and meeting.state == "open"):
        present = build_agenda(g.session, since=since_moment(g.session, meeting))
    agenda = meeting.agenda or present or {}
    today = company_today(g.session)
    leading, subjects = arrange(with_last_values(agenda, last.agenda if last else None))
    return render_template(
        "meetings/show.html", meeting=meeting, agenda=agenda, last=last, kinds=KINDS, typed=typed, errors=errors,
        leading=leading, subjects=subjects, today=today,
        moves=find_moves(meeting.agenda, present) if meeting.agenda and present else None,
        closed=find_closed_actions(g.session, agenda), decisions=list_decisions(g.session, meeting.id),
        users=list_active_users(g.session), quick=QUICK,
        campaigns=list_by_change(g.session) if meeting.state == "open" else [],
        reviews=list_reviews_due(g.session, up_to=today, before=meeting) if meeting.state != "closed" else [])


@pages.post("/meetings/<int:meeting_id>/open")
@requires(Permission.RUN_MEETINGS)
def start(meeting_id: int) -> Answer:
    actions.open_meeting(g.session, meeting_id=meeting_id)
    flash("The agenda is frozen; what moves from now on is behind the switch", "success")
    return redirect(url_for("meetings.show", meeting_id=meeting_id))


@pages.post("/meetings/<int:meeting_id>/decisions")
@requires(Permission.RUN_MEETINGS)
def decide(meeting_id: int) -> Answer:
    meeting = get_meeting(g.session, meeting_id)
    try:
        values = parse_decision(_with_account(request.form), today=company_today(g.session))
        decision = actions.decide(g.session, meeting=meeting, values=values)
    except InvalidInput as error:
        return _room(meeting, request.form, error.fields), 422
    flash(f"Decided and done: {KINDS[decision.kind].word.lower()}", "success")
    return redirect(url_for("meetings.show", meeting_id=meeting_id, _anchor=f"item-{decision.item}"))


def _with_account(form: Mapping[str, str]) -> dict[str, str]:
    """The form with the account's id where its name was typed. Raises InvalidInput for an unknown name."""
    name = form.get("account", "").strip()
    if not name:
        return dict(form)
    found = find_account_by_name(g.session, name)
    if found is None:
        raise InvalidInput("The decision was not recorded", {
            "account": f"There is no single account called {name}: type its full name or its id in your system."})
    return {**form, "account_id": str(found)}


@pages.post("/meetings/<int:meeting_id>/notes")
@requires(Permission.RUN_MEETINGS)
def save_notes(meeting_id: int) -> Answer:
    notes = request.form.get("notes", "").replace("\r\n", "\n").strip()
    actions.save_notes(g.session, meeting_id=meeting_id, notes=notes, people=request.form.get("people", ""))
    if request.headers.get("HX-Request"):
        return '<span class="text-secondary">Kept</span>'
    flash("Notes kept", "success")
    return redirect(url_for("meetings.show", meeting_id=meeting_id))


@pages.post("/meetings/<int:meeting_id>/close")
@requires(Permission.RUN_MEETINGS)
def close(meeting_id: int) -> Answer:
    actions.close_meeting(g.session, meeting_id=meeting_id)
    flash("The minutes are written", "success")
    return redirect(url_for("meetings.minutes", meeting_id=meeting_id))


@pages.get("/meetings/<int:meeting_id>/minutes")
@requires(Permission.SEE)
def minutes(meeting_id: int) -> Answer:
    meeting = get_meeting(g.session, meeting_id)
    took_part = list_participants(g.session, meeting) if meeting.mailed is not None else ()
    return render_template("meetings/minutes.html", meeting=meeting,
                           mailed=[user.name for user in took_part if user.id in (meeting.mailed or ())],
                           waiting=[user.name for user in took_part if user.id not in (meeting.mailed or ())])
