"""Settings of the analysis: the lines that classes are drawn by."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.analysis.actions import set_thresholds
from abm.analysis.thresholds import Thresholds, parse_thresholds, read_thresholds
from abm.company.queries import get_company
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import InvalidInput

# Title, explanation, and (name, label, hint) of each field.
GROUPS = (
    ("Value", "ABC looks at the share of value that stands before each account, largest first.", (
        ("a_below", "A below", "Share, 0.80 is 80 %"), ("b_below", "B below", "Share; the rest is C"),
        ("key_full_until", "Fully key until", "Ramp of key membership: 1 up to this share"),
        ("key_none_from", "Not key from", "Ramp of key membership: 0 from this share on"),
        ("top_share", "Top part", "0.20: how much the top 20 % bring"))),
    ("Steadiness", "XYZ looks at the coefficient of variation (CV) of value by period.", (
        ("x_up_to", "X up to", "CV"), ("y_up_to", "Y up to", "CV; above it is Z"),
        ("new_below_periods", "New below", "Periods since the first order"))),
    ("Rhythm", "Days since the last order, measured in the account's own usual gap.", (
        ("active_up_to", "Active up to", "Overdue ratio"), ("slowing_up_to", "Slowing up to", "Above it: lapsed"),
        ("known_from_order_days", "Known from", "Order days; fewer: unknown"),
        ("season_years", "Season from", "Earlier years with the same pause that make a silence a habit"))),
    ("Share/growth and models", "Where the matrix is cut, and when the value model is not to be believed.", (
        ("share_line", "Large from", "Value relative to the largest other one"),
        ("growth_line", "Growing from", "0.10 is 10 % over the year before"),
        ("most_correlation", "Correlation up to", "Of frequency and value; above it Gamma-Gamma is not used"))),
)


def add_to(pages: Blueprint) -> None:
    """Serve the settings of the analysis."""
    pages.add_url_rule("/settings/analysis", view_func=thresholds)
    pages.add_url_rule("/settings/analysis", view_func=save_thresholds, methods=["POST"])


@requires(Permission.SEE)
def thresholds() -> str:
    present = read_thresholds(get_company(g.session).analysis_thresholds).stored()
    return render_template("analysis/thresholds.html", groups=GROUPS, typed=present, errors={},
                           defaults=Thresholds().stored())


@requires(Permission.ADMINISTER)
def save_thresholds() -> str | Response | tuple[str, int]:
    try:
        lines = parse_thresholds(request.form)
    except InvalidInput as error:
        return render_template("analysis/thresholds.html", groups=GROUPS, typed=request.form, errors=error.fields,
                               defaults=Thresholds().stored()), 422
    set_thresholds(g.session, lines=lines)
    flash("Saved. Runs from now on go by these lines; earlier runs keep theirs.", "success")
    return redirect(url_for("analysis.thresholds"))
