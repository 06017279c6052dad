"""Mailing minutes in the background."""

from abm.meetings.actions import MAIL_MINUTES
from abm.meetings.mailing import claim_next, take_back
from campaigns.channels.alone import hand_over_alone, is_accepted
from core.db import transaction
from core.jobs import every, job
from core.logs import logger

_SECONDS_BETWEEN = 300
_log = logger(__name__)


@job(MAIL_MINUTES)
def mail_minutes() -> None:
    """Send what waits. Somebody is noted before their mail leaves, so that two jobs never send it twice."""
    while True:
        with transaction() as session:
            mailing = claim_next(session)
        if mailing is None:
            return
        if is_accepted(hand_over_alone(mailing.message, mailing.route)):
            continue
        _log.warning("minutes could not be mailed", meeting=mailing.meeting_id)
        with transaction() as session:
            take_back(session, mailing)
        return


every(_SECONDS_BETWEEN, MAIL_MINUTES)
