"""What the account page shows: a figure above the tabs, and the panel with gates, kind, questions and reviews."""

from flask import render_template, url_for
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.panels import Headline, register_headline, register_panel
from abm.company.queries import company_today
from abm.plans.gates import CHASE, CHASES, GATES, KINDS, STATES, failed_questions, signs_of
from abm.plans.proposing import PROPOSALS
from abm.plans.queries import find_qualification, list_account_reviews, list_answers


def add_to_account_pages() -> None:
    """Register both; a repeat changes nothing."""
    register_panel("Key account", 10, render_key_account, part="scores")
    register_headline("Key account", 60, read_standing)


def read_standing(session: Session, account: Account) -> Headline | None:
    """`2 of 3 gates`, with the kind; nothing before it was computed."""
    found = find_qualification(session, account.id)
    if found is None:
        return None
    kind = KINDS.get(found.kind or "", "")
    return Headline(f"{found.gates_passed} of {len(GATES)} gates", href=url_for("plans.show", account_id=account.id),
                    note=kind or STATES[found.state].lower(), is_page=True)


def render_key_account(session: Session, account: Account) -> str:
    """Gates with evidence, kind, questions before the chase, the last review and the next."""
    found = find_qualification(session, account.id)
    reviews = list_account_reviews(session, account.id)
    answers = {name: getattr(found, name) for name in (*GATES, *CHASE)} if found else {}
    return render_template(
        "plans/_panel.html", account=account, found=found, answers=answers, said=list_answers(session, account.id),
        gates=GATES, chase=CHASE, chases=CHASES, kinds=KINDS, states=STATES, proposals=PROPOSALS,
        signs={name: signs_of(name, found) for name in answers} if found else {}, today=company_today(session),
        failed=failed_questions(answers), is_open=next((one for one in reviews if one.decided_at is None), None),
        last=next((one for one in reviews if one.decided_at is not None), None))
