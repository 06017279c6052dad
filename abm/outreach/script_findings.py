"""What is wrong with the scripts of calls before anybody reads them out."""

from collections.abc import Iterator

from abm.work.scripts import parse_script
from campaigns.definition import CallStep, Step
from campaigns.step_texts import texts_of


def find_script_faults(step: Step) -> Iterator[tuple[str, str]]:
    """(place in the step, sentence) of each fault in the branches of a call's script, in every language."""
    if isinstance(step, CallStep):
        for place, source in texts_of(step):
            for fault in parse_script(source).faults:
                yield place, fault
