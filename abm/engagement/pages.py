"""Why this score: the rows of the ledger; and the rules they are made by."""

from typing import Any

import yaml
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.queries import get_account
from abm.engagement.actions import cool_down, end_cooling, publish_rules
from abm.engagement.panels import add_to_account_pages
from abm.engagement.queries import (
    find_cooling,
    find_engagement,
    list_changes,
    list_entries,
    list_rules,
    present_rules,
)
from abm.engagement.rules import KINDS, faded, read_rules, say_signs
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.fields import Fields
from abm.web.permissions import Permission
from core import clock
from core.errors import InvalidInput

pages = Blueprint("engagement", __name__)
Answer = str | Response | tuple[str, int]
DAY_SECONDS = 86_400
add_to_account_pages()


@pages.get("/accounts/<int:account_id>/engagement")
@requires(Permission.SEE)
def why(account_id: int) -> str:
    return _why(account_id, {}, {})


def _why(account_id: int, typed: Any, errors: Any) -> str:
    account, (rules, version) = get_account(g.session, account_id), present_rules(g.session)
    return render_template("engagement/why.html", account=account, found=find_engagement(g.session, account_id),
                           rows=_rows(account_id, rules), rules=rules, version=version, kinds=KINDS,
                           signs=say_signs(rules["fading"]), changes=list_changes(g.session, account_id), typed=typed,
                           errors=errors, cooling=find_cooling(g.session, account_id, now=clock.now()))


@pages.post("/accounts/<int:account_id>/engagement/cool-down")
@requires(Permission.EDIT_ACCOUNTS)
def cool(account_id: int) -> Answer:
    fields = Fields(request.form)
    days = fields.whole("days", least=1, most=3650, missing="Say for how many days.")
    reason = fields.text("reason", missing="Say why: it stands on the timeline.", longest=300)
    if fields.errors:
        return _why(account_id, request.form, fields.errors), 422
    until = cool_down(g.session, account_id=account_id, days=days or 0, reason=reason)
    flash(f"Back to nurture: not qualified before {until:%Y-%m-%d}", "success")
    return redirect(url_for("accounts.show", account_id=account_id))


@pages.post("/accounts/<int:account_id>/engagement/end-cool-down")
@requires(Permission.EDIT_ACCOUNTS)
def end_cool_down(account_id: int) -> Answer:
    end_cooling(g.session, account_id=account_id)
    flash("It may be qualified again", "success")
    return redirect(url_for("accounts.show", account_id=account_id))


def _rows(account_id: int, rules: dict[str, Any]) -> list[dict[str, Any]]:
    now = clock.now()
    return [{"entry": entry, "age": (age := max((now - entry.at).total_seconds() / DAY_SECONDS, 0.0)),
             "left": faded(entry.points, age, rules["decay_days"]), "group": rules["group"].get(entry.kind, "reading")}
            for entry in list_entries(g.session, account_id, now=now)]


@exports(pages, "/accounts/<int:account_id>/engagement/export")
def export(account_id: int) -> Table:
    rules, _ = present_rules(g.session)
    rows = ((row["entry"].at, row["entry"].kind, row["group"], row["entry"].contact_id, row["entry"].points,
             round(row["age"], 4), row["left"], row["entry"].rules_id) for row in _rows(account_id, rules))
    return Table(f"engagement-{account_id}", rows=rows, columns=(
        "at", "kind", "group", "contact", "points", "age_days", "points_now", "rules_version"))


@pages.get("/settings/engagement")
@requires(Permission.SEE)
def rules_page() -> str:
    rules, version = present_rules(g.session)
    return _form({"rules": yaml.safe_dump(rules, sort_keys=False, allow_unicode=True)}, {}, version)


@pages.post("/settings/engagement")
@requires(Permission.ANALYSE)
def publish() -> Answer:
    try:
        rules = read_rules(request.form.get("rules", ""))
    except InvalidInput as error:
        return _form(request.form, error.fields, present_rules(g.session)[1]), 422
    made = publish_rules(g.session, rules=rules, note=request.form.get("note", "").strip())
    flash(f"Version {made.id} is in force; the ledger is made again by it.", "success")
    return redirect(url_for("engagement.rules_page"))


def _form(typed: Any, errors: Any, version: int) -> str:
    return render_template("engagement/rules.html", typed=typed, errors=errors, version=version,
                           versions=list_rules(g.session), kinds=KINDS)


@exports(pages, "/settings/engagement/export")
def export_rules() -> Table:
    rows = ((one.id, one.made_at, one.made_by, one.note, one.content) for one in list_rules(g.session))
    return Table("engagement-rules", columns=("version", "made_at", "made_by", "note", "rules"), rows=rows)
