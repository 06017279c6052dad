"""What was answered on the way through a call's script: kept with the call while it is open, then with its try."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from abm.work.claims import claim_call
from abm.work.models import Task
from abm.work.scripts import Walk, parse_script, walk
from core.errors import Refused

BACK = -1


def chosen_answers(task: Task) -> Sequence[int]:
    return tuple((task.extra or {}).get("answers", ()))


def walk_of(task: Task) -> Walk:
    """Where the caller stands in the call's script."""
    return walk(parse_script(task.script), chosen_answers(task))


def answer_script(session: Session, *, task: Task, passed: int, choice: int, user_id: int) -> Walk:
    """Keep an answer (or BACK to take the last one back) given when `passed` steps were behind the caller; the same
    click again changes nothing. Raises Refused when the call is closed or somebody else has it open."""
    if not claim_call(session, task_id=task.id, user_id=user_id):
        raise Refused("Somebody else has this call open, or it is over")
    answers = list(chosen_answers(task))
    if passed == len(answers):
        answers = answers[:-1] if choice == BACK else [*answers, choice]
        answers = answers[:len(walk(parse_script(task.script), answers).passed)]
        task.extra = {**(task.extra or {}), "answers": answers}
        session.flush()
    return walk_of(task)


def say_answers(task: Task) -> list[list[str]]:
    """Pairs of question and answer, as they were asked."""
    return [[one.step.question, one.answer] for one in walk_of(task).passed if one.step.question]
