"""`abm campaigns release`: what was restored from a backup may send."""

import sys
from typing import TYPE_CHECKING

import click
from sqlalchemy.orm import Session

from abm.web.terminal import answer
from core import db

if TYPE_CHECKING:
    from abm.outreach.releasing import Due


@click.command()
@click.option("--hold-due", is_flag=True, help="All that was due before the restore counts as in doubt: not sent.")
@click.option("--send-due", is_flag=True, help="The original stood still since the backup: send what was due.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def release(hold_due: bool, send_due: bool, as_json: bool) -> None:
    """Let an installation that was restored from a backup send.

    What the original may have sent since the backup is held and counts as in doubt: all that was due by the restore,
    or, when the backup was not an hour old by then, what had been due for more than an hour.
    """
    from abm.outreach.releasing import Due
    from abm.outreach.releasing import release as release_copy

    if hold_due and send_due:
        raise click.UsageError("--hold-due and --send-due exclude each other")
    with db.transaction() as session:
        due = Due.HOLD if hold_due else Due.SEND if send_due else _ask(session)
        held = release_copy(session, due=due)
    if held is None:
        answer({"released": False}, as_json=as_json, text="This installation is not held back; nothing changed")
        return
    words = ["Sending goes on"]
    if held.messages:
        words.append(f"{held.messages:,} messages are in doubt and not sent (see `abm campaigns doubt NAME`)")
    if held.paused:
        words.append(f"paused until somebody resumes them: {', '.join(held.paused)}")
    answer({"released": True, "held": held.messages, "paused": list(held.paused)}, as_json=as_json,
           text="; ".join(words))


def _ask(session: Session) -> "Due":
    from abm.outreach.releasing import Due, count_doubtful

    doubtful = count_doubtful(session)
    if not doubtful or not sys.stdin.isatty():
        return Due.BY_AGE
    click.echo(f"{doubtful:,} messages were due before the restore, and the original may have sent them since the "
               "backup.", err=True)
    return Due.BY_AGE if click.confirm("Hold them as in doubt?", default=True, err=True) else Due.SEND
