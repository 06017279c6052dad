"""`abm qualification` and `abm reviews`."""

from datetime import date, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_external_id
from abm.plans.gates import CHASE, GATES, KINDS, QUESTIONS
from abm.plans.models import AccountReview, Qualification
from abm.plans.proposing import PROPOSALS
from abm.plans.qualifying import qualify_accounts_apart
from abm.plans.queries import (
    count_states,
    find_open_review,
    is_stale,
    list_answers,
    read_listing,
    select_qualified,
    select_reviews,
)
from abm.web.terminal import answer
from core.db import reading, transaction
from core.errors import NotFound, Refused

SHOWN = 50
_DAY = click.DateTime(["%Y-%m-%d"])


def _account(session: Session, external_id: str) -> Account:
    found = find_account_by_external_id(session, external_id)
    if found is None:
        raise NotFound(f"There is no account {external_id}")
    return found


@click.group()
def qualification() -> None:
    """Which accounts are key: three gates, four kinds, three questions before the chase."""


@qualification.command("compute")
@click.option("--json", "as_json", is_flag=True)
def compute(as_json: bool) -> None:
    """Compute every account from the data of now; what people answered stands above it."""
    count = qualify_accounts_apart()
    with reading() as session:
        states = count_states(session)
    said = ", ".join(f"{number:,} {state.replace('_', ' ')}" for state, number in states.items())
    answer({"accounts": count, **states}, as_json=as_json, text=f"{count:,} accounts: {said}")


@qualification.command("list")
@click.option("--state", type=click.Choice(["key", "open", "not_key"]))
@click.option("--kind", type=click.Choice([*KINDS, "proposed"]))
@click.option("--chase", type=click.Choice(["go", "ask", "stop"]))
@click.option("--json", "as_json", is_flag=True)
def list_qualified(state: str | None, kind: str | None, chase: str | None, as_json: bool) -> None:
    """The accounts by value, with their gates; all with --json. What is behind the data is computed first."""
    _catch_up()
    wanted = {name: value for name, value in (("state", state), ("kind", kind), ("chase", chase)) if value}
    with reading() as session:
        query = select_qualified(read_listing(wanted)).order_by(
            Qualification.share.is_(None), Qualification.share.desc(), Qualification.account_id)
        rows = [_plain(row, account) for row, account in session.execute(query if as_json else query.limit(SHOWN))]
    lines = [f"{row['account_id']:12} {row['gates_passed']}/3 {row['state']:8} {row['chase']:5} "
             f"{row['kind'] or row['kind_proposed'] or '-':13} {row['name']}" for row in rows]
    answer({"accounts": rows}, as_json=as_json, text="\n".join(lines) or "None: abm qualification compute looks at all")


def _catch_up() -> None:
    with reading() as session:
        is_behind = is_stale(session)
    if is_behind:
        qualify_accounts_apart()


def _plain(row: Qualification, account: Account) -> dict[str, Any]:
    names = ("state", "gates_passed", *QUESTIONS, "chase", "kind", "kind_proposed", "orders", "abc", "share", "people",
             "roles", "deciders", "sites")
    return {"account_id": account.external_id, "name": account.name, **{name: getattr(row, name) for name in names}}


@qualification.command("show")
@click.argument("account_id")
@click.option("--json", "as_json", is_flag=True)
def show(account_id: str, as_json: bool) -> None:
    """One account: each gate and question with what the data and people say."""
    with reading() as session:
        account = _account(session, account_id)
        row = session.get(Qualification, account.id)
        if row is None:
            raise Refused("It is not computed yet: abm qualification compute")
        said = {name: {"answer": one.answer, "evidence": one.evidence, "by": one.answered_by, "at": one.answered_at}
                for name, one in list_answers(session, account.id).items()}
        found = {**_plain(row, account), "said": said}
    lines = [f"{found[name]:4} {words}{_said(said.get(name))}" for name, words in {**GATES, **CHASE}.items()]
    answer(found, as_json=as_json, text="\n".join([f"{found['name']}: {found['state'].replace('_', ' ')}", *lines]))


def _said(one: dict[str, Any] | None) -> str:
    return f"  ({one['by']}: {one['evidence']})" if one else ""


@qualification.command("answer")
@click.argument("account_id")
@click.argument("question", type=click.Choice([*QUESTIONS, "kind"]))
@click.argument("given", metavar="ANSWER")
@click.option("--evidence", default="", help="What it rests on; needed unless the answer is taken back.")
def give_answer(account_id: str, question: str, given: str, evidence: str) -> None:
    """Answer yes or no (a kind for `kind`); `back` takes an answer back."""
    from abm.plans.actions import answer_question

    with transaction() as session:
        account = _account(session, account_id)
        answer_question(session, account_id=account.id, question=question, answer="" if given == "back" else given,
                        evidence=evidence)
    click.echo(f"{account.name}: {question} is {given}")


@click.group()
def reviews() -> None:
    """Key accounts answer regularly: why are you one? Keep, downgrade, or drop."""


@reviews.command("propose")
@click.option("--json", "as_json", is_flag=True)
def propose(as_json: bool) -> None:
    """Open a review, with a proposal from the data, for every key account that is due."""
    from abm.plans.actions import propose_reviews

    with transaction() as session:
        made = [one.proposal for one in propose_reviews(session)]
    counts = {name: made.count(name) for name in PROPOSALS}
    said = ", ".join(f"{number} {name}" for name, number in counts.items())
    answer({"opened": len(made), **counts}, as_json=as_json, text=f"{len(made)} reviews opened: {said}")


@reviews.command("list")
@click.option("--decided", is_flag=True, help="Those that were decided, instead of those that wait.")
@click.option("--json", "as_json", is_flag=True)
def list_(decided: bool, as_json: bool) -> None:
    """Reviews with the proposal and its reasons."""
    with reading() as session:
        query = select_reviews(is_open=not decided).order_by(AccountReview.value_12m.desc(), AccountReview.id)
        rows = [_plain_review(review, account) for review, account in session.execute(query)]
    lines = [f"{row['account_id']:12} {row['decision'] or row['proposal']:10} {row['name']}: "
             f"{'; '.join(row['reasons'])}" for row in rows]
    answer({"reviews": rows}, as_json=as_json, text="\n".join(lines) or "None")


def _plain_review(review: AccountReview, account: Account) -> dict[str, Any]:
    names = ("as_of", "proposal", "value_12m", "decision", "why", "decided_by", "decided_at", "next_review_on")
    return {"account_id": account.external_id, "name": account.name, **{name: getattr(review, name) for name in names},
            "reasons": [reason["text"] for reason in review.reasons]}


@reviews.command("decide")
@click.argument("account_id")
@click.argument("decision", type=click.Choice(list(PROPOSALS)))
@click.option("--why", required=True, help="The reason, kept with the decision.")
@click.option("--next", "next_on", type=_DAY,
              help="When to ask again; left out: in half a year (keep), a year (downgrade).")
@click.option("--keep-tier", is_flag=True, help="Leave the account's tier as it is.")
def decide(account_id: str, decision: str, why: str, next_on: datetime | None, keep_tier: bool) -> None:
    """Decide the open review of an account."""
    from abm.company.queries import company_today
    from abm.plans.actions import decide_review, usual_next_day

    with transaction() as session:
        account = _account(session, account_id)
        review = find_open_review(session, account.id)
        if review is None:
            raise Refused(f"{account.name} has no open review; abm reviews propose opens those that are due")
        day: date | None = next_on.date() if next_on else usual_next_day(decision, company_today(session))
        decide_review(session, review_id=review.id, decision=decision, why=why, next_review_on=day,
                      changes_tier=not keep_tier)
    click.echo(f"{account.name}: {decision}" + (f", to be reviewed on {day}" if day else ""))
