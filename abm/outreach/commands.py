"""`abm campaigns …`"""

from pathlib import Path

import click

from abm.outreach import (
    books_commands,
    doubt_commands,
    effect_commands,
    forecast_commands,
    play_commands,
    reclassify_commands,
    release_commands,
    replay_commands,
    snippet_commands,
    version_commands,
    webhook_commands,
)
from abm.outreach.command_words import status_words
from abm.web.terminal import answer
from core import db

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.group()
def campaigns() -> None:
    """Outreach campaigns: from a file to sent, with every message accounted for."""


for command in (forecast_commands.check, forecast_commands.dry_run, release_commands.release, books_commands.books,
                doubt_commands.doubt, doubt_commands.resend, doubt_commands.confirm, version_commands.changes,
                version_commands.move, play_commands.plays, play_commands.use, replay_commands.replay,
                effect_commands.effect, reclassify_commands.reclassify, reclassify_commands.programs,
                snippet_commands.snippet, snippet_commands.snippets,
                webhook_commands.webhook_secret):
    campaigns.add_command(command)


@campaigns.command()
@click.argument("file", type=click.Path(path_type=Path))
@JSON
def apply(file: Path, as_json: bool) -> None:
    """Make or change the campaign in FILE (YAML); a change voids its approval."""
    from abm.outreach.actions import apply_campaign
    from abm.outreach.campaign_files import read_campaign_file

    raw = read_campaign_file(file)
    with db.transaction() as session:
        campaign, change = apply_campaign(session, raw=raw)
        result = {"campaign": campaign.name, "change": change, "state": campaign.state,
                  "steps": len(campaign.definition["steps"])}
    answer(result, as_json=as_json, text=f"{result['campaign']}: {change}, {result['steps']} steps, {result['state']}")


@campaigns.command(name="list")
@JSON
def list_(as_json: bool) -> None:
    """All campaigns with their state and counts."""
    from abm.outreach.queries import list_campaigns

    with db.reading() as session:
        rows = [{"campaign": row.campaign.name, "title": row.campaign.title, "state": row.campaign.state,
                 "planned": row.planned, "by_state": row.books} for row in list_campaigns(session)]
    lines = [f"{row['campaign']}\t{row['state']}\t{row['planned']} planned\t{row['title']}" for row in rows]
    answer({"campaigns": rows}, as_json=as_json, text="\n".join(lines) or "There are no campaigns yet")


@campaigns.command()
@click.argument("name")
@click.option("--by", "email", required=True, help="Address of an active marketer or administrator.")
@JSON
def approve(name: str, email: str, as_json: bool) -> None:
    """Approve the campaign in the name of a user who did not edit it last; freezes content and people."""
    from abm.outreach.launching import approve_campaign, get_approver
    from abm.outreach.queries import get_campaign_by_name

    with db.transaction() as session:
        campaign = get_campaign_by_name(session, name)
        approval = approve_campaign(session, campaign=campaign, by=get_approver(session, email))
        result = {"campaign": campaign.name, "state": campaign.state, "approved_by": approval.approved_by,
                  "members": approval.members, "accounts": approval.accounts, "second_by": approval.second_by or None,
                  "waits_for_second": approval.waits_for_second, "audience_hash": approval.audience_hash}
    words = (f"{name}: approved by {approval.agreed_by} for {approval.whom}"
             + ("; a second person has to approve it" * approval.waits_for_second))
    answer(result, as_json=as_json, text=words)


@campaigns.command()
@click.argument("name")
@JSON
def launch(name: str, as_json: bool) -> None:
    """Begin to carry out an approved campaign; `abm work` does the rest."""
    from abm.outreach.launching import launch_campaign
    from abm.outreach.queries import get_campaign_by_name

    with db.transaction() as session:
        campaign = get_campaign_by_name(session, name)
        run = launch_campaign(session, campaign=campaign)
        result = {"campaign": campaign.name, "state": campaign.state, "run": run.number}
    answer(result, as_json=as_json, text=f"{name}: launched (run {result['run']}); `abm work` carries it out")


def _change(name: str, verb: str, as_json: bool) -> None:
    from abm.outreach import launching
    from abm.outreach.queries import get_campaign_by_name

    act = {"pause": launching.pause_campaign, "resume": launching.resume_campaign, "cancel": launching.cancel_campaign}
    with db.transaction() as session:
        campaign = act[verb](session, campaign=get_campaign_by_name(session, name))
        result = {"campaign": campaign.name, "state": campaign.state}
    answer(result, as_json=as_json, text=f"{name}: {result['state']}")


@campaigns.command()
@click.argument("name")
@JSON
def pause(name: str, as_json: bool) -> None:
    """Hold everything that has not been handed over; nothing is lost."""
    _change(name, "pause", as_json)


@campaigns.command()
@click.argument("name")
@JSON
def resume(name: str, as_json: bool) -> None:
    """Go on exactly where a pause held it."""
    _change(name, "resume", as_json)


@campaigns.command()
@click.argument("name")
@JSON
def cancel(name: str, as_json: bool) -> None:
    """End the campaign for good; what has not been sent is never sent."""
    _change(name, "cancel", as_json)


@campaigns.command()
@click.argument("name")
@JSON
def status(name: str, as_json: bool) -> None:
    """The books: planned = queued + sent + suppressed + failed + unknown."""
    from abm.outreach.launching import get_status
    from abm.outreach.queries import get_campaign_by_name

    with db.reading() as session:
        found = get_status(session, campaign=get_campaign_by_name(session, name))
    answer(found, as_json=as_json, text=status_words(found))


@campaigns.command()
@click.argument("name")
@click.option("--csv", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
@JSON
def export(name: str, file: Path, as_json: bool) -> None:
    """One row per intended message, as CSV."""
    from abm.outreach.launching import EXPORT_COLUMNS, stream_export_rows
    from abm.outreach.queries import get_campaign_by_name
    from abm.outreach.table_files import write_table

    with db.reading() as session:
        campaign = get_campaign_by_name(session, name)
        count = write_table(file, EXPORT_COLUMNS, stream_export_rows(session, campaign=campaign))
    answer({"campaign": name, "rows": count, "file": str(file)}, as_json=as_json, text=f"{count:,} rows in {file}")
