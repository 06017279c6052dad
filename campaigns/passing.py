"""Steps that touch nobody: a wait is over, a branch is decided, a step meant for other roles is passed by.

Who passes is noted with the way taken and why, so that a person's path can be read afterwards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from campaigns.conditions import Since, find_fulfilled
from campaigns.definition_values import END, BranchStep, Test
from campaigns.facts import RunFacts
from campaigns.inserting import insert_ignoring
from campaigns.models import StepPassage
from campaigns.moving import Ended, make_next_due
from campaigns.outside import outside


@dataclass(frozen=True, slots=True)
class DuePerson:
    """An enrolment whose step has come due."""

    enrolment_id: int
    account_id: int
    contact_id: int
    due_at: datetime
    enrolled_at: datetime
    is_held_out: bool
    wave: int


def pass_silent_step(session: Session, run: RunFacts, people: Sequence[DuePerson], position: int, *,
                     at: datetime) -> None:
    """A wait or branch that has come due: everybody goes on from the moment it was due."""
    step = run.definition.steps[position]
    if not isinstance(step, BranchStep):
        pass_by(session, run, people, position, because="waited", at=at)
        return
    fits = _find_fitting(session, step.test, people)
    for is_true, target in ((True, step.then), (False, step.otherwise)):
        group = [person for person in people if (person.enrolment_id in fits) is is_true]
        to = run.definition.position_of_choice(position, target)
        because = say_test(step.test) if is_true else f"not: {say_test(step.test)}"
        _go_on(session, run, group, (position, to), because=because, at=at)


def pass_by(session: Session, run: RunFacts, people: Sequence[DuePerson], position: int, *, because: str,
            at: datetime) -> None:
    """These people leave out the step at `position` and go on to the one after it."""
    _go_on(session, run, people, (position, run.definition.position_after(position)), because=because, at=at)


def _go_on(session: Session, run: RunFacts, people: Sequence[DuePerson], way: tuple[int, int | None], *, because: str,
           at: datetime) -> None:
    position, to = way
    steps = run.definition.steps
    went_to = steps[to].id if to is not None else END
    insert_ignoring(session, StepPassage, [
        {"enrolment_id": person.enrolment_id, "position": position, "step": steps[position].id, "went_to": went_to,
         "because": because[:200], "at": at} for person in people])
    make_next_due(session, run, to, [Ended(one.enrolment_id, one.contact_id, one.due_at) for one in people], at=at)


def _find_fitting(session: Session, test: Test, people: Sequence[DuePerson]) -> set[int]:
    """The enrolments for which the branch's question is true now."""
    if test.event:
        since = {one.enrolment_id: Since(one.contact_id, one.account_id, one.enrolled_at) for one in people}
        return set(find_fulfilled(session, since, (test.event,)))
    fitting = outside().people.fitting(session, test.rule, sorted({one.contact_id for one in people}))
    return {one.enrolment_id for one in people if one.contact_id in fitting}


def say_test(test: Test) -> str:
    """The question in words: `clicked`, `account.tier is A`."""
    return test.event or _say_rule(test.rule)


def _say_rule(rule: Mapping[str, Any]) -> str:
    if "field" in rule or "score" in rule:
        name = rule.get("field") or f"score {rule['score']}"
        return " ".join([str(name), *(f"{operator.replace('_', ' ')} {_say_value(value)}"
                                      for operator, value in rule.items() if operator not in ("field", "score"))])
    parts = []
    for word, inner in rule.items():
        listed = inner if isinstance(inner, list) else [inner]
        said = [_say_rule(one) if isinstance(one, Mapping) else str(one) for one in listed]
        parts.append(f"{word.replace('_', ' ')} ({', '.join(said)})")
    return " ".join(parts)


def _say_value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
