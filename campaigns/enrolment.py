"""Who takes part in a run and how far they are: what the rest of the product may call.

Enrolling is in `planning` and `newcomers`, moving on in `progress`, taking out in `stopping`.
"""

from campaigns.finishing import finish_runs
from campaigns.newcomers import enrol_newcomers, look_for_newcomers, pause_looking, replace_leavers
from campaigns.planning import plan_chunk
from campaigns.progress import (
    advance,
    end_step,
    has_progress_due,
    plan_due_steps,
)
from campaigns.reentry import start_reentry_waves
from campaigns.stopping import note_meeting, stop_people, stop_people_who_ordered

__all__ = [
    "advance", "end_step", "enrol_newcomers", "finish_runs", "has_progress_due", "look_for_newcomers", "note_meeting",
    "pause_looking", "plan_chunk", "plan_due_steps", "replace_leavers", "start_reentry_waves", "stop_people",
    "stop_people_who_ordered",
]
