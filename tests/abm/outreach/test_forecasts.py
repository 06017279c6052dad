"""Launch checks and dry runs of large campaigns: made by a worker, found again, and never taken for the present."""

import json
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.cli import main
from abm.outreach import forecast_jobs, forecasts
from abm.outreach.erasure import erase_person
from abm.outreach.launching import check_launch, list_dry_lines, run_dry
from abm.outreach.models import Forecast, ForecastLines
from abm.wiring import connect_engine
from campaigns import dry_run as simulation
from campaigns import dry_spool, survey
from campaigns.dry_days import Lines
from campaigns.models import Campaign
from core import clock, db
from tests.abm.outreach.companies import WORKING_MOMENT
from tests.campaigns.campaign_factory import HELLO, make_campaign, make_people, put_in_list
from tests.factories import make_account, make_contact
from tests.sending_factory import make_identity


@pytest.fixture(autouse=True)
def _large(database: Path, at: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    connect_engine()
    at(WORKING_MOMENT)
    monkeypatch.setattr(forecasts, "AT_ONCE_UP_TO", 2)
    monkeypatch.setattr(survey, "CHUNK", 3)


def make_large(**values: Any) -> int:
    with db.transaction() as session:
        people = make_people(session, 10)
        people[7].lawful_basis = "none"
        for person in people[:3]:
            make_contact(session, person.account)
        return make_campaign(session, **{"holdout": "20%", **values}).id


def ask(campaign_id: int, kind: str, asked: str = "") -> int:
    with db.transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        return forecasts.ask_forecast(session, campaign=campaign, kind=kind, asked=asked).id


def made(session: Session, forecast_id: int) -> Forecast:
    session.expire_all()
    return session.get_one(Forecast, forecast_id)


def test_a_stored_check_is_the_check(session: Session) -> None:
    campaign_id = make_large()
    forecast_id = ask(campaign_id, forecasts.CHECK)
    forecast_jobs.make_forecast(forecast_id)
    forecast, campaign = made(session, forecast_id), session.get_one(Campaign, campaign_id)
    stored, present = forecasts.read_check(forecast), check_launch(session, campaign=campaign)
    assert stored is not None
    assert json.dumps(forecasts.pack_check(stored)) == json.dumps(forecasts.pack_check(present))
    assert (stored.sentence, stored.starts) == (present.sentence, present.starts)
    assert (forecast.state, forecast.people_done, forecast.people) == ("done", 13, 13)


def test_a_stored_dry_run_is_the_dry_run_in_sum_and_by_account(session: Session) -> None:
    campaign_id = make_large(steps=[HELLO, {**HELLO, "id": "more", "after": "7 days"}])
    forecast_id = ask(campaign_id, forecasts.DRY_RUN, "/30")
    forecast_jobs.make_forecast(forecast_id)
    forecast, campaign = made(session, forecast_id), session.get_one(Campaign, campaign_id)
    assert forecast.result == run_dry(session, campaign=campaign, start=None, days=30)
    rows = list(forecast_jobs.stream_kept_lines(session, forecast))
    order = ("day", "account", "id", "step", "outcome")
    assert sorted(rows, key=lambda row: [row[name] for name in order]) == list_dry_lines(
        session, campaign=campaign, start=None, days=30)


@pytest.mark.parametrize("limits", [{}, {"per_day": 3}, {"per_second": 1}, {"per_day": 5, "per_domain_day": 2}])
def test_people_in_parts_come_to_the_same_as_all_at_once(session: Session, monkeypatch: pytest.MonkeyPatch,
                                                         limits: dict[str, int]) -> None:
    make_identity(session, **limits)
    shared = [make_contact(session, make_account(session), email="Info@shared.example") for _ in range(4)]
    put_in_list(session, [person.account for person in shared])
    people = make_people(session, 12)
    for person in people[:5]:
        make_contact(session, person.account)
    later = [{**HELLO, "id": name, "after": "1 day"} for name in ("more", "again")]
    campaign, in_parts, at_once = make_campaign(session, steps=[HELLO, *later]), Lines(), Lines()
    monkeypatch.setattr(dry_spool, "AT_ONCE", 2)
    parts = simulation.dry_run(session, campaign=campaign, keep=in_parts.update)
    monkeypatch.setattr(dry_spool, "AT_ONCE", 5_000)
    monkeypatch.setattr(survey, "CHUNK", 5_000)
    whole = simulation.dry_run(session, campaign=campaign, keep=at_once.update)
    assert (parts.totals(), parts.finishes_at, in_parts) == (whole.totals(), whole.finishes_at, at_once)
    assert whole.totals()[0]["reasons"]["same_mailbox"] == 3
    assert any("over_cap" in row["reasons"] for row in whole.totals())


def test_a_result_says_when_content_or_people_are_no_longer_those_it_was_made_for(session: Session) -> None:
    campaign_id = make_large()
    forecast_id = ask(campaign_id, forecasts.CHECK)
    forecast_jobs.make_forecast(forecast_id)
    campaign = session.get_one(Campaign, campaign_id)
    assert forecasts.is_current(session, campaign, made(session, forecast_id))
    put_in_list(session, [make_contact(session, make_account(session)).account])
    assert not forecasts.is_current(session, campaign, made(session, forecast_id))


def test_a_second_worker_leaves_a_forecast_alone_and_a_silent_one_is_begun_again(
        session: Session, at: Callable[..., None]) -> None:
    forecast_id = ask(make_large(), forecasts.DRY_RUN, "/5")
    with db.transaction() as writing:
        assert forecasts.begin_forecast(writing, forecast_id, now=clock.now())
    forecast_jobs.make_forecast(forecast_id)
    assert made(session, forecast_id).state == "running"
    session.rollback()
    at(WORKING_MOMENT + forecasts.SILENT_FOR + timedelta(seconds=1))
    assert list(forecasts.list_left_behind(session, now=clock.now())) == [forecast_id]
    session.rollback()
    forecast_jobs.make_forecast(forecast_id)
    forecast_jobs.make_forecast(forecast_id)
    assert made(session, forecast_id).state == "done"
    parts = session.scalars(select(ForecastLines.lines)).all()
    assert sum(line[-1] for part in parts for line in json.loads(zlib.decompress(part))) == 13


def test_a_worker_that_is_asked_to_end_gives_it_back(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    forecast_id = ask(make_large(), forecasts.CHECK)
    monkeypatch.setattr(forecast_jobs, "stopping", lambda: True)
    forecast_jobs.make_forecast(forecast_id)
    assert made(session, forecast_id).state == "waiting"


def test_what_goes_wrong_is_told_and_not_tried_for_ever(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    forecast_id = ask(make_large(), forecasts.CHECK)

    def broken(*_things: Any, **_named: Any) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(forecast_jobs, "check_launch", broken)
    forecast_jobs.make_forecast(forecast_id)
    forecast = made(session, forecast_id)
    assert (forecast.state, "error of ours" in forecast.error) == ("failed", True)
    assert list(forecasts.list_left_behind(session, now=clock.now() + timedelta(days=1))) == []


def test_the_page_shows_progress_then_the_result_with_its_age(client_as: Callable[..., Any], session: Session) -> None:
    campaign_id = make_large()
    client = client_as("marketer")
    assert "Work it out" in client.get(f"/campaigns/{campaign_id}/check").text
    client.post(f"/campaigns/{campaign_id}/forecasts/check")
    assert "Waits for a worker" in client.get(f"/campaigns/{campaign_id}/check").text
    forecast_id = session.scalars(select(Forecast.id)).one()
    progress = f"/campaigns/{campaign_id}/forecasts/{forecast_id}"
    assert "HX-Refresh" not in client.get(progress).headers
    assert "launch check" in client.get("/running").text
    session.rollback()
    forecast_jobs.make_forecast(forecast_id)
    assert client.get(progress).headers["HX-Refresh"] == "true"
    page = client.get(f"/campaigns/{campaign_id}/check").text
    assert "for the content and the people as they are now" in page
    assert "people will be written to" in page


def test_a_stored_dry_run_opens_into_days_and_exports(client_as: Callable[..., Any]) -> None:
    campaign_id = make_large()
    client = client_as("marketer")
    client.post(f"/campaigns/{campaign_id}/forecasts/dry_run", data={"asked": "2026-03-11/5"})
    with db.reading() as reading:
        forecast_id = reading.scalars(select(Forecast.id)).one()
    forecast_jobs.make_forecast(forecast_id)
    assert "Make again" in client.get(f"/campaigns/{campaign_id}/dry-run").text
    asked = "from=2026-03-11&days=5"
    assert "is blocked" in client.get(f"/campaigns/{campaign_id}/dry-run/2026-03-11?{asked}").text
    lines = client.get(f"/campaigns/{campaign_id}/dry-run-accounts.csv?{asked}").text.splitlines()
    assert sum(int(line.rsplit(",", 1)[1]) for line in lines[1:]) == 13
    assert client.post(f"/campaigns/{campaign_id}/forecasts/dry_run", data={"asked": "soon/x"}).status_code == 404


def test_the_command_leaves_it_to_a_worker_and_finds_it_again(capsys: pytest.CaptureFixture[str],
                                                              session: Session) -> None:
    make_large()
    assert main(["campaigns", "dry-run", "hello", "--days", "5", "--background", "--json"]) == 0
    assert main(["campaigns", "dry-run", "hello", "--last", "--json"]) == 0
    forecast_id = session.scalars(select(Forecast.id)).one()
    session.rollback()
    forecast_jobs.make_forecast(forecast_id)
    assert main(["campaigns", "dry-run", "hello", "--last", "--accounts", "--json"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["state"] for one in answers] == ["waiting", "waiting", "done"]
    assert sum(row["people"] for row in answers[2]["accounts"]) == 13
    assert main(["campaigns", "check", "hello", "--last", "--json"]) == 2


def test_erasing_somebody_forgets_the_checks_that_may_name_them(session: Session) -> None:
    forecast_id = ask(make_large(), forecasts.CHECK)
    forecast_jobs.make_forecast(forecast_id)
    person = make_contact(session, make_account(session), email="ada@example.com")
    erase_person(session, email=str(person.email))
    assert session.scalars(select(Forecast)).all() == []
