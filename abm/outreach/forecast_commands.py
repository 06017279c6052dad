"""`abm campaigns check` and `dry-run`: at once with a bar, or left to a worker and found again."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from abm.outreach.command_words import check_words, dry_run_words
from abm.web.terminal import DONE, REFUSED, answer, progress_bar
from core import db
from core.errors import Refused

_OPTIONS = (
    click.argument("name"),
    click.option("--background", is_flag=True, help="Leave it to `abm work`; --last shows it."),
    click.option("--last", "is_last", is_flag=True, help="The one made last in the background, or how far it is."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output."),
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_options
def check(name: str, background: bool, is_last: bool, as_json: bool) -> int:
    """What a launch would do now, and what speaks against it. Exit code 2 when it would be refused."""
    from abm.outreach import forecasts
    from abm.outreach.launching import check_launch
    from abm.outreach.queries import get_campaign_by_name

    if background:
        return _ask(name, forecasts.CHECK, "", as_json)
    with db.reading() as session:
        campaign = get_campaign_by_name(session, name)
        if is_last:
            forecast, made = _find_last(session, name, forecasts.CHECK)
            found = forecasts.read_check(forecast)
        else:
            found, made = check_launch(session, campaign=campaign, told=progress_bar("Judged")), {}
    if found is None:
        return _show_progress(made, as_json)
    answer({**found.as_json(), **made}, as_json=as_json, text=_age(made) + check_words(found))
    return REFUSED if found.is_blocked else DONE


@click.command(name="dry-run")
@click.option("--from", "from_on", type=click.DateTime(["%Y-%m-%d"]), help="First day; today when left out.")
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True)
@click.option("--accounts", "by_account", is_flag=True, help="Account by account as well, under `accounts`.")
@_options
def dry_run(name: str, from_on: datetime | None, days: int, by_account: bool, background: bool, is_last: bool,
            as_json: bool) -> int:
    """What would go out on which day, and what would not, with the reasons. Nothing is changed."""
    from abm.outreach import forecasts
    from abm.outreach.forecast_jobs import stream_kept_lines
    from abm.outreach.launching import name_lines, run_dry
    from abm.outreach.queries import get_campaign_by_name
    from campaigns.dry_days import Lines

    start = from_on.date() if from_on else None
    if background:
        return _ask(name, forecasts.DRY_RUN, forecasts.words_of(start, days), as_json)
    with db.reading() as session:
        campaign, lines = get_campaign_by_name(session, name), Lines()
        if is_last:
            forecast, made = _find_last(session, name, forecasts.DRY_RUN)
            if forecast.result is None:
                return _show_progress(made, as_json)
            found, rows = {**forecast.result, **made}, stream_kept_lines(session, forecast)
        else:
            found, made = run_dry(session, campaign=campaign, start=start, days=days, told=progress_bar("Played"),
                                  keep=lines.update if by_account else lambda _lines: None), {}
            rows = iter(name_lines(session, list(lines.items())))
        if by_account:
            found["accounts"] = list(rows)
    answer(found, as_json=as_json, text=_age(made) + dry_run_words(found))
    return DONE


def _ask(name: str, kind: str, asked: str, as_json: bool) -> int:
    from abm.outreach.forecasts import ask_forecast
    from abm.outreach.queries import get_campaign_by_name

    with db.transaction() as session:
        forecast = ask_forecast(session, campaign=get_campaign_by_name(session, name), kind=kind, asked=asked)
        state = forecast.state
    answer({"campaign": name, "state": state}, as_json=as_json,
           text=f"{name}: {state}; `abm work` makes it, and the same command with --last shows it")
    return DONE


def _find_last(session: Session, name: str, kind: str) -> tuple[Any, dict[str, Any]]:
    from abm.outreach.forecasts import find_latest, is_current
    from abm.outreach.queries import get_campaign_by_name

    campaign = get_campaign_by_name(session, name)
    forecast = find_latest(session, campaign=campaign, kind=kind)
    if forecast is None:
        raise Refused(f"Nothing has been worked out for {name} in the background; ask for it with --background")
    return forecast, {"campaign": name, "state": forecast.state, "people_done": forecast.people_done,
                      "people_in_all": forecast.people, "made_at": forecast.made_at, "error": forecast.error,
                      "is_current": is_current(session, campaign, forecast)}


def _show_progress(made: dict[str, Any], as_json: bool) -> int:
    """Not done yet (exit code 0), or failed (2)."""
    text = f"{made['campaign']}: {made['state']}, {made['people_done']:,} of {made['people_in_all']:,} people"
    answer(made, as_json=as_json, text=text + (f"; {made['error']}" if made["error"] else ""))
    return REFUSED if made["state"] == "failed" else DONE


def _age(made: dict[str, Any]) -> str:
    if not made:
        return ""
    still = "for the content and the people as they are now" if made["is_current"] else (
        "the content or the people have changed since")
    return f"Made at {made['made_at']:%Y-%m-%d %H:%M} UTC; {still}\n"
