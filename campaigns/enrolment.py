"""Who takes part in a run and how far they are: what the rest of the product may call.

Enrolling is in `planning`, `newcomers` and `successors`, moving on in `progress`, taking out in `stopping`.
"""

from campaigns.finishing import finish_runs
from campaigns.looks import pause_looking
from campaigns.newcomers import enrol_newcomers, look_for_newcomers
from campaigns.planning import plan_chunk
from campaigns.progress import (
    advance,
    end_step,
    has_progress_due,
    plan_due_steps,
)
from campaigns.reentry import start_reentry_waves
from campaigns.stopping import note_meeting, stop_people, stop_people_who_ordered
from campaigns.successors import look_for_successors, replace_leavers

__all__ = [
    "advance", "end_step", "enrol_newcomers", "finish_runs", "has_progress_due", "look_for_newcomers",
    "look_for_successors", "note_meeting", "pause_looking", "plan_chunk", "plan_due_steps", "replace_leavers",
    "start_reentry_waves", "stop_people", "stop_people_who_ordered",
]
