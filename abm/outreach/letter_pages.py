"""The print queue in the browser: what waits, print it as one file, say that it was posted."""

from flask import Response as FlaskResponse
from flask import flash, g, redirect, render_template, url_for
from sqlalchemy import select

from abm.accounts.models import Account
from abm.audit.actions import record
from abm.outreach.blueprint import Answer, pages
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.permissions import Permission
from campaigns import letters
from campaigns.letter_pages import find_unprintable
from core.errors import Refused
from core.id_lists import is_among

SHOWN = 100


@pages.get("/letters")
@requires(Permission.SEE)
def letter_queue() -> Answer:
    waiting = g.session.scalars(letters.select_waiting().limit(SHOWN)).all()
    names = dict(g.session.execute(select(Account.id, Account.name).where(
        is_among(Account.id, {one.account_id for one in waiting}))).all())
    return render_template("outreach/letters.html", waiting=waiting, total=letters.count_waiting(g.session),
                           batches=letters.list_batches(g.session), names=names, find_unprintable=find_unprintable)


@exports(pages, "/letters/export")
def export_letters() -> Table:
    return Table("letters", rows=letters.iterate_letters(g.session), columns=(
        "letter", "campaign", "step", "account", "to", "subject", "made_at", "batch", "posted_at", "taken_back_at"))


@pages.post("/letters/print")
@requires(Permission.WORK)
def print_letters() -> Answer:
    try:
        batch = letters.make_batch(g.session, made_by=g.user.name)
    except Refused as error:
        flash(str(error), "error")
        return redirect(url_for("outreach.letter_queue"))
    count = letters.count_letters(g.session, batch.id)
    record(g.session, action="letters.print", subject="letter_batch", subject_id=batch.id, after={"letters": count})
    flash(f"{count:,} letters are ready as one file: print it, then say that it is posted.", "success")
    return redirect(url_for("outreach.letter_queue"))


@pages.get("/letters/batches/<int:batch_id>.pdf")
@requires(Permission.SEE)
def letter_file(batch_id: int) -> Answer:
    batch = letters.get_batch(g.session, batch_id)
    content = letters.print_batch(g.session, batch)
    response = FlaskResponse(content, content_type="application/pdf")
    response.headers["Content-Disposition"] = f"inline; filename=letters-{batch.id}.pdf"
    return response


@pages.post("/letters/batches/<int:batch_id>/posted")
@requires(Permission.WORK)
def letters_posted(batch_id: int) -> Answer:
    count = letters.mark_posted(g.session, batch_id=batch_id, by=g.user.name)
    record(g.session, action="letters.posted", subject="letter_batch", subject_id=batch_id, after={"letters": count})
    flash(f"{count:,} letters are posted; their people go on to the next step.", "success")
    return redirect(url_for("outreach.letter_queue"))


@pages.post("/letters/<int:letter_id>/take-back")
@requires(Permission.WORK)
def take_letter_back(letter_id: int) -> Answer:
    letter = letters.take_back(g.session, letter_id=letter_id)
    record(g.session, action="letters.take-back", subject="letter", subject_id=letter.id)
    flash("The letter is not printed.", "success")
    return redirect(url_for("outreach.letter_queue"))
