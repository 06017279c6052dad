"""The back-test of a scorecard's draft: at once where accounts are few, else by a worker, with its progress."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.scorecards.actions import is_large
from abm.scorecards.back_tests import UNDER_WAY, find_back_test, read_found, request_back_test
from abm.scorecards.models import BackTestRun, Scorecard
from abm.scorecards.queries import draft_of, get_scorecard
from abm.scorecards.trials import MONTHS, BackTest, run_back_test
from abm.web.access import requires
from abm.web.fields import Fields
from abm.web.permissions import Permission
from core.errors import InvalidInput, Refused

Answer = str | Response | tuple[str, int]


def add_to(pages: Blueprint) -> None:
    """Serve it under /scorecards/NAME/back-test."""
    pages.add_url_rule("/scorecards/<name>/back-test", view_func=back_test)
    pages.add_url_rule("/scorecards/<name>/back-test", view_func=start_back_test, methods=["POST"])


@dataclass
class _Shown:
    """What the page shows besides the form: figures, or a test under way, or neither."""

    errors: dict[str, str]
    found: BackTest | None = None
    run: BackTestRun | None = None


def _asked(form: Any) -> tuple[date | None, int, dict[str, str]]:
    fields = Fields(form)
    as_of, months = fields.day("as_of"), fields.whole("months", least=1, most=36) or 6
    return as_of, months, dict(fields.errors)


@requires(Permission.SEE)
def back_test(name: str) -> Answer:
    scorecard = get_scorecard(g.session, name)
    as_of, months, errors = _asked(request.args)
    large = is_large(g.session)
    shown = _Shown(errors) if errors else (_kept if large else _now)(scorecard, as_of, months)
    typed = {"as_of": as_of or (shown.found.as_of if shown.found else ""), "months": months}
    return render_template(
        "scorecards/back_test.html", scorecard=scorecard, found=shown.found, typed=typed, errors=shown.errors,
        run=shown.run, is_large=large, is_under_way=shown.run is not None and shown.run.state in UNDER_WAY,
        months=sorted({*MONTHS, months}))


def _now(scorecard: Scorecard, as_of: date | None, months: int) -> _Shown:
    try:
        return _Shown({}, run_back_test(g.session, scorecard=scorecard, definition=draft_of(scorecard), as_of=as_of,
                                        months=months))
    except InvalidInput as error:
        return _Shown(error.fields)
    except Refused as refused:
        return _Shown({"as_of": str(refused)})


def _kept(scorecard: Scorecard, as_of: date | None, months: int) -> _Shown:
    run = find_back_test(g.session, scorecard, as_of=as_of, months=months)
    if run is None:
        return _Shown({})
    errors = {"as_of": run.error} if run.state == "failed" else {}
    return _Shown(errors, read_found(run.found) if run.found else None, run)


@requires(Permission.ANALYSE)
def start_back_test(name: str) -> Answer:
    """Have a worker test the draft, and show how far it is."""
    as_of, months, errors = _asked(request.form)
    if not errors:
        request_back_test(g.session, scorecard=get_scorecard(g.session, name), as_of=as_of, months=months)
    day = request.form.get("as_of", "")[:20] or None
    return redirect(url_for("scorecards.back_test", name=name, as_of=day, months=months))
