"""`abm scorecards`."""

import importlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy.orm import Session

from abm.accounts.queries import find_account_by_external_id
from abm.scorecards.models import AccountScore, Scorecard
from abm.scorecards.queries import (
    draft_of,
    find_published,
    get_published,
    get_scorecard,
    list_scorecards,
    select_ranking,
)
from abm.web.spreadsheets import write_csv
from abm.web.terminal import answer
from core.db import reading, transaction
from core.errors import CannotRun, NotFound, Refused

if TYPE_CHECKING:
    from abm.scorecards.explaining import Part

RANK_COLUMNS = ("place", "account_id", "name", "score", "coverage", "membership")


@click.group()
def scorecards() -> None:
    """Judge accounts by weighted criteria, from data and by hand."""
    importlib.import_module("abm.scorecards.jobs")  # what publishing rings for must be known here too


@scorecards.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def apply_(file: Path, as_json: bool) -> None:
    """Create a scorecard from a YAML file, or change the draft of the one with its name."""
    from abm.scorecards.actions import apply_scorecard
    from abm.scorecards.files import load_yaml
    from abm.scorecards.measures import MEASURES
    from abm.scorecards.reading import read_definition

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read as text: {error}") from error
    definition = read_definition(load_yaml(text), MEASURES)
    with transaction() as session:
        found = apply_scorecard(session, definition=definition)
        result = _listed(session, found)
    hint = "" if result["published"] else f"; it scores after `abm scorecards publish {found.name}`"
    answer(result, as_json=as_json, text=f"{found.name}: {len(definition.criteria)} criteria as draft{hint}")


@scorecards.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_(as_json: bool) -> None:
    """Every scorecard with its version and how many accounts it ranks."""
    with reading() as session:
        rows = [_listed(session, one) for one in list_scorecards(session)]
    lines = [f"{row['name']:24} {('version ' + str(row['version'])) if row['version'] else 'draft':12} "
             f"{row['ranked'] if row['ranked'] is not None else '-':>9} ranked   {row['title']}" for row in rows]
    answer({"scorecards": rows}, as_json=as_json,
           text="\n".join(lines) or "No scorecard yet: abm scorecards ship brings in those that come with the product")


def _listed(session: Session, scorecard: Scorecard) -> dict[str, Any]:
    version = find_published(session, scorecard)
    facts = (version.facts if version else None) or {}
    return {"name": scorecard.name, "title": scorecard.title, "family": scorecard.family,
            "version": scorecard.published_number, "published": version is not None,
            "has_changes": version is not None and version.definition != scorecard.draft,
            "accounts": facts.get("accounts"), "ranked": facts.get("ranked"),
            "mean_coverage": facts.get("mean_coverage"), "computed_at": scorecard.computed_at}


@scorecards.command()
def ship() -> None:
    """Bring in the scorecards that come with the product, where they are missing."""
    from abm.scorecards.actions import ship_scorecards

    with transaction() as session:
        made = [one.name for one in ship_scorecards(session)]
    click.echo(f"Brought in: {', '.join(made)}" if made else "All of them are there already")


@scorecards.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many.")
@click.option("--csv", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write the whole ranking here.")
@click.option("--json", "as_json", is_flag=True)
def rank(name: str, limit: int | None, file: Path | None, as_json: bool) -> None:
    """The ranking by the published version; accounts of which too little is known stand last, without a place."""
    with reading() as session:
        version = get_published(session, get_scorecard(session, name))
        number, rows = version.number, _ranking(session, version.id, limit)
        if file is not None:
            _write(file, rows)
            return
        found = list(rows if as_json or limit else _ranking(session, version.id, 20))
    listed = [dict(zip(RANK_COLUMNS, row, strict=True)) for row in found]
    text = "\n".join(f"{row['place'] or '-':>6}  {_points(row['score']):>6}  {row['coverage']:>4.0%}  {row['name']}"
                     for row in listed)
    answer({"scorecard": name, "version": number, "accounts": listed}, as_json=as_json,
           text=f" place   score  known  account\n{text}")


def _points(score: float | None) -> str:
    return "-" if score is None else f"{score:.1f}"


def _ranking(session: Session, version_id: int, limit: int | None) -> Iterator[Sequence[Any]]:
    query = select_ranking(version_id).order_by(AccountScore.place.is_(None), AccountScore.place,
                                                AccountScore.score.desc(), AccountScore.account_id)
    for score, account in session.execute(query.limit(limit), execution_options={"yield_per": 5_000}):
        yield (score.place, account.external_id, account.name, score.score, score.coverage, score.membership)


def _write(file: Path, rows: Iterator[Sequence[Any]]) -> None:
    try:
        with file.open("w", encoding="utf-8", newline="") as out:
            count = write_csv(out, columns=RANK_COLUMNS, rows=rows)
    except OSError as error:
        raise CannotRun(f"{file} cannot be written: {error.strerror}; choose another place") from error
    click.echo(f"{count} accounts written to {file}")


@scorecards.command()
@click.argument("name")
@click.argument("account_id")
@click.option("--json", "as_json", is_flag=True)
def explain(name: str, account_id: str, as_json: bool) -> None:
    """An account's score, criterion by criterion."""
    from abm.scorecards.computing import get_values
    from abm.scorecards.explaining import explain_score
    from abm.scorecards.queries import stored_definition

    with reading() as session:
        scorecard = get_scorecard(session, name)
        version = get_published(session, scorecard)
        account = find_account_by_external_id(session, account_id)
        if account is None:
            raise NotFound(f"There is no account {account_id}")
        definition = stored_definition(version.definition)
        values = get_values(session, scorecard_id=scorecard.id, definition=definition)
        found = explain_score(session, scorecard=scorecard, definition=definition, values=values,
                              account_id=account.id)
        number, account_name, parts = version.number, account.name, [_plain_part(part) for part in found.parts]
        lines = [_say_part(part) for part in found.parts]
    answer({"scorecard": name, "version": number, "account_id": account_id, "score": found.score,
            "coverage": found.coverage, "membership": found.membership, "criteria": parts}, as_json=as_json,
           text="\n".join([f"{account_name}: {_points(found.score)} with {found.coverage:.0%} of the weight known",
                           *lines]))


def _plain_part(part: "Part") -> dict[str, Any]:
    rating = part.rating
    return {"criterion": part.criterion.id, "title": part.criterion.title, "by": part.criterion.by, "value": part.raw,
            "points": part.points, "weight": part.criterion.weight, "contribution": part.contribution,
            "words": part.words, "rated_by": rating.rated_by if rating else None, "rated_at": part.rated_at}


def _say_part(part: "Part") -> str:
    adds = "" if part.contribution is None else f" = {part.contribution:.1f}"
    return (f"{part.criterion.title:32} {_points(part.raw):>12} → {_points(part.points):>6} × "
            f"{part.criterion.weight:g}{adds}  {part.words}").rstrip()


@scorecards.command()
@click.argument("name")
@click.option("--note", default="", help="What has changed, for the list of versions.")
def publish(name: str, note: str) -> None:
    """Let the draft score from now on."""
    from abm.scorecards.actions import publish_scorecard

    with transaction() as session:
        version = publish_scorecard(session, scorecard=get_scorecard(session, name), note=note)
    click.echo(f"{name}: version {version.number} is in force")


@scorecards.command("roll-back")
@click.argument("name")
@click.option("--to", "number", type=int, required=True, help="The version that is to score again.")
def roll_back(name: str, number: int) -> None:
    """Let an earlier version score again."""
    from abm.scorecards.actions import roll_back_scorecard

    with transaction() as session:
        roll_back_scorecard(session, scorecard=get_scorecard(session, name), number=number)
    click.echo(f"{name}: version {number} is in force again")


@scorecards.command()
@click.argument("name")
@click.argument("account_id")
@click.argument("criterion")
@click.argument("points", type=float)
@click.option("--evidence", default="", help="What it rests on.")
def rate(name: str, account_id: str, criterion: str, points: float, evidence: str) -> None:
    """Rate an account by a criterion that is given by hand."""
    from abm.scorecards.actions import Rating, compute_soon, rate_account

    with transaction() as session:
        account = find_account_by_external_id(session, account_id)
        if account is None:
            raise NotFound(f"There is no account {account_id}")
        scorecard = get_scorecard(session, name)
        rate_account(session, scorecard=scorecard, account_id=account.id,
                     ratings={criterion: Rating(points, evidence)})
        compute_soon(session, scorecard)
    click.echo(f"{account.name}: {criterion} is {points:g}")


@scorecards.command("back-test")
@click.argument("name")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Score as of this day; left out: MONTHS ago.")
@click.option("--months", type=click.IntRange(1, 36), default=6, show_default=True, help="How long sales count.")
@click.option("--json", "as_json", is_flag=True)
def back_test(name: str, as_of: datetime | None, months: int, as_json: bool) -> None:
    """Would the draft have told whose sales follow? Scores as of a past day against what came after."""
    from abm.scorecards.trials import run_back_test

    with reading() as session:
        scorecard = get_scorecard(session, name)
        found = run_back_test(session, scorecard=scorecard, definition=draft_of(scorecard),
                              as_of=as_of.date() if as_of else None, months=months)
    verdict = found.verdict
    result = {"scorecard": name, "as_of": found.as_of, "until": found.until, "accounts": verdict.accounts,
              "top": verdict.top, "revenue": verdict.revenue, "rank_correlation": verdict.rank_correlation,
              "caught": verdict.caught, "caught_by_past_sales": verdict.caught_by_past_sales,
              "best_possible": verdict.best_possible, "of_today": list(found.of_today)}
    answer(result, as_json=as_json, text=_say(result))


def _say(found: dict[str, Any]) -> str:
    def share(name: str) -> str:
        return "-" if found[name] is None else f"{found[name]:.0%}"

    correlation = "-" if found["rank_correlation"] is None else f"{found['rank_correlation']:.2f}"
    said = (f"{found['accounts']:,} accounts scored as of {found['as_of']}; sales until {found['until']}: "
            f"{found['revenue']:,.0f}\nRank correlation {correlation}. "
            f"The best tenth ({found['top']:,} accounts) brought {share('caught')}; "
            f"by past sales {share('caught_by_past_sales')}, at best {share('best_possible')}.")
    if found["of_today"]:
        said += f"\nOf today, not of then: {', '.join(found['of_today'])}. The test flatters them."
    return said
