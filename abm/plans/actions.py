"""Answering gates and questions by hand; proposing and deciding reviews."""

from dataclasses import asdict
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event, update_account
from abm.accounts.models import Account
from abm.accounts.queries import get_account
from abm.audit.actions import actor, record
from abm.company.queries import company_today
from abm.plans.candidates import Candidate, list_candidates
from abm.plans.gates import ANSWERS, KINDS, QUESTIONS
from abm.plans.models import AccountReview, QualificationAnswer
from abm.plans.proposing import PROPOSALS, propose
from abm.plans.qualifying import qualify_accounts
from abm.plans.queries import find_open_review, get_review
from core import clock
from core.errors import InvalidInput, Refused
from core.jobs import ring_after_commit

LONGEST = 5_000
AT_ONCE_UP_TO = 5_000
NEXT_AFTER_DAYS = {"keep": 182, "downgrade": 365, "drop": None}
_LOWER_TIER = {"1": "2", "2": "3", "3": "3"}
LOWEST_TIER = "3"


def start_qualifying(session: Session) -> int | None:
    """Compute all accounts now where there are few; else in the background, and the answer is None."""
    if (session.scalar(select(func.count()).select_from(Account)) or 0) > AT_ONCE_UP_TO:
        ring_after_commit(session, "plans.qualify_all")
        return None
    return qualify_accounts(session)


def answer_question(session: Session, *, account_id: int, question: str, answer: str, evidence: str) -> None:
    """Keep what a person says to a gate, a question or the kind; an empty answer takes it back, so that the data speak
    again. Raises InvalidInput without evidence, or for words that are not known."""
    account = get_account(session, account_id)
    known = KINDS if question == "kind" else ANSWERS if question in QUESTIONS else None
    if known is None:
        raise InvalidInput(f"{question} is no question; there are {', '.join((*QUESTIONS, 'kind'))}")
    if answer and answer not in known:
        raise InvalidInput(f"{answer} is no answer", {question: f"Choose one of {', '.join(known)}."})
    if answer and not evidence.strip():
        raise InvalidInput("Evidence is missing", {f"{question}_evidence": "Say what it rests on."})
    query = select(QualificationAnswer).where(QualificationAnswer.account_id == account_id,
                                              QualificationAnswer.question == question)
    found = session.scalars(query).first()
    before = {"answer": found.answer, "evidence": found.evidence} if found else None
    after = {"answer": answer, "evidence": evidence.strip()[:LONGEST]} if answer else None
    if before == after:
        return
    _store_answer(session, found, account_id, question, after)
    qualify_accounts(session, account_ids=[account_id])
    record(session, action="qualification.answer", subject="account", subject_id=account.id, before=before,
           after={"question": question, **(after or {})})
    title = "Kind of key account" if question == "kind" else QUESTIONS[question].rstrip("?")
    add_account_event(session, account_id=account_id, kind="qualification", text=evidence.strip()[:LONGEST],
                      title=f"{title}: {known[answer].lower() if answer else 'taken back'}",
                      link=f"/qualification/{account_id}")


def _store_answer(session: Session, found: QualificationAnswer | None, account_id: int, question: str,
                  wanted: dict[str, str] | None) -> None:
    if wanted is None:
        if found is not None:
            session.delete(found)
    else:
        row = found or QualificationAnswer(account_id=account_id, question=question)
        row.answer, row.evidence = wanted["answer"], wanted["evidence"]
        row.answered_by, row.answered_at = actor().name, clock.now()
        session.add(row)
    session.flush()


def propose_reviews(session: Session) -> list[AccountReview]:
    """Open a review, with a proposal and its reasons, for every key account whose review is due."""
    made = [_open(session, one) for one in list_candidates(session, today=company_today(session))]
    if made:
        record(session, action="review.propose", subject="review", after={"accounts": len(made)})
    return made


def open_review(session: Session, *, account_id: int) -> AccountReview:
    """Open a review of one account whatever its day; the one that is open already, if there is one."""
    get_account(session, account_id)
    found = find_open_review(session, account_id)
    if found is not None:
        return found
    (candidate,) = list_candidates(session, today=company_today(session), account_id=account_id)
    review = _open(session, candidate)
    record(session, action="review.propose", subject="account", subject_id=account_id,
           after={"proposal": review.proposal})
    return review


def _open(session: Session, candidate: Candidate) -> AccountReview:
    proposal, reasons = propose(candidate.facts)
    review = AccountReview(account_id=candidate.account_id, as_of=candidate.as_of, proposal=proposal,
                           reasons=[asdict(reason) for reason in reasons], value_12m=candidate.facts.value_12m,
                           proposed_at=clock.now())
    session.add(review)
    session.flush()
    return review


def decide_review(session: Session, *, review_id: int, decision: str, why: str, next_review_on: date | None,
                  changes_tier: bool = True) -> AccountReview:
    """Record the decision and carry it out: a downgraded account goes a tier down, a dropped one to the lowest.

    Raises InvalidInput without a decision, a reason or (unless dropped) a day in the future, Refused when it was
    decided before.
    """
    review = get_review(session, review_id)
    if review.decided_at is not None:
        raise Refused(f"This review was decided by {review.decided_by} on {review.decided_at:%Y-%m-%d}")
    _check_decision(decision, why, next_review_on, company_today(session))
    account = get_account(session, review.account_id)
    review.tier_before = account.tier
    if changes_tier and account.tier in _LOWER_TIER and decision != "keep":
        lower = _LOWER_TIER[account.tier] if decision == "downgrade" else LOWEST_TIER
        update_account(session, account_id=account.id, values={"tier": lower})
    review.tier_after = account.tier
    review.decision, review.why, review.next_review_on = decision, why.strip()[:LONGEST], next_review_on
    review.decided_by, review.decided_at = actor().name, clock.now()
    session.flush()
    record(session, action="review.decide", subject="account", subject_id=account.id,
           before={"proposal": review.proposal, "tier": review.tier_before},
           after={"decision": decision, "why": review.why, "tier": review.tier_after,
                  "next_review_on": next_review_on and next_review_on.isoformat()})
    add_account_event(session, account_id=account.id, kind="review", text=review.why,
                      title=f"Review: {PROPOSALS[decision].lower()} (proposed: {PROPOSALS[review.proposal].lower()})",
                      link=f"/reviews/{review.id}")
    return review


def _check_decision(decision: str, why: str, next_review_on: date | None, today: date) -> None:
    errors = {}
    if decision not in PROPOSALS:
        errors["decision"] = "Choose keep, downgrade or drop."
    if not why.strip():
        errors["why"] = "Say why: the next review begins with it."
    if next_review_on is None and decision != "drop":
        errors["next_review_on"] = "Say when to ask again."
    elif next_review_on is not None and next_review_on <= today:
        errors["next_review_on"] = "This day is not in the future."
    if errors:
        raise InvalidInput("The decision was not recorded: " + " ".join(errors.values()), errors)


def usual_next_day(decision: str, today: date) -> date | None:
    """When to ask again if nobody says otherwise: half a year after keep, a year after downgrade."""
    days = NEXT_AFTER_DAYS.get(decision, NEXT_AFTER_DAYS["keep"])
    return today + timedelta(days=days) if days is not None else None
