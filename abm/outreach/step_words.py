"""Steps, jumps and waves in words, for the page of a campaign."""

from campaigns.definition import (
    ACCOUNT_OWNER,
    ACCOUNT_PARTNER,
    BranchStep,
    CallStep,
    Definition,
    EmailStep,
    LetterStep,
    Step,
    VisitStep,
    WebhookStep,
)
from campaigns.passing import say_test

KIND_WORDS = {"email": "E-mail", "call": "Call", "letter": "Letter", "visit": "Visit",
              "webhook": "Message to a program", "wait": "Wait", "branch": "Branch"}
KIND_ICONS = {"email": "mail", "call": "phone", "letter": "file-text", "visit": "building", "webhook": "bolt",
              "wait": "clock", "branch": "filter"}


_ASSIGNED = {ACCOUNT_OWNER: "the account's owner", ACCOUNT_PARTNER: "the account's partner"}


def say_step(step: Step) -> str:
    """What the step is, in one line."""
    match step:
        case EmailStep():
            return step.subject
        case CallStep() | VisitStep():
            who = _ASSIGNED.get(step.assign_to, step.assign_to)
            return f"{'Call' if isinstance(step, CallStep) else 'Visit'} by {who}"
        case LetterStep():
            return f"Letter: {step.subject}" if step.subject else "Letter"
        case WebhookStep():
            return f"Message to {step.url}"
        case BranchStep():
            return f"Branch: {say_test(step.test)}?"
    return f"Wait {step.after}"


def say_target(definition: Definition, index: int, target: str | None) -> str:
    """The step a jump leads to."""
    position = definition.position_of_choice(index, target)
    return "end" if position is None else definition.steps[position].id


def say_waves(definition: Definition) -> str:
    """`champion, then decision maker after 5 working days unless replied`; empty without waves."""
    said = []
    for index, wave in enumerate(definition.people.waves):
        words = ", ".join(wave.roles).replace("_", " ")
        if index:
            words += f" after {wave.after}" + (f" unless {' or '.join(wave.unless)}" if wave.unless else "")
        said.append(words)
    return ", then ".join(said)
