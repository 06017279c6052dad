"""When a message that was not accepted is tried again. Pure: time and chance are arguments."""

from datetime import datetime, timedelta

BACK_OFF_MINUTES = (1, 5, 15, 60, 240)
GIVES_UP_AFTER = timedelta(hours=24)
SPREAD = 0.2


def next_try(*, attempts: int, first_tried_at: datetime, at: datetime, chance: float) -> datetime | None:
    """When to try again after the `attempts`-th try failed at `at`; None when 24 h have passed since the first.

    1, 5, 15, 60 and 240 minutes, then every 4 hours, each ± 20 %: `chance` in [0, 1) says where in that spread.
    """
    minutes = BACK_OFF_MINUTES[min(max(attempts, 1), len(BACK_OFF_MINUTES)) - 1]
    wait = timedelta(minutes=minutes * (1 - SPREAD + 2 * SPREAD * chance))
    if at + wait - first_tried_at > GIVES_UP_AFTER:
        return None
    return at + wait
