"""`abm letters …`: the print queue from the command line."""

from pathlib import Path

import click

from abm.web.terminal import answer
from core import db
from core.errors import Refused

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.group()
def letters() -> None:
    """Letters of campaigns that wait to be printed and posted."""


@letters.command(name="list")
@JSON
def list_(as_json: bool) -> None:
    """How many letters wait, and the latest batches."""
    from campaigns import letters as queue

    with db.reading() as session:
        batches = [{"batch": batch.id, "letters": count, "made_at": batch.made_at.isoformat(),
                    "posted_at": batch.posted_at.isoformat() if batch.posted_at else None}
                   for batch, count in queue.list_batches(session)]
        waiting = queue.count_waiting(session)
    lines = [f"batch {row['batch']}\t{row['letters']} letters\t{'posted' if row['posted_at'] else 'not posted'}"
             for row in batches]
    answer({"waiting": waiting, "batches": batches}, as_json=as_json, text="\n".join([f"{waiting} wait", *lines]))


@letters.command(name="print")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@JSON
def print_(file: Path, as_json: bool) -> None:
    """Write every letter that waits into one PDF, as a batch."""
    from abm.audit.actions import record
    from campaigns import letters as queue

    with db.transaction() as session:
        batch = queue.make_batch(session, made_by="command line")
        count = queue.count_letters(session, batch.id)
        try:
            file.write_bytes(queue.print_batch(session, batch))
        except OSError as error:
            raise Refused(f"{file} cannot be written: {error.strerror}; name a file in a folder that exists") from error
        record(session, action="letters.print", subject="letter_batch", subject_id=batch.id,
               after={"letters": count})
        result = {"batch": batch.id, "letters": count, "file": str(file)}
    answer(result, as_json=as_json, text=f"batch {result['batch']}: {result['letters']} letters in {file}; when they "
                                         f"are posted, say abm letters posted {result['batch']}")


@letters.command()
@click.argument("batch", type=int)
@JSON
def posted(batch: int, as_json: bool) -> None:
    """The letters of BATCH have gone to the post; their people go on to the next step."""
    from abm.audit.actions import record
    from campaigns import letters as queue

    with db.transaction() as session:
        count = queue.mark_posted(session, batch_id=batch, by="command line")
        record(session, action="letters.posted", subject="letter_batch", subject_id=batch, after={"letters": count})
    answer({"batch": batch, "letters": count}, as_json=as_json, text=f"batch {batch}: {count} letters posted")
