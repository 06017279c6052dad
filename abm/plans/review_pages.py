"""Reviews: proposals that wait, the decision with its reason, the history."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.queries import get_account
from abm.company.queries import company_today
from abm.plans.actions import decide_review, open_review, propose_reviews, usual_next_day
from abm.plans.models import AccountReview
from abm.plans.proposing import PROPOSALS
from abm.plans.queries import count_open_reviews, get_review, list_account_reviews, select_reviews
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.fields import Fields
from abm.web.keyset import Order, count_text, fetch_page, read_place
from abm.web.permissions import Permission
from core.errors import InvalidInput, Refused

Answer = str | Response | tuple[str, int]
EXPORT_COLUMNS = ("as_of", "proposal", "value_12m", "decision", "why", "decided_by", "decided_at", "next_review_on",
                  "tier_before", "tier_after")


def add_to(pages: Blueprint) -> None:
    """Serve them under /reviews."""
    pages.add_url_rule("/reviews", view_func=reviews)
    pages.add_url_rule("/reviews/propose", view_func=propose, methods=["POST"])
    pages.add_url_rule("/reviews/<int:review_id>", view_func=show_review)
    pages.add_url_rule("/reviews/<int:review_id>", view_func=decide, methods=["POST"])
    pages.add_url_rule("/reviews/account/<int:account_id>", view_func=begin, methods=["POST"])
    exports(pages, "/reviews/export")(export_reviews)


def _wanted() -> tuple[bool, str]:
    proposal = request.args.get("proposal", "")
    return request.args.get("show") != "decided", proposal if proposal in PROPOSALS else ""


@requires(Permission.SEE)
def reviews() -> Answer:
    is_open, proposal = _wanted()
    query = select_reviews(is_open=is_open, proposal=proposal)
    order = (Order(AccountReview.value_12m, AccountReview.id, is_descending=True, is_nullable=False) if is_open else
             Order(AccountReview.decided_at, AccountReview.id, is_descending=True, is_nullable=False))
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    kept = {name: value for name, value in (("show", "" if is_open else "decided"), ("proposal", proposal)) if value}
    return render_template("plans/reviews.html", page=page, is_open=is_open, kept=kept, proposals=PROPOSALS,
                           waiting=count_open_reviews(g.session), today=company_today(g.session),
                           count=count_text(g.session, query, "review", "reviews"))


def export_reviews() -> Table:
    is_open, proposal = _wanted()
    query = select_reviews(is_open=is_open, proposal=proposal).order_by(AccountReview.id)
    rows = ((account.external_id, account.name, *(getattr(review, name) for name in EXPORT_COLUMNS),
             "; ".join(reason["text"] for reason in review.reasons))
            for review, account in g.session.execute(query, execution_options={"yield_per": 1_000}))
    return Table("reviews", columns=("account_id", "name", *EXPORT_COLUMNS, "reasons"), rows=rows)


@requires(Permission.RUN_MEETINGS)
def propose() -> Answer:
    made = propose_reviews(g.session)
    flash(f"{len(made)} reviews opened from the data of now" if made else "No key account is due: all of them were "
          "reviewed, or wait already", "success")
    return redirect(url_for("plans.reviews"))


@requires(Permission.RUN_MEETINGS)
def begin(account_id: int) -> Answer:
    return redirect(url_for("plans.show_review", review_id=open_review(g.session, account_id=account_id).id))


@requires(Permission.SEE)
def show_review(review_id: int) -> Answer:
    review = get_review(g.session, review_id)
    next_on = usual_next_day(review.proposal, company_today(g.session))
    typed = {"decision": review.proposal, "next_review_on": next_on or "", "changes_tier": "yes"}
    return _page(review, typed, {})


def _page(review: AccountReview, typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    return render_template(
        "plans/review.html", review=review, account=get_account(g.session, review.account_id), typed=typed,
        errors=errors, proposals=PROPOSALS, earlier=[one for one in list_account_reviews(g.session, review.account_id)
                                                     if one.id != review.id and one.decided_at])


@requires(Permission.RUN_MEETINGS)
def decide(review_id: int) -> Answer:
    review = get_review(g.session, review_id)
    fields = Fields(request.form)
    next_on = fields.day("next_review_on")
    try:
        fields.finish()
        decide_review(g.session, review_id=review_id, decision=request.form.get("decision", ""),
                      why=request.form.get("why", "").replace("\x00", ""), next_review_on=next_on,
                      changes_tier=bool(request.form.get("changes_tier")))
    except InvalidInput as error:
        return _page(review, request.form, error.fields), 422
    except Refused as refused:
        flash(str(refused), "error")
        return redirect(url_for("plans.show_review", review_id=review_id))
    flash("Decided; it stands on the account's timeline", "success")
    return redirect(url_for("plans.reviews"))
