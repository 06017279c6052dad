"""Commands that look after the installation: db, start, stop, work, schedule, sample, doctor."""

import signal
import sys
import time

import click

from abm.web.terminal import DONE, PARTLY, answer
from core.jobs import request_stop
from core.settings import settings


def _say(sentence: str) -> None:
    click.echo(sentence)
    sys.stdout.flush()


@click.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Bring the database to this version's tables."""
    from abm.installation import schema

    schema.upgrade()
    click.echo("The database is up to date")


@click.command()
@click.option("--empty", is_flag=True, help="Without the sample company.")
def start(empty: bool) -> None:
    """Run the whole product on this machine."""
    from abm.installation.supervisor import run_product

    run_product(say=_say, with_sample=not empty)


@click.command()
def stop() -> None:
    """End everything that runs for this data folder."""
    from abm.installation.supervisor import stop_product

    ended = stop_product(settings().data_dir)
    click.echo("Stopped" if ended else "Nothing was running")


@click.command()
@click.option(
    "--processes", default=1, show_default=True, type=click.IntRange(1, 64), help="Outreach worker processes."
)
@click.option("--burst", is_flag=True, help="End when nothing is due.")
def work(processes: int, burst: bool) -> None:
    """Do everything that is due: plan, send, sweep."""
    from abm.installation.working import run_workers

    started = time.monotonic()
    run_workers(processes=processes, burst=burst, say=lambda sentence: click.echo(sentence, err=True))
    if burst:
        click.echo(f"Nothing more is due ({time.monotonic() - started:.1f} s)", err=True)


@click.command()
def schedule() -> None:
    """Ring the periodic jobs (bin/start and `abm work` run this)."""
    from abm.installation.scheduler import run_scheduler
    from abm.wiring import load_jobs
    from core.logs import set_up_logs

    set_up_logs()
    load_jobs()
    signal.signal(signal.SIGTERM, lambda _number, _frame: request_stop())
    signal.signal(signal.SIGINT, lambda _number, _frame: request_stop())
    run_scheduler()


@click.group()
def sample() -> None:
    """The sample company."""


@sample.command()
def load() -> None:
    """Load the sample company into an empty installation."""
    from abm.installation.sample import load_sample_company
    from abm.installation.sample_sign_in import sample_sign_in

    was_loaded = load_sample_company()
    click.echo(sample_sign_in() if was_loaded else "There is data already; the sample company was not loaded")


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Say what is wrong with this installation, and what to do."""
    from abm.installation.doctor import as_answer, as_text, examine

    result = as_answer(examine())
    answer(result, as_json=as_json, text=as_text(result["checks"]))
    ctx.exit(DONE if result["ok"] else PARTLY)
