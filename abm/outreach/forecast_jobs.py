"""Working out launch checks and dry runs in the background: progress is stored, a stopped one is begun again."""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from abm.outreach import forecasts
from abm.outreach.launching import check_launch, name_lines, run_dry
from abm.outreach.models import Forecast, ForecastLines
from abm.outreach.queries import get_campaign
from campaigns.dry_days import Line, Lines
from core import clock, db
from core.errors import AbmError
from core.jobs import every, job, ring, stopping
from core.logs import logger

SWEEP_SECONDS = 30
_OURS = "It stopped on an error of ours; the log has the details"
_BROKEN_OFF = "The database broke the reading off, since it lasted long while others wrote very much; try again later"
_log = logger(__name__)


class _Stopped(Exception):
    """This process was asked to end; another one begins again."""


@job(forecasts.MAKE)
def make_forecast(forecast_id: int) -> None:
    """Work it out, unless somebody does already. People are read while others write: one reading, small writes."""
    with db.transaction() as session:
        if not forecasts.begin_forecast(session, forecast_id, now=clock.now()):
            return
        session.execute(delete(ForecastLines).where(ForecastLines.forecast_id == forecast_id))
    try:
        with db.reading() as session:
            values = _work_out(session, forecast_id)
    except _Stopped:
        _change(forecast_id, state="waiting")
        return
    except AbmError as error:
        values = {"state": "failed", "error": str(error)[:300]}
    except Exception as error:  # whatever went wrong is told on the page; trying again for ever would tell nobody
        _log.exception("forecast not made", forecast=forecast_id)
        values = {"state": "failed", "error": _BROKEN_OFF if isinstance(error, OperationalError) else _OURS}
    _change(forecast_id, **values)


def _work_out(session: Session, forecast_id: int) -> dict[str, Any]:
    forecast = session.get_one(Forecast, forecast_id)
    campaign = get_campaign(session, forecast.campaign_id)
    bound = {"content_hash": campaign.definition_hash, "audience_hash": forecasts.audience_of(session, campaign)}

    def told(done: int, total: int) -> None:
        _change(forecast_id, people_done=done, people=total)
        if stopping():
            raise _Stopped

    if forecast.kind == forecasts.CHECK:
        result = forecasts.pack_check(check_launch(session, campaign=campaign, told=told))
    else:
        start, days = forecasts.read_words(forecast.asked)
        result = run_dry(session, campaign=campaign, start=start, days=days, told=told,
                         keep=lambda lines: _keep_lines(forecast_id, lines))
    return {**bound, "state": "done", "result": result, "made_at": clock.now()}


def _change(forecast_id: int, **values: Any) -> None:
    with db.transaction() as session:
        session.execute(update(Forecast).where(Forecast.id == forecast_id).values(beat_at=clock.now(), **values))


def _keep_lines(forecast_id: int, lines: Lines) -> None:
    by_day: dict[date, list[tuple[Any, ...]]] = defaultdict(list)
    for line, people in lines.items():
        by_day[line.day].append((line.account_id, line.step, line.channel, line.outcome, line.reason, people))
    rows = [ForecastLines(forecast_id=forecast_id, day=day, lines=zlib.compress(json.dumps(part).encode()))
            for day, part in sorted(by_day.items())]
    with db.transaction() as session:
        if session.get(Forecast, forecast_id) is not None:
            session.add_all(rows)


def stream_kept_lines(session: Session, forecast: Forecast, on: date | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a stored dry run with the accounts' names, part by part, by day."""
    wanted = select(ForecastLines.id).where(ForecastLines.forecast_id == forecast.id)
    wanted = wanted.where(ForecastLines.day == on) if on else wanted
    for part_id in session.scalars(wanted.order_by(ForecastLines.day, ForecastLines.id)).all():
        day, packed = session.execute(select(ForecastLines.day, ForecastLines.lines)
                                      .where(ForecastLines.id == part_id)).one()
        yield from name_lines(session, [(Line(day, *line), people)
                                        for *line, people in json.loads(zlib.decompress(packed))])


@job("outreach.forecasts")
def sweep_forecasts() -> None:
    """Ring again for those nobody works on, and forget the old ones."""
    now = clock.now()
    with db.reading() as session:
        left = forecasts.list_left_behind(session, now=now)
    for forecast_id in left:
        ring(forecasts.MAKE, forecast_id=forecast_id)
    with db.transaction() as session:
        forecasts.remove_old(session, now=now)


every(SWEEP_SECONDS, "outreach.forecasts")
