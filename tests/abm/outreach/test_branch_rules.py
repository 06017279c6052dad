"""Branches that ask for a score: by the name of a scorecard, refused with the nearest name."""

from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from abm.outreach.branch_rules import find_fitting, find_rule_complaints
from abm.scorecards.models import AccountScore, ScorecardVersion
from tests.abm.scorecards.companies import make_buyers, make_scorecard
from tests.factories import make_contact


def test_a_score_is_asked_by_the_scorecards_name(session: Session, database: Path) -> None:
    card = make_scorecard(session)
    people = [make_contact(session, account) for account in make_buyers(session, 100, 900)]
    version = session.scalars(select(ScorecardVersion)).one()
    session.execute(delete(AccountScore))
    session.add_all(AccountScore(version_id=version.id, account_id=person.account_id, score=score, coverage=1.0)
                    for person, score in zip(people, (40.0, 80.0), strict=True))
    session.flush()
    fits = find_fitting(session, {"score": card.name, "at_least": 60}, [one.id for one in people])
    assert fits == {people[1].id}
    assert find_rule_complaints(session, {"score": card.name, "at_least": 60}, "if") == {}
    assert card.name in find_rule_complaints(session, {"score": card.name + "x", "at_least": 60}, "if")["if.score"]
