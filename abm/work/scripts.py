"""A call's script as steps. Pure.

A script is plain text, unless it asks questions with answers:

    # Opening                       a section; its name can be gone to
    Thank them for the last order.
    ? Did it come in time?          a question
    - yes -> #reorder               an answer, and the section it leads to
    - no                            an answer without aim goes on with what follows
    # Reorder
    ...
    -> end                        on a line of its own: where a step without a question goes on

Names are compared without case; spaces and hyphens are the same. `-> end` leads to the end. What says nothing goes on
with the next step, also into the next section. Text without a question and its answers stays as it is, whatever its
lines begin with.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

END = -1
_SECTION = re.compile(r"#{1,6}\s*(\S.*?)\s*")
_QUESTION = re.compile(r"\?\s+(\S.*?)\s*")
_AIM = re.compile(r"->\s*(#?\s*\S.*?)\s*")
_ANSWER = re.compile(r"[-*]\s+(\S.*?)(?:\s*->\s*(#?\s*\S.*?))?\s*")
LONGEST_WAY = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer. `leads_to`: the number of a step, END, or None where the script names a section it does not have."""

    text: str
    leads_to: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """What is said, then what is asked. Without choices the caller goes on to `leads_to` (END: is through; None: the
    script names a section it does not have)."""

    section: str
    text: str
    question: str = ""
    choices: tuple[Choice, ...] = ()
    leads_to: int | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """`steps` is empty for plain text; `faults` are sentences for whoever wrote it."""

    steps: tuple[Step, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class _Draft:
    section: str
    names: list[str]
    lines: list[str]
    question: str
    answers: list[tuple[str, str]]
    aim: str = ""

    def is_empty(self) -> bool:
        return not (self.question or self.aim or any(line.strip() for line in self.lines))


def parse_script(text: str) -> Script:
    """The steps of a script with branches; no steps for plain text."""
    drafts = _draft(text)
    if not any(draft.question and draft.answers for draft in drafts):
        return Script()
    kept = [draft for draft in drafts if draft.names or not draft.is_empty()]
    places: dict[str, int] = {}
    faults = []
    for number, draft in enumerate(kept):
        for name in draft.names:
            if _key(name) in places:
                faults.append(f"There are two sections called {name}: the first one counts.")
            places.setdefault(_key(name), number)
    steps = []
    for number, draft in enumerate(kept):
        choices = tuple(Choice(word, _aim(aim, places, number, len(kept))) for word, aim in draft.answers)
        step = Step(draft.section, "\n".join(draft.lines).strip(), draft.question, choices,
                    _aim(draft.aim, places, number, len(kept)))
        faults += [f"The answer “{word}” leads to {aim}, which is no section."
                   for (word, aim), choice in zip(draft.answers, choices, strict=True) if choice.leads_to is None]
        if step.leads_to is None:
            faults.append(f"The section {draft.section} goes on to {draft.aim}, which is no section.")
        steps.append(step)
    return Script(tuple(steps), (*faults, *_run_ons(kept, places)))


def _run_ons(drafts: Sequence[_Draft], places: Mapping[str, int]) -> Iterator[str]:
    """Sections that an answer leads to and that go on, unsaid, into another section that an answer leads to: hardly
    ever meant, since the caller then reads out what belongs to another answer."""
    said = {places.get(_key(aim)) for draft in drafts for _word, aim in draft.answers if aim}
    aims = {number for number, draft in enumerate(drafts) if draft.names and number in said}
    heads = [number for number, draft in enumerate(drafts) if draft.names]
    for head, following in pairwise(heads):
        last = drafts[following - 1]
        is_open = any(not aim for _word, aim in last.answers) if last.question and last.answers else not last.aim
        if is_open and {head, following} <= aims:
            yield (f"The section {drafts[head].section} runs on into {drafts[following].section}, which belongs to "
                   "another answer: write “-> end”, or where it goes on, in a line of its own under it.")


def _draft(text: str) -> list[_Draft]:
    """A step ends with its question's last answer, or where a section begins."""
    drafts = [_Draft("", [], [], "", [])]
    for line in text.splitlines():
        now = drafts[-1]
        if found := _SECTION.fullmatch(line):
            drafts.append(_Draft(found[1], [found[1]], [], "", []))
        elif found := _QUESTION.fullmatch(line):
            if now.question:
                drafts.append(now := _Draft(now.section, [], [], "", []))
            now.question = found[1]
        elif now.question and (found := _ANSWER.fullmatch(line)):
            now.answers.append((found[1], (found[2] or "").strip()))
        elif found := _AIM.fullmatch(line):
            _go_on_to(now, found[1].strip())
        elif now.question and line.strip():
            drafts.append(_Draft(now.section, [], [line], "", []))
        else:
            now.lines.append(line)
    return drafts


def _go_on_to(draft: _Draft, aim: str) -> None:
    """Where the step goes on; behind the answers of a question it is the aim of those that have none."""
    draft.answers = [(word, own or aim) for word, own in draft.answers]
    draft.aim = draft.aim or aim


def _aim(aim: str, places: dict[str, int], number: int, count: int) -> int | None:
    if not aim:
        return _following(number, count)
    return places.get(_key(aim), END if _key(aim) == "end" else None)


def _following(number: int, count: int) -> int:
    return number + 1 if number + 1 < count else END


def _key(name: str) -> str:
    return re.sub(r"[\s\-_]+", " ", name.lstrip("#")).strip().casefold()


@dataclass(frozen=True, slots=True)
class Passed:
    """A step that was gone through, with the answer given (empty where nothing was asked)."""

    step: Step
    answer: str


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a caller stands in a script: what was passed, and the step before them (None: through)."""

    passed: tuple[Passed, ...]
    now: Step | None


def walk(script: Script, answers: Sequence[int]) -> Walk:
    """Go through the script by the numbers of the answers chosen (0 goes on where nothing is asked). The walk stands
    still at an answer that does not exist; one whose section is missing goes on with what follows."""
    place = 0
    passed: list[Passed] = []
    for number in answers[:LONGEST_WAY]:
        if place == END or not script.steps:
            break
        step = script.steps[place]
        choices = step.choices or (Choice("", step.leads_to),)
        if not 0 <= number < len(choices):
            break
        aim = choices[number].leads_to
        passed.append(Passed(step, choices[number].text))
        place = _following(place, len(script.steps)) if aim is None else aim
    return Walk(tuple(passed), script.steps[place] if script.steps and place != END else None)
